"""Training, from the first step to the last, as one function."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from fivefold.data.pack import fivek_pairs, fold_of, styled_pairs, table_pairs
from fivefold.data.pairs import Pair, PairSet, Sample
from fivefold.errors import TrainingError
from fivefold.evaluate.metrics import psnr
from fivefold.model.enhancer_net import PRESETS, EnhancerNet
from fivefold.model.weights import load_weights, save_weights
from fivefold.train.averaging import WeightAverage
from fivefold.train.checkpoint import load_checkpoint, save_checkpoint
from fivefold.train.config import Source, TrainConfig
from fivefold.train.loss import grid_roughness, masked_mse
from fivefold.train.schedule import learning_rate


def train(config: TrainConfig, data: Path, run: Path, start_from: Path | None = None) -> None:
    """Train one network; called again on the same folder, it goes on after the last whole epoch.

    Writes ``state.safetensors`` (the checkpoint), ``metrics.jsonl`` (a line an epoch) and at the
    end ``weights.safetensors`` into the folder.

    Args:
        config: The run.
        data: The folder of the study pack (see :mod:`fivefold.data.pack`), and of tables.
        run: The run's folder; made where missing.
        start_from: Weights to go on from instead of a fresh network.

    Raises:
        DataError, PhotoReadError: If the data or the starting weights are incomplete or damaged.
        TrainingError: If the loss is not finite, or the checkpoint belongs to another config.
    """
    run.mkdir(parents=True, exist_ok=True)
    training, held_out = training_and_held_out_pairs(config, data)
    torch.manual_seed(config.seed)
    net = _starting_network(config, start_from)
    optimiser = torch.optim.Adam(
        (p for p in net.parameters() if p.requires_grad), lr=config.learning_rate
    )
    average = WeightAverage(net, config.average_decay)
    frozen = dataclasses.asdict(config)
    start = _resume(run, net, optimiser, average, frozen)

    drawn = PairSet(training, augment=True, smallest_crop=config.smallest_crop, seed=config.seed)
    judged = PairSet(held_out, augment=False)
    for epoch in range(start, config.epochs):
        rate = learning_rate(
            epoch,
            epochs=config.epochs,
            first=config.learning_rate,
            last=config.final_learning_rate,
        )
        for group in optimiser.param_groups:
            group["lr"] = rate
        drawn.epoch = epoch
        order = np.random.default_rng((config.seed, epoch)).permutation(len(drawn))
        whole = len(order) - len(order) % config.batch_size  # batches of one have no statistics
        batches = order[:whole].reshape(-1, config.batch_size)

        net.train()
        began_s, losses = time.monotonic(), []
        for batch in tqdm(batches, desc=f"epoch {epoch + 1}/{config.epochs}", disable=None):
            loss = _step(net, optimiser, [drawn[int(i)] for i in batch], config.grid_smoothness)
            average.update(net)
            losses.append(loss)
        facts = {
            "epoch": epoch,
            "learning_rate": rate,
            "training_loss": float(np.mean(losses)),
            "seconds": round(time.monotonic() - began_s, 1),
            "held_out": score(average.net, judged),
        }
        progress = {"epochs_done": epoch + 1, "steps_averaged": average.steps, "config": frozen}
        save_checkpoint(run, {"net": net, "average": average.net}, optimiser, progress)
        with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(facts) + "\n")
    save_weights(average.net, run / "weights.safetensors", {"training": json.dumps(frozen)})


def training_and_held_out_pairs(config: TrainConfig, data: Path) -> tuple[list[Pair], list[Pair]]:
    """The pairs that a run learns from (repeated as it says), and those that it is scored on.

    No photo is in both. What is scored are the FiveK pairs of the held-out fold, each once.
    """
    training = [
        pair
        for source in config.sources
        for pair in _pairs_of(source, data)
        for _ in range(source.repeat)
        if fold_of(pair.id) != config.held_out_fold
    ]
    held_out = [p for p in fivek_pairs(data) if fold_of(p.id) == config.held_out_fold]
    return training, held_out


@torch.no_grad()
def score(net: EnhancerNet, judged: PairSet) -> dict[str, float]:
    """Mean PSNR in dB of 8-bit results, a figure for each kind of input and one for all."""
    net.eval()
    by_kind: dict[str, list[float]] = {}
    for sample in (judged[i] for i in range(len(judged))):
        output = net(sample.thumbnail[None], sample.photo[None])[0]
        figure = psnr(_to_8bit(output), _to_8bit(sample.target), sample.mask.numpy().astype(bool))
        by_kind.setdefault(sample.pair.kind, []).append(figure)
    figures = {kind: float(np.mean(values)) for kind, values in by_kind.items()}
    if figures:
        figures["all"] = float(np.mean([v for values in by_kind.values() for v in values]))
    return figures


def _step(
    net: EnhancerNet, optimiser: torch.optim.Optimizer, samples: list[Sample], smoothness: float
) -> float:
    """One batch: grids are predicted together, photos of any size rendered one by one."""
    grids = net.predict(torch.stack([s.thumbnail for s in samples]))
    losses = [
        masked_mse(net.render(s.photo[None], grid[None])[0], s.target, s.mask)
        for s, grid in zip(samples, grids, strict=True)
    ]
    error = torch.stack(losses).mean()
    if not torch.isfinite(error):
        ids = ", ".join(s.pair.id for s in samples)
        raise TrainingError(f"the loss is {error.item()} on the photos {ids}")
    loss = error + smoothness * grid_roughness(grids) if smoothness else error
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return error.item()


def _pairs_of(source: Source, data: Path) -> list[Pair]:
    if source.kind == "fivek_pairs":
        return fivek_pairs(data)
    if source.kind == "styled":
        return styled_pairs(data, source.targets)
    return table_pairs(data / source.index)


def _starting_network(config: TrainConfig, start_from: Path | None) -> EnhancerNet:
    sizes = dataclasses.replace(PRESETS[config.preset], uniform_knots=config.uniform_knots)
    if start_from is None:
        return EnhancerNet(sizes)
    net, _ = load_weights(start_from)
    if net.config != sizes:
        raise TrainingError(f"{start_from}: holds a network of other sizes than {config.preset}")
    return net


def _resume(
    run: Path,
    net: EnhancerNet,
    optimiser: torch.optim.Optimizer,
    average: WeightAverage[EnhancerNet],
    frozen: dict[str, Any],
) -> int:
    """The epoch to go on with."""
    facts = load_checkpoint(run, {"net": net, "average": average.net}, optimiser)
    if facts is None:
        return 0
    if facts["config"] != json.loads(json.dumps(frozen)):
        raise TrainingError(f"{run}: holds a run with another configuration")
    average.steps = int(facts["steps_averaged"])
    return int(facts["epochs_done"])


def _to_8bit(planes: torch.Tensor) -> np.typing.NDArray[np.uint8]:
    """``(3, H, W)`` in 0…1 to ``(H, W, 3)``, clipped and rounded."""
    return (planes.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
