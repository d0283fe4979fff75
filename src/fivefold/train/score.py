"""How near a network's results are to what it should have made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fivefold.data.pair import Pair
from fivefold.data.pairs import PairSet, Sample
from fivefold.evaluate.metrics import psnr
from fivefold.model.enhancer_net import EnhancerNet
from fivefold.train.loss import masked_mse


@dataclass(frozen=True)
class PairScore:
    """One result against one retouched version.

    Attributes:
        pair: The input and the retouched version.
        psnr: Of the 8-bit result, in dB.
        loss: Mean squared error of the unrounded result.
    """

    pair: Pair
    psnr: float
    loss: float


def pair_scores(net: EnhancerNet | None, judged: PairSet) -> Iterator[PairScore]:
    """Score each pair in turn; an input is enhanced once if its pairs follow each other.

    Args:
        net: The network; ``None`` scores the untouched input.
        judged: The pairs.
    """
    shown, output = None, torch.empty(0)
    for sample in (judged[i] for i in range(len(judged))):
        wanted = sample.pair.input, 0 if net is None else net.style_index(sample.pair.style)
        if wanted != shown:
            output = sample.photo if net is None else enhanced(net, sample)
            shown = wanted
        trusted = sample.mask.numpy().astype(bool)
        yield PairScore(
            pair=sample.pair,
            psnr=psnr(to_8bit(output), to_8bit(sample.target), trusted),
            loss=masked_mse(output, sample.target, sample.mask).item(),
        )


@torch.no_grad()
def enhanced(net: EnhancerNet, sample: Sample) -> Tensor:
    """What a network makes of an input in the pair's style, ``(3, H, W)`` sRGB, not clipped."""
    net.eval()
    device = next(net.parameters()).device
    output: Tensor = net(
        sample.thumbnail[None].to(device), sample.photo[None].to(device), sample.pair.style
    )
    return output[0].cpu()


def mean_scores(net: EnhancerNet, judged: PairSet) -> dict[str, dict[str, float]]:
    """Mean figures for each kind of input, for each style, and for all pairs together.

    Returns:
        By group: ``"psnr"`` in dB and ``"loss"``, as in :class:`PairScore`.
    """
    groups: dict[str, list[tuple[float, float]]] = {}
    for score in pair_scores(net, judged):
        for group in {score.pair.kind, score.pair.style, "all"}:
            groups.setdefault(group, []).append((score.psnr, score.loss))
    return {
        group: dict(zip(("psnr", "loss"), map(float, np.mean(figures, axis=0)), strict=True))
        for group, figures in sorted(groups.items())
    }


def to_8bit(planes: Tensor) -> NDArray[np.uint8]:
    """``(3, H, W)`` in 0…1 to ``(H, W, 3)``, clipped and rounded."""
    return (planes.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
