"""Training learns, resumes to the same weights, and stops with a reason."""

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from fivefold.data.pack import fold_of
from fivefold.errors import DataError, TrainingError
from fivefold.model.weights import load_weights
from fivefold.train import loop, objective
from fivefold.train.config import Source, TrainConfig
from fivefold.train.loop import read_metrics, train
from fivefold.train.loss import masked_mse
from fivefold.train.schedule import learning_rate
from fivefold.train.sources import training_and_held_out_pairs

QUICK = TrainConfig(
    name="quick",
    preset="small",
    sources=(Source("styled", targets=("fivek_c", "expert_e")), Source("fivek_pairs")),
    held_out_folds=(0,),
    epochs=3,
    learning_rate=2e-3,
    final_learning_rate=1e-3,
)


def test_held_out_photos_are_never_trained_on(study_pack: Path) -> None:
    """Training and held-out pairs share no photo, and repeats repeat."""
    config = dataclasses.replace(QUICK, sources=(Source("styled"), Source("fivek_pairs", repeat=3)))
    training, held_out = training_and_held_out_pairs(config, study_pack)
    assert held_out
    assert not {p.id for p in training} & {p.id for p in held_out}
    ids = [p.id for p in training if p.style == "real_c"]
    assert all(ids.count(photo_id) == 3 for photo_id in ids)
    everything, nothing = training_and_held_out_pairs(
        dataclasses.replace(config, held_out_folds=()), study_pack
    )
    assert len(everything) > len(training)
    assert not nothing


def test_training_learns(study_pack: Path, tmp_path: Path) -> None:
    """A few epochs on a learnable change lower the loss and beat the untouched input."""
    config = dataclasses.replace(QUICK, epochs=6)
    train(config, study_pack, tmp_path / "run")
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    metrics = [json.loads(line) for line in lines]
    assert len(metrics) == 6
    assert metrics[-1]["training"]["loss"] < 0.5 * metrics[0]["training"]["loss"]
    assert metrics[-1]["held_out"]["all"] > metrics[0]["held_out"]["all"] + 1


