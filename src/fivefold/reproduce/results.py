"""What each run gave: its curves, and its scores on photos that it never saw."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fivefold.data.experts import REAL_C, ExpertSet
from fivefold.data.pair import Pair
from fivefold.data.pairs import PairSet
from fivefold.data.versions import EXPERT_STYLES
from fivefold.evaluate.figures import Curve
from fivefold.evaluate.metrics import psnr
from fivefold.model.enhancer_net import EnhancerNet
from fivefold.model.weights import load_weights
from fivefold.reproduce.training import WEIGHTS
from fivefold.train.config import TrainConfig
from fivefold.train.score import pair_scores, to_8bit

SCORES = "scores.json"


@dataclass(frozen=True)
class Judged:
    """One result against one retouched version.

    Attributes:
        photo: Its id.
        style: Whose version.
        psnr: Of the 8-bit result, in dB.
        loss: Mean squared error of the unrounded result.
    """

    photo: str
    style: str
    psnr: float
    loss: float


@dataclass(frozen=True)
class Result:
    """A run that ended.

    Attributes:
        config: The run.
        epochs: What it wrote down after each epoch (see :func:`fivefold.train.loop.train`).
        judged: Its scores on the held-out photos, and against the real expert C.
    """

    config: TrainConfig
    epochs: Sequence[dict[str, Any]]
    judged: Sequence[Judged]

    @property
    def training_seconds(self) -> float:
        """Spent in the steps of all epochs."""
        return float(sum(epoch["seconds"] for epoch in self.epochs))

    @property
    def steps_per_epoch(self) -> int:
        """Steps of one epoch."""
        return int(self.epochs[0]["steps"])

    def training_curve(self, quantity: str, *, points: int = 1) -> Curve:
        """``"loss"`` or ``"psnr"`` on the training data over the epochs, as it went.

        Args:
            quantity: Which.
            points: How many of the points that were kept to average into one.
        """
        steps, values = [], []
        for epoch in self.epochs:
            kept = epoch["curve"]
            for start in range(0, len(kept["steps"]), points):
                part = slice(start, start + points)
                steps.append(kept["steps"][part][-1] / self.steps_per_epoch)
                values.append(sum(kept[quantity][part]) / len(kept[quantity][part]))
        return Curve(steps, values)

    def held_out_curve(self, quantity: str) -> Curve:
        """``"loss"`` or ``"psnr"`` on the held-out photos after each epoch."""
        key = {"loss": "held_out_loss", "psnr": "held_out"}[quantity]
        ends = [epoch["epoch"] + 1 for epoch in self.epochs if "all" in epoch[key]]
        return Curve(ends, [epoch[key]["all"] for epoch in self.epochs if "all" in epoch[key]])


def pairs_to_judge(held_out: Sequence[Pair], found: ExpertSet) -> list[Pair]:
    """All experts' versions of the held-out photos, and the real expert C's of others."""
    ids = {pair.id for pair in held_out}
    return [pair for pair in found.pairs if pair.id in ids] + list(found.real_pairs)


def judge(net: EnhancerNet | None, judged: PairSet) -> list[Judged]:
    """Score a network, or the untouched inputs for ``None``, on every pair."""
    return [
        Judged(
            photo=score.pair.id,
            style=score.pair.style,
            psnr=score.psnr,
            loss=score.loss,
        )
        for score in pair_scores(net, judged)
    ]


def judge_run(run: Path, judged: PairSet) -> list[Judged]:
    """Score a run's weights, or take the scores that were written down for these weights."""
    weights, path = run / WEIGHTS, run / SCORES
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["weights_sha256"] == sha256:
            return [Judged(**values) for values in kept["judged"]]
    net, _ = load_weights(weights)
    scores = judge(net.to("cuda" if torch.cuda.is_available() else "cpu"), judged)
    facts = {"weights_sha256": sha256, "judged": [dataclasses.asdict(score) for score in scores]}
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(facts), encoding="utf-8")
    temporary.replace(path)
    return scores


def between_experts(judged: PairSet) -> dict[tuple[str, str], float]:
    """Mean PSNR in dB between every two experts' versions of the same inputs.

    Args:
        judged: The pairs of each input follow each other; the real expert C does not count.
    """
    figures: dict[tuple[str, str], list[float]] = {}
    numbers = [i for i, pair in enumerate(judged.pairs) if pair.style in EXPERT_STYLES]
    for _, group in itertools.groupby(numbers, key=lambda i: judged.pairs[i].input):
        versions = [(judged.pairs[i].style, to_8bit(judged[i].target)) for i in group]
        for (one, ours), (other, theirs) in itertools.combinations(versions, 2):
            figures.setdefault((one, other), []).append(psnr(ours, theirs))
    return {pair: sum(values) / len(values) for pair, values in figures.items()}


def mean_psnr(judged: Sequence[Judged], styles: Sequence[str]) -> float:
    """Mean PSNR in dB over the pairs of some styles; nan where there is none."""
    values = [score.psnr for score in judged if score.style in styles]
    return sum(values) / len(values) if values else float("nan")


def is_real(score: Judged) -> bool:
    """Whether a score is against the real expert C of photos that nothing was trained on."""
    return score.style == REAL_C
