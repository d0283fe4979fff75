"""What a run learns from and is scored on, by published split and by number of photos."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from fivefold.data.experts import expert_set
from fivefold.data.pack import STYLED_TARGETS
from fivefold.data.pairs import PairSet
from fivefold.data.parquet import write_parquet
from fivefold.data.sets import open_set
from fivefold.data.versions import EXPERT_STYLES
from fivefold.errors import DataError, TrainingError
from fivefold.train.config import Source, TrainConfig
from fivefold.train.loop import CURVE_POINTS, train
from fivefold.train.sources import is_held_out, training_and_held_out_pairs

EXPERTS = TrainConfig(
    name="experts",
    preset="small",
    sources=(Source("experts", targets=("expert_a", "expert_e")),),
    held_out_split="upe",
    epochs=2,
)


def test_split_holds_out_fivek_by_its_list_and_others_by_fold() -> None:
    """FiveK's 4501 to 5000 are the test part; of other photos about a fifth is held out."""
    assert is_held_out("a4501", "upe")
    assert not is_held_out("a4500", "upe")
    outside = sum(is_held_out(f"holiday/{i}.jpg", "upe") for i in range(1000))
    assert 150 < outside < 250


def test_split_shares_no_photo(study_pack: Path) -> None:
    """Every pair is learned from or scored, by photo, and each is there once."""
    training, held_out = training_and_held_out_pairs(EXPERTS, study_pack)
    assert not {p.id for p in training} & {p.id for p in held_out}
    assert len(training) + len(held_out) == 2 * 10
    assert {p.style for p in held_out} == {"expert_a", "expert_e"}
    assert all(is_held_out(p.id, "upe") for p in held_out)


def test_fewer_photos_are_some_of_all_photos(study_pack: Path) -> None:
    """A limit keeps all pairs of the chosen photos, and never lets held-out ones in."""
    everything, scored = training_and_held_out_pairs(EXPERTS, study_pack)
    few = dataclasses.replace(EXPERTS, training_photos=3, held_out_photos=1)
    training, held_out = training_and_held_out_pairs(few, study_pack)
    assert len(training) == 3 * 2
    assert len(held_out) == 1 * 2
    assert set(training) < set(everything)
    assert set(held_out) <= set(scored)


def test_limits_and_folds_work_together(study_pack: Path) -> None:
    """FiveK pairs of held-out folds are scored beside the held-out photos of the sources."""
    both = dataclasses.replace(EXPERTS, held_out_folds=(0, 1, 2, 3, 4))
    _, held_out = training_and_held_out_pairs(both, study_pack)
    assert {p.style for p in held_out} == {"real_c", "expert_a", "expert_e"}


def test_expert_set_of_the_pack(study_pack: Path) -> None:
    """The pack has five modelled experts, and real pairs that none of them shares."""
    found = expert_set(study_pack)
    assert found.experts == EXPERT_STYLES
    assert len(found.pairs) == 10 * 5
    assert len(found.real_pairs) == 8
    assert not {p.id for p in found.pairs} & {p.id for p in found.real_pairs}
    assert found.modelled


def test_folders_of_experts_are_a_set_of_people(study_pack: Path, tmp_path: Path) -> None:
    """Folders named after experts hold the work of people; whose are missing is told by name."""
    own = tmp_path / "own"
    for role, folder in (("input", "input"), ("expert_c", "expertC"), ("expert_e", "expertE")):
        shutil.copytree(study_pack / "styled" / role, own / folder)
    found = expert_set(own)
    assert found.experts == ("expert_c", "expert_e")
    assert not found.modelled
    assert not found.real_pairs
    config = dataclasses.replace(EXPERTS, sources=(Source("experts"),))
    with pytest.raises(DataError, match="has no versions by expert_a, expert_b, expert_d"):
        training_and_held_out_pairs(config, own)


def test_set_without_experts_is_named(study_pack: Path, tmp_path: Path) -> None:
    """A set of before and after can be trained on, but has no expert to reproduce with."""
    own = tmp_path / "own"
    shutil.copytree(study_pack / "styled/input", own / "before")
    shutil.copytree(study_pack / "styled/expert_e", own / "after")
    training, held_out = training_and_held_out_pairs(
        dataclasses.replace(EXPERTS, sources=(Source("set"),)), own
    )
    assert len(training) + len(held_out) == 10
    with pytest.raises(DataError, match="without versions by any of the experts A to E"):
        expert_set(own)
    with pytest.raises(DataError, match="has no versions mine"):
        training_and_held_out_pairs(
            dataclasses.replace(EXPERTS, sources=(Source("set", targets=("mine",)),)), own
        )


