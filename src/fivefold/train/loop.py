"""Training, from the first step to the last, as one function."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from tqdm import tqdm

from fivefold.data.pairs import Draw, PairSet, Sample, batches_of
from fivefold.errors import DataError, TrainingError
from fivefold.model.enhancer_net import PRESETS, EnhancerNet, grown
from fivefold.model.weights import FOLDED, load_weights, save_weights
from fivefold.train.adam import adam, make_steps_fast
from fivefold.train.averaging import WeightAverage
from fivefold.train.checkpoint import load_checkpoint, save_checkpoint
from fivefold.train.config import TrainConfig
from fivefold.train.objective import Objective
from fivefold.train.schedule import learning_rate
from fivefold.train.score import mean_scores
from fivefold.train.sources import training_and_held_out_pairs

METRICS = "metrics.jsonl"
CURVE_POINTS = 50
"""Points an epoch of the training curve that is kept."""


@dataclass
class Progress:
    """Where a run stands, and what the epoch that it is in has given so far.

    Attributes:
        epoch: Counted from 0.
        batch: Batches of this epoch that are done.
        steps: Batches of the whole run that are done.
        losses: Mean squared error of each batch of this epoch.
        psnrs: Mean PSNR in dB of each batch's (unrounded) results.
        seconds: Spent in this epoch.
    """

    epoch: int = 0
    batch: int = 0
    steps: int = 0
    losses: list[float] = field(default_factory=list)
    psnrs: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def end_epoch(self) -> None:
        """Stand at the start of the next epoch."""
        self.epoch += 1
        self.batch, self.losses, self.psnrs, self.seconds = 0, [], [], 0.0


def train(
    config: TrainConfig,
    data: Path,
    run: Path,
    *,
    start_from: Path | None = None,
    mixed_precision: str = "no",
    workers: int = 0,
    checkpoint_every_s: float = 120.0,
    show_progress: bool = True,
    on_step: Callable[[int, int], None] = lambda *_: None,
) -> None:
    """Train one network; called again on the same folder, it goes on where it was stopped.

    Whenever it was stopped, the run ends with the weights of an uninterrupted one, bit for bit on
    a CPU with as many threads. Writes ``state.safetensors`` (the checkpoint), ``metrics.jsonl`` (a
    line an epoch), ``tensorboard/`` and at the end ``weights.safetensors`` into the folder. Under
    ``accelerate launch`` the processes share each batch.

    Args:
        config: The run.
        data: The folder of the study pack (see :mod:`fivefold.data.pack`), and of tables.
        run: The run's folder; made where missing.
        start_from: Weights to go on from instead of a fresh network.
        mixed_precision: ``"no"``, ``"fp16"`` or ``"bf16"``; of the low-resolution network only.
        workers: Processes that prepare batches; 0 does it between the steps.
        checkpoint_every_s: Time between checkpoints; there is one after every epoch besides.
        show_progress: Draw a bar where stderr is a terminal.
        on_step: Called after each step with the number done and the number in the whole run.

    Raises:
        DataError, PhotoReadError: If the data or the starting weights are incomplete or damaged.
        TrainingError: If the loss is not finite, or the checkpoint belongs to another config.
    """
    accelerator = Accelerator(mixed_precision=mixed_precision)
    if config.batch_size % accelerator.num_processes:
        raise ValueError(
            f"batch_size must be a multiple of the {accelerator.num_processes} processes, "
            f"received {config.batch_size}"
        )
    run.mkdir(parents=True, exist_ok=True)
    training, held_out = training_and_held_out_pairs(config, data)
    torch.manual_seed(config.seed)
    net = _starting_network(config, start_from).to(accelerator.device)
    if config.fast_steps:
        net = make_steps_fast(net)
    average = WeightAverage(net, config.average_decay)
    optimiser = adam(net, config.learning_rate, fast=config.fast_steps)
    frozen = json.loads(json.dumps(dataclasses.asdict(config)))
    progress = _resume(run, net, optimiser, average, frozen)
    _check_agreement(accelerator, run, progress)
    objective, minimiser = accelerator.prepare(
        Objective(net, config.loss, config.grid_smoothness), optimiser
    )

    drawn = PairSet(training, augment=True, smallest_crop=config.smallest_crop, seed=config.seed)
    judged = PairSet(held_out, augment=False)
    log = _Log(run, enabled=accelerator.is_main_process)
    steps = len(drawn) // config.batch_size * config.epochs
    bar = tqdm(
        initial=progress.steps,
        total=steps,
        unit="step",
        disable=None if show_progress and accelerator.is_main_process else True,
    )
    while progress.epoch < config.epochs:
        epoch = progress.epoch
        rate = learning_rate(
            epoch,
            epochs=config.epochs,
            first=config.learning_rate,
            last=config.final_learning_rate,
        )
        for group in minimiser.param_groups:
            group["lr"] = rate
        batches = _batches(len(drawn), epoch, config)[progress.batch :]
        shares = [
            batch[accelerator.process_index :: accelerator.num_processes] for batch in batches
        ]
        draws = [[Draw(int(index), epoch) for index in share] for share in shares]

        objective.train()
        for name, part in net.named_children():
            if config.frozen_statistics or not _learns(name, config):
                _freeze_statistics(part)
        bar.set_description(f"epoch {epoch + 1}/{config.epochs}")
        last_saved_s = last_step_s = time.monotonic()
        for samples in batches_of(drawn, draws, workers=workers):
            loss, quality = _step(accelerator, objective, minimiser, samples)
            average.update(net)
            progress.batch += 1
            progress.steps += 1
            progress.losses.append(loss)
            progress.psnrs.append(quality)
            now_s = time.monotonic()
            progress.seconds += now_s - last_step_s
            last_step_s = now_s
            bar.set_postfix(
                loss=f"{np.mean(progress.losses):.5f}",
                psnr=f"{np.mean(progress.psnrs):.2f}",
                rate=f"{rate:.1e}",
                images_s=f"{progress.batch * config.batch_size / progress.seconds:.1f}",
                refresh=False,
            )
            bar.update()
            if now_s - last_saved_s >= checkpoint_every_s and accelerator.is_main_process:
                _save(run, net, optimiser, average, progress, frozen)
                last_saved_s = now_s
            on_step(progress.steps, steps)

        scores = mean_scores(average.net, judged)
        facts = {
            "epoch": epoch,
            "steps": progress.steps,
            "learning_rate": rate,
            "training": {
                "loss": float(np.mean(progress.losses)),
                "psnr": float(np.mean(progress.psnrs)),
            },
            "seconds": round(progress.seconds, 1),
            "images_per_second": progress.batch * config.batch_size / progress.seconds,
            "held_out": {group: figures["psnr"] for group, figures in scores.items()},
            "held_out_loss": {group: figures["loss"] for group, figures in scores.items()},
            "curve": _curve(progress),
        }
        progress.end_epoch()
        if accelerator.is_main_process:
            log.add(facts)
            _save(run, net, optimiser, average, progress, frozen)
        accelerator.wait_for_everyone()
    bar.close()
    if accelerator.is_main_process:
        save_weights(average.net, run / "weights.safetensors", {"training": json.dumps(frozen)})
    accelerator.end_training()


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """What a run wrote down, an object an epoch.

    Raises:
        DataError: If the file is missing or damaged.
    """
    path = run / METRICS
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: is damaged") from error


def _curve(progress: Progress) -> dict[str, list[float]]:
    """How an epoch went: means over up to :data:`CURVE_POINTS` even parts of its steps."""
    before = progress.steps - progress.batch
    parts = np.array_split(np.arange(progress.batch), min(CURVE_POINTS, progress.batch))
    return {
        "steps": [before + int(part[-1]) + 1 for part in parts],
        "loss": [float(np.mean([progress.losses[i] for i in part])) for part in parts],
        "psnr": [float(np.mean([progress.psnrs[i] for i in part])) for part in parts],
    }


def _batches(pairs: int, epoch: int, config: TrainConfig) -> NDArray[np.int64]:
    """The order of an epoch, ``(batches, batch_size)``; what does not fill a batch is left out."""
    order = np.random.default_rng((config.seed, epoch)).permutation(pairs)
    whole = pairs - pairs % config.batch_size
    if not whole:
        raise TrainingError(f"{pairs} pairs do not fill a batch of {config.batch_size}")
    return order[:whole].reshape(-1, config.batch_size)


def _step(
    accelerator: Accelerator,
    objective: Objective,
    minimiser: Any,  # accelerate's wrapping of the optimiser
    samples: list[Sample],
) -> tuple[float, float]:
    """One step; the batch's mean squared error and its mean PSNR in dB, over all processes."""
    loss, errors = objective(samples)
    if not torch.isfinite(loss):
        ids = ", ".join(s.pair.id for s in samples)
        raise TrainingError(f"the loss is {loss.item()} on the photos {ids}")
    minimiser.zero_grad()
    accelerator.backward(loss)
    minimiser.step()
    quality = -10 * torch.log10(errors.clamp(min=1e-10))
    together = accelerator.reduce(torch.stack([errors.mean(), quality.mean()]), "mean")
    mean_error, mean_psnr = together.tolist()
    return mean_error, mean_psnr


