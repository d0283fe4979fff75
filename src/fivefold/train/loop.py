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

from fivefold.data.pack import fivek_pairs, fold_of, styled_pairs
from fivefold.data.pairs import Pair, PairSet, Sample
from fivefold.errors import TrainingError
from fivefold.evaluate.metrics import psnr
from fivefold.model.enhancer_net import PRESETS, EnhancerNet
from fivefold.model.weights import save_weights
from fivefold.train.checkpoint import load_checkpoint, save_checkpoint
from fivefold.train.config import TrainConfig
from fivefold.train.loss import masked_mse
from fivefold.train.schedule import learning_rate


def train(config: TrainConfig, pack: Path, run: Path) -> EnhancerNet:
    """Train one network; called again on the same folder, it goes on after the last whole epoch.

    Writes ``state.safetensors`` (the checkpoint), ``metrics.jsonl`` (a line an epoch) and at the
    end ``weights.safetensors`` into the folder.

    Args:
        config: The run.
        pack: The study pack (see :mod:`fivefold.data.pack`).
        run: The run's folder; made where missing.

    Returns:
        The trained network, in evaluation mode.

    Raises:
        DataError, PhotoReadError: If the pack is incomplete or damaged.
        TrainingError: If the loss is not finite, or the checkpoint belongs to another config.
    """
    run.mkdir(parents=True, exist_ok=True)
    training, held_out = training_and_held_out_pairs(config, pack)
    torch.manual_seed(config.seed)
    sizes = dataclasses.replace(PRESETS[config.preset], uniform_knots=config.uniform_knots)
    net = EnhancerNet(sizes)
    optimiser = torch.optim.Adam(
        (p for p in net.parameters() if p.requires_grad), lr=config.learning_rate
    )
    frozen = dataclasses.asdict(config)
    start = _resume(run, net, optimiser, frozen)

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
        began_s = time.monotonic()
        losses = [
            _step(net, optimiser, [drawn[int(i)] for i in batch])
            for batch in tqdm(batches, desc=f"epoch {epoch + 1}/{config.epochs}", disable=None)
        ]
        facts = {
            "epoch": epoch,
            "learning_rate": rate,
            "training_loss": float(np.mean(losses)),
            "seconds": round(time.monotonic() - began_s, 1),
            "held_out": score(net, judged),
        }
        save_checkpoint(run, net, optimiser, {"epochs_done": epoch + 1, "config": frozen})
        with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(facts) + "\n")
    save_weights(net, run / "weights.safetensors", {"training": json.dumps(frozen)})
    return net.eval()


def training_and_held_out_pairs(config: TrainConfig, pack: Path) -> tuple[list[Pair], list[Pair]]:
    """The pairs that a run learns from (repeated as it says), and those that it is judged on.

    No photo is in both. The untouched sets are judged once a pair, whatever the repeats.
    """
    styled = styled_pairs(pack, config.styled_targets)
    fivek = fivek_pairs(pack)
    training = [
        pair
        for pairs, repeat in ((styled, config.styled_repeat), (fivek, config.fivek_repeat))
        for pair in pairs
        for _ in range(repeat)
        if fold_of(pair.id) != config.held_out_fold
    ]
    held_out = [pair for pair in fivek if fold_of(pair.id) == config.held_out_fold]
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


def _step(net: EnhancerNet, optimiser: torch.optim.Optimizer, samples: list[Sample]) -> float:
    """One batch: grids are predicted together, photos of any size rendered one by one."""
    grids = net.predict(torch.stack([s.thumbnail for s in samples]))
    losses = [
        masked_mse(net.render(s.photo[None], grid[None])[0], s.target, s.mask)
        for s, grid in zip(samples, grids, strict=True)
    ]
    loss = torch.stack(losses).mean()
    if not torch.isfinite(loss):
        ids = ", ".join(s.pair.id for s in samples)
        raise TrainingError(f"the loss is {loss.item()} on the photos {ids}")
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return loss.item()


def _resume(
    run: Path, net: EnhancerNet, optimiser: torch.optim.Optimizer, frozen: dict[str, Any]
) -> int:
    """The epoch to go on with."""
    facts = load_checkpoint(run, net, optimiser)
    if facts is None:
        return 0
    if facts["config"] != json.loads(json.dumps(frozen)):
        raise TrainingError(f"{run}: holds a run with another configuration")
    return int(facts["epochs_done"])


def _to_8bit(planes: torch.Tensor) -> np.typing.NDArray[np.uint8]:
    """``(3, H, W)`` in 0…1 to ``(H, W, 3)``, clipped and rounded."""
    return (planes.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