def test_parquet_sets_are_trained_on(study_pack: Path, tmp_path: Path) -> None:
    """A set kept as Parquet gives the same samples as its files did, and can be trained on."""
    pytest.importorskip("pyarrow")
    write_parquet(open_set(study_pack).photos, tmp_path / "set")
    found = expert_set(tmp_path / "set")
    assert found.modelled
    assert len(found.real_pairs) == 8
    samples = []
    for data in (study_pack, tmp_path / "set"):
        drawn = PairSet(training_and_held_out_pairs(EXPERTS, data)[0], augment=False)
        samples.append(
            {(s.pair.id, s.pair.style): s for s in map(drawn.__getitem__, range(len(drawn)))}
        )
    of_files, of_parquet = samples
    assert of_files.keys() == of_parquet.keys()
    for key, sample in of_files.items():
        assert torch.equal(sample.photo, of_parquet[key].photo)
        assert torch.equal(sample.target, of_parquet[key].target)
    train(dataclasses.replace(EXPERTS, epochs=1), tmp_path / "set", tmp_path / "run")
    assert (tmp_path / "run/weights.safetensors").exists()


def test_finished_photos_are_undone_anew(study_pack: Path) -> None:
    """A folder of finished photos gives a pair for each, whose input is made when it is drawn."""
    config = dataclasses.replace(EXPERTS, sources=(Source("finished", index="styled/fivek_c"),))
    training, held_out = training_and_held_out_pairs(config, study_pack)
    assert len(training) + len(held_out) == 10
    assert all(pair.looks is not None for pair in training)
    with pytest.raises(DataError, match="nowhere: is no folder"):
        training_and_held_out_pairs(
            dataclasses.replace(EXPERTS, sources=(Source("finished", index="nowhere"),)), study_pack
        )


def test_sources_are_checked() -> None:
    """An unknown kind and a table without an index are refused; each kind has its own targets."""
    with pytest.raises(ValueError, match="kind must be one of set, experts, finished, table"):
        Source("pairs")
    with pytest.raises(ValueError, match="a table needs an index"):
        Source("table")
    assert Source("experts").targets == EXPERT_STYLES
    assert Source.of({"kind": "styled"}).targets == STYLED_TARGETS
    assert Source("set").targets == ()


def test_unknown_split_is_the_callers_mistake() -> None:
    """The published splits are named."""
    with pytest.raises(ValueError, match=r"lut3d, dpe, upe, received 'mine'"):
        dataclasses.replace(EXPERTS, held_out_split="mine")


def test_metrics_tell_how_each_epoch_went(study_pack: Path, tmp_path: Path) -> None:
    """The curve's points average to the epoch's mean; held-out figures come by expert."""
    config = dataclasses.replace(EXPERTS, held_out_split="", held_out_folds=(0,))
    steps = []
    train(config, study_pack, tmp_path / "run", on_step=lambda *step: steps.append(step))
    epochs = [json.loads(s) for s in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert steps == [(i + 1, 10) for i in range(10)]  # 20 pairs, 5 batches an epoch
    for epoch in epochs:
        curve = epoch["curve"]
        assert len(curve["steps"]) == len(curve["loss"]) == min(CURVE_POINTS, 5)
        assert sum(curve["loss"]) / 5 == pytest.approx(epoch["training"]["loss"])
        assert sum(curve["psnr"]) / 5 == pytest.approx(epoch["training"]["psnr"])
    assert epochs[1]["curve"]["steps"] == [6, 7, 8, 9, 10]
    assert set(epochs[1]["held_out"]) == set(epochs[1]["held_out_loss"])
    assert {"real_c", "all"} <= set(epochs[1]["held_out"])


def test_older_checkpoints_resume(study_pack: Path, tmp_path: Path) -> None:
    """A checkpoint whose configuration lacks newer keys is the same run; other keys are not."""
    config = dataclasses.replace(EXPERTS, held_out_split="", epochs=1)
    train(config, study_pack, tmp_path / "run")
    state = tmp_path / "run/state.safetensors"
    with safe_open(state, framework="pt") as file:
        facts = json.loads(file.metadata()["facts"])
    for key in ("held_out_split", "training_photos", "held_out_photos"):
        del facts["config"][key]
    save_file(load_file(state), state, metadata={"facts": json.dumps(facts)})
    train(config, study_pack, tmp_path / "run")
    facts["config"]["from_the_future"] = 1
    save_file(load_file(state), state, metadata={"facts": json.dumps(facts)})
    with pytest.raises(TrainingError, match="another configuration"):
        train(config, study_pack, tmp_path / "run")