def _learns(part: str, config: TrainConfig) -> bool:
    return not config.learning_parts or part in config.learning_parts


def _freeze_statistics(part: torch.nn.Module) -> None:
    """Let normalisation layers use and keep the running statistics that they have."""
    for module in part.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.eval()


def _starting_network(config: TrainConfig, start_from: Path | None) -> EnhancerNet:
    sizes = dataclasses.replace(
        PRESETS[config.preset],
        uniform_knots=config.uniform_knots,
        styles=config.styles,
        restraint=config.restraint,
        adaptation=config.adaptation,
        white_point=config.white_point,
    )
    if start_from is None:
        net = EnhancerNet(sizes)
    else:
        net, facts = load_weights(start_from)
        if FOLDED in facts and not config.frozen_statistics:
            raise TrainingError(
                f"{start_from}: holds weights into which their normalisation is folded: "
                "frozen_statistics must be true to go on from them"
            )
        try:
            net = grown(net, sizes)
        except ValueError as error:
            raise TrainingError(
                f"{start_from}: holds a network of other sizes than {config.preset}"
            ) from error
    for name, part in net.named_children():
        if not _learns(name, config):
            part.requires_grad_(requires_grad=False)
    return net


def _save(
    run: Path,
    net: EnhancerNet,
    optimiser: torch.optim.Optimizer,
    average: WeightAverage[EnhancerNet],
    progress: Progress,
    frozen: dict[str, Any],
) -> None:
    facts = {"config": frozen, "progress": dataclasses.asdict(progress)}
    save_checkpoint(run, {"net": net, "average": average.net}, optimiser, facts)


