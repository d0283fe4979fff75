"""Which of the paper's findings the runs confirm, with numbers."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fivefold.data.versions import EXPERT_STYLES
from fivefold.evaluate.bootstrap import difference_interval
from fivefold.reproduce.results import Judged, Result, is_real
from fivefold.reproduce.runs import SINGLE

RESAMPLES = 4000
FEWEST_CLUSTERS = 5
"""With fewer, an interval says nothing."""

TRAINING = "training data, last epoch"
HELD_OUT = "held-out photos"
REAL_EXPERT_C = "real expert C"

Values = Mapping[tuple[Hashable, ...], float]
"""A figure for each observation; the first part of a key is what is resampled together."""


@dataclass(frozen=True)
class Difference:
    """By how much one run is better than another, in pairs.

    Attributes:
        mean: Positive where the first run is better.
        low: Lower end of the 95 % bootstrap interval.
        high: Upper end.
        clusters: Photos, or parts of an epoch, that were resampled.
    """

    mean: float
    low: float
    high: float
    clusters: int


@dataclass(frozen=True)
class Evidence:
    """What one kind of data says about a claim.

    Attributes:
        on: Which data.
        values: The mean figure of each run, the champion first.
        differences: By which the champion is better than each rival.
    """

    on: str
    values: Mapping[str, float]
    differences: Mapping[str, Difference]

    @property
    def clusters(self) -> int:
        """Photos, or parts of an epoch, that it rests on."""
        return min(difference.clusters for difference in self.differences.values())

    @property
    def verdict(self) -> str:
        """``"confirmed"`` if the champion is better than every rival and no interval reaches 0."""
        if self.clusters < FEWEST_CLUSTERS:
            return "not tested (too few photos)"
        if all(difference.low > 0 for difference in self.differences.values()):
            return "confirmed"
        better = [name for name, d in self.differences.items() if d.high < 0]
        if better:
            return f"not confirmed ({' and '.join(f'`{name}`' for name in better)} better)"
        return "not confirmed (no clear difference)"


@dataclass(frozen=True)
class Finding:
    """A claim, and what was found.

    Attributes:
        claim: A sentence.
        source: Where the paper makes it.
        quantity: ``"loss"`` or ``"psnr"``.
        champion: The run that the claim is about.
        evidence: By kind of data; empty where a run that it needs is missing.
        missing: The runs that it needs and that are missing.
        epochs_ahead: After how many epochs the champion was better than every rival on the photos
            that were held out, of how many; (0, 0) where that was not scored.
    """

    claim: str
    source: str
    quantity: str
    champion: str
    evidence: Sequence[Evidence]
    missing: Sequence[str] = ()
    epochs_ahead: tuple[int, int] = (0, 0)


def findings(results: Mapping[str, Result]) -> list[Finding]:
    """Hold the paper's claims against the runs.

    Args:
        results: By the name of the run.
    """
    rivals = ("combined", "combined_small")
    return [
        _finding(
            results,
            claim="Of the three combined models the enlarged one at a decaying rate "
            "(`combined_lrs`) has the lowest L2 loss.",
            source="Figure 4",
            quantity="loss",
            champion="combined_lrs",
            rivals=rivals,
        ),
        _finding(
            results,
            claim="Of the three combined models `combined_lrs` has the highest PSNR.",
            source="Figure 5",
            quantity="psnr",
            champion="combined_lrs",
            rivals=rivals,
        ),
        _finding(
            results,
            claim="Enlarging the layers raises the PSNR of the model of all experts.",
            source="second change",
            quantity="psnr",
            champion="combined",
            rivals=("combined_small",),
        ),
        _finding(
            results,
            claim="One model of all experts can stand for the five: over the five experts "
            "together it is nearer than any model of a single expert.",
            source="first change",
            quantity="psnr",
            champion="combined",
            rivals=SINGLE,
            on=(HELD_OUT,),  # single models learn from other data, and from one expert
        ),
    ]


def difference(first: Values, second: Values, *, higher_is_better: bool) -> Difference:
    """The mean of paired differences, with a bootstrap interval over clusters.

    Args:
        first: By key, a tuple whose first part names the cluster.
        second: By the same keys.
        higher_is_better: Or lower is.

    Raises:
        ValueError: If the keys differ, or there are none.
    """
    if first.keys() != second.keys():
        raise ValueError(f"both must have the same keys, received {len(first)} and {len(second)}")
    better, worse = (first, second) if higher_is_better else (second, first)
    clusters = [str(key[0]) for key in first]
    interval = difference_interval(
        [better[key] for key in first], [worse[key] for key in first], clusters, draws=RESAMPLES
    )
    return Difference(interval.mean, interval.low, interval.high, len(set(clusters)))


def _finding(
    results: Mapping[str, Result],
    *,
    claim: str,
    source: str,
    quantity: str,
    champion: str,
    rivals: Sequence[str],
    on: Sequence[str] = (TRAINING, HELD_OUT, REAL_EXPERT_C),
) -> Finding:
    missing = [name for name in (champion, *rivals) if name not in results]
    evidence = []
    for data in on if not missing else ():
        values = {name: _values(results[name], data, quantity) for name in (champion, *rivals)}
        if values[champion]:
            evidence.append(_evidence(data, values, champion, quantity))
    ahead = (0, 0)
    if TRAINING in on and not missing:
        ahead = _epochs_ahead(results[champion], [results[name] for name in rivals], quantity)
    return Finding(claim, source, quantity, champion, evidence, missing, ahead)


def _epochs_ahead(champion: Result, rivals: Sequence[Result], quantity: str) -> tuple[int, int]:
    sign = 1 if quantity == "psnr" else -1
    own = champion.held_out_curve(quantity).y
    others = zip(*(rival.held_out_curve(quantity).y for rival in rivals), strict=True)
    ahead = [
        sign * mine > max(sign * v for v in best) for mine, best in zip(own, others, strict=True)
    ]
    return sum(ahead), len(ahead)


def _evidence(data: str, values: Mapping[str, Values], champion: str, quantity: str) -> Evidence:
    return Evidence(
        on=data,
        values={name: float(np.mean(list(v.values()))) for name, v in values.items()},
        differences={
            name: difference(values[champion], rival, higher_is_better=quantity == "psnr")
            for name, rival in values.items()
            if name != champion
        },
    )


def _values(result: Result, data: str, quantity: str) -> Values:
    """A run's figures: of each part of the last epoch, or of each pair that was judged."""
    if data == TRAINING:
        curve = result.epochs[-1]["curve"]
        first = curve["steps"][-1] - result.steps_per_epoch
        steps = itertools.pairwise((first, *curve["steps"]))
        return {
            (part, step): curve[quantity][part]
            for part, (before, last) in enumerate(steps)
            for step in range(before, last)
        }
    return {
        (score.photo, place): getattr(score, quantity)
        for place, score in enumerate(result.judged)  # every run was judged on the same pairs
        if _is_on(score, data)
    }


def _is_on(score: Judged, data: str) -> bool:
    return is_real(score) if data == REAL_EXPERT_C else score.style in EXPERT_STYLES