def test_interrupted_run_ends_with_the_same_weights(
    study_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in its second epoch and started again, a run gives the same weights bit for bit."""
    train(QUICK, study_pack, tmp_path / "whole")

    calls, step = 0, loop._step

    def interrupted(*arguments: object) -> float:
        nonlocal calls
        calls += 1
        if calls == 8:
            raise KeyboardInterrupt
        return step(*arguments)

    monkeypatch.setattr(loop, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(QUICK, study_pack, tmp_path / "halves")
    assert not (tmp_path / "halves/weights.safetensors").exists()
    monkeypatch.undo()
    train(QUICK, study_pack, tmp_path / "halves")

    whole, _ = load_weights(tmp_path / "whole/weights.safetensors")
    halves, _ = load_weights(tmp_path / "halves/weights.safetensors")
    for (name, a), b in zip(whole.state_dict().items(), halves.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_other_configuration_cannot_resume(study_pack: Path, tmp_path: Path) -> None:
    """A folder with another run's checkpoint is refused instead of mixed."""
    config = dataclasses.replace(QUICK, epochs=1)
    train(config, study_pack, tmp_path / "run")
    with pytest.raises(TrainingError, match=r"another configuration: seed$"):
        train(dataclasses.replace(config, seed=1), study_pack, tmp_path / "run")


def test_damaged_checkpoint_is_named(study_pack: Path, tmp_path: Path) -> None:
    """A truncated checkpoint stops with the file's name instead of starting over in silence."""
    config = dataclasses.replace(QUICK, epochs=1)
    train(config, study_pack, tmp_path / "run")
    state = tmp_path / "run/state.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"state\.safetensors: cannot resume"):
        train(config, study_pack, tmp_path / "run")


def test_loss_that_is_not_finite_names_the_photos(
    study_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN stops the run, names the batch's photos, and leaves no weights behind."""
    monkeypatch.setattr(objective, "masked_mse", lambda output, *_: output.sum() * float("nan"))
    with pytest.raises(TrainingError, match=r"the loss is nan on the photos \w+, \w+, \w+, \w+"):
        train(QUICK, study_pack, tmp_path / "run")
    assert not (tmp_path / "run/weights.safetensors").exists()


def test_last_good_checkpoint_outlives_a_loss_that_is_not_finite(
    study_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After NaN in the second epoch the first one's checkpoint is there, and a run goes on."""
    steps, real = 0, objective.masked_mse

    def soon_not_finite(output: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        nonlocal steps
        steps += 1
        return real(output, *others) * (float("nan") if steps > 40 else 1.0)

    monkeypatch.setattr(objective, "masked_mse", soon_not_finite)
    with pytest.raises(TrainingError, match="the loss is nan"):
        train(QUICK, study_pack, tmp_path / "run")
    assert len(read_metrics(tmp_path / "run")) == 1
    assert all(v.isfinite().all() for v in load_file(tmp_path / "run/state.safetensors").values())
    monkeypatch.undo()
    train(QUICK, study_pack, tmp_path / "run")
    assert [metrics["epoch"] for metrics in read_metrics(tmp_path / "run")] == [0, 1, 2]


@pytest.fixture
def fresh_accelerate() -> Iterator[Callable[[], None]]:
    """Lets accelerate forget the precision, of which a process has one."""

    def reset() -> None:
        AcceleratorState._reset_state(reset_partial_state=True)

    reset()
    yield reset
    reset()


def test_mixed_precision_trains_the_same_network(
    study_pack: Path, tmp_path: Path, fresh_accelerate: Callable[[], None]
) -> None:
    """With the network in bfloat16, weights stay float32 and losses are those of float32 nearly."""
    config, losses = dataclasses.replace(QUICK, epochs=1, learning_rate=1e-4), []
    for precision in ("no", "bf16"):
        run = tmp_path / precision
        fresh_accelerate()
        train(config, study_pack, run, mixed_precision=precision)
        losses.append(read_metrics(run)[0]["training"]["loss"])
        net, _ = load_weights(run / "weights.safetensors")
        assert all(parameter.dtype == torch.float32 for parameter in net.parameters())
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_tensorboard_gets_every_epoch(study_pack: Path, tmp_path: Path) -> None:
    """Rate, loss and PSNR of training and held-out photos, by the number of steps."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(dataclasses.replace(QUICK, epochs=2), study_pack, tmp_path / "run")
    written = {}
    for file in (tmp_path / "run/tensorboard").iterdir():
        events = EventAccumulator(str(file)).Reload()
        for name in events.Tags()["scalars"]:
            written.setdefault(name, []).extend(e.step for e in events.Scalars(name))
    assert {"learning_rate", "training/loss", "training/psnr", "held_out/all"} <= written.keys()
    steps = [metrics["steps"] for metrics in read_metrics(tmp_path / "run")]
    assert all(sorted(found) == steps for found in written.values())


def test_masked_mse_counts_only_trusted_pixels() -> None:
    """Errors under the mask do not count; the mean is over the pixels that do."""
    output, target = torch.zeros(3, 2, 2), torch.zeros(3, 2, 2)
    target[:, 0, 0] = 9.0  # not trusted
    target[0, 1, 1] = 0.6
    mask = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    assert masked_mse(output, target, mask).item() == pytest.approx(0.36 / 9)
    assert masked_mse(output, target, torch.zeros(2, 2)).item() == 0


def test_rate_decays_exponentially_or_stays() -> None:
    """From 1e-4 to 1e-5 in ten epochs each epoch has the same factor; equal ends give one rate."""
    rates = [learning_rate(e, epochs=10, first=1e-4, last=1e-5) for e in range(10)]
    assert rates[0] == pytest.approx(1e-4)
    assert rates[-1] == pytest.approx(1e-5)
    factors = [b / a for a, b in itertools.pairwise(rates)]
    assert factors == pytest.approx([0.1 ** (1 / 9)] * 9)
    assert learning_rate(7, epochs=10, first=1e-4, last=1e-4) == pytest.approx(1e-4)
    with pytest.raises(ValueError, match="received 10"):
        learning_rate(10, epochs=10, first=1e-4, last=1e-5)


def test_configurations_are_checked(tmp_path: Path) -> None:
    """Every frozen configuration reads; an unknown key or a broken file is named."""
    folder = Path(__file__).parents[2] / "configs"
    names = [TrainConfig.read(path).name for path in sorted(folder.glob("*.toml"))]
    assert names
    broken = tmp_path / "x.toml"
    broken.write_text('name = "x"\nepoch = 3\n')
    with pytest.raises(DataError, match=r"x\.toml: unknown key epoch"):
        TrainConfig.read(broken)
    broken.write_text("name =")
    with pytest.raises(DataError, match=r"x\.toml: not a TOML file"):
        TrainConfig.read(broken)


def test_fast_steps_are_for_runs_that_say_so() -> None:
    """Runs that were published before there was the key compute what they did."""
    folder = Path(__file__).parents[2] / "configs"
    published = [*folder.glob("consensus_[12].toml"), *folder.glob("paper/*.toml")]
    assert len(published) == 2 + 8
    assert not any(TrainConfig.read(path).fast_steps for path in published)
    assert TrainConfig.read(folder / "consensus_3.toml").fast_steps


def test_fast_steps_differ_in_the_last_bits_only(study_pack: Path, tmp_path: Path) -> None:
    """An epoch of steps in another order ends with the same losses, but for rounding."""
    losses = []
    for fast in (True, False):
        config = dataclasses.replace(QUICK, epochs=1, learning_rate=1e-5, fast_steps=fast)
        train(config, study_pack, tmp_path / str(fast))
        losses.append(read_metrics(tmp_path / str(fast))[0]["curve"]["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_checkpoint_from_before_fast_steps_is_not_mixed(study_pack: Path, tmp_path: Path) -> None:
    """A run that an older version began goes on as it was begun, or not at all."""
    config = dataclasses.replace(QUICK, epochs=1, fast_steps=False)
    train(config, study_pack, tmp_path / "run")
    state = tmp_path / "run/state.safetensors"
    tensors = load_file(state)
    with safe_open(state, "pt") as file:
        facts = json.loads(file.metadata()["facts"])
    del facts["config"]["fast_steps"]
    save_file(tensors, state, {"facts": json.dumps(facts)})
    with pytest.raises(TrainingError, match=r"another configuration: fast_steps$"):
        train(dataclasses.replace(config, fast_steps=True), study_pack, tmp_path / "run")
    train(config, study_pack, tmp_path / "run")


def test_folds_of_the_fixture_are_used() -> None:
    """The fixture has FiveK ids in the held-out fold and outside it, or tests prove nothing."""
    folds = {fold_of(f"a{i:04}") for i in range(8)}
    assert 0 in folds
    assert len(folds) > 1