def _resume(
    run: Path,
    net: EnhancerNet,
    optimiser: torch.optim.Optimizer,
    average: WeightAverage[EnhancerNet],
    frozen: dict[str, Any],
) -> Progress:
    facts = load_checkpoint(run, {"net": net, "average": average.net}, optimiser)
    if facts is None:
        return Progress()
    earlier: dict[str, Any] = facts["config"]
    with suppress(TypeError, ValueError):  # what an older version lacks is added, a newer's stays
        earlier = json.loads(json.dumps(dataclasses.asdict(TrainConfig.of(earlier))))
    differing = sorted(k for k in {*earlier, *frozen} if earlier.get(k) != frozen.get(k))
    if differing:
        raise TrainingError(
            f"{run}: holds a run with another configuration: {', '.join(differing)}"
        )
    progress = Progress(**facts["progress"])
    average.steps = progress.steps
    return progress


def _check_agreement(accelerator: Accelerator, run: Path, progress: Progress) -> None:
    """Refuse to train where processes go on from different checkpoints, or some from none."""
    if accelerator.num_processes == 1:
        return
    mine = torch.tensor([progress.steps], device=accelerator.device)
    steps = accelerator.gather(mine).tolist()
    if len(set(steps)) > 1:
        raise TrainingError(
            f"{run}: does not stand where others do (steps {', '.join(map(str, steps))}); "
            "the folder must be the same one on every machine"
        )


class _Log:
    """The metrics of a run, a line an epoch, and the same for TensorBoard."""

    def __init__(self, run: Path, *, enabled: bool) -> None:
        self.path = run / METRICS
        self.board = run / "tensorboard"
        self.enabled = enabled

    def add(self, facts: dict[str, Any]) -> None:
        """Append one epoch, replacing it where an interrupted run had already written it."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        kept = [line for line in lines if json.loads(line)["epoch"] != facts["epoch"]]
        temporary = self.path.with_suffix(".part")
        temporary.write_text("\n".join([*kept, json.dumps(facts)]) + "\n", encoding="utf-8")
        temporary.replace(self.path)
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(str(self.board)) as board:
            board.add_scalar("learning_rate", facts["learning_rate"], facts["steps"])
            for part in ("training", "held_out", "held_out_loss"):
                for name, value in facts[part].items():
                    board.add_scalar(f"{part}/{name}", value, facts["steps"])
