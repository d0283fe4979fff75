"""How sure a mean over photos is: percentile bootstrap intervals (Efron, 1979)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and the interval that holds it.

    Attributes:
        mean: Of all values.
        low: Lower end of the interval.
        high: Upper end.
    """

    mean: float
    low: float
    high: float


def mean_interval(
    values: ArrayLike,
    groups: Sequence[str] | None = None,
    *,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """The mean of some values, with a bootstrap interval.

    Whole photos are drawn, not rows: several versions of one photo are no independent evidence.

    Args:
        values: ``(N,)``.
        groups: The photo of each value; each value is its own without it.
        level: Probability of the interval, 0…1.
        draws: Samples drawn.
        seed: Of the draws.

    Returns:
        The mean over values and its percentile interval. With an infinite value all are infinite
        that can be.

    Raises:
        ValueError: For no value, another number of groups, or a level outside of 0…1.
    """
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 1 or not len(numbers):
        raise ValueError(f"values must be a row of at least one, received shape {numbers.shape}")
    if groups is not None and len(groups) != len(numbers):
        raise ValueError(f"groups must be {len(numbers)}, received {len(groups)}")
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, received {level}")
    sums, counts = _by_group(numbers, groups)
    random = np.random.default_rng(seed)
    means = np.empty(draws)
    for i in range(draws):
        drawn = random.integers(0, len(sums), len(sums))
        means[i] = sums[drawn].sum() / counts[drawn].sum()
    tail = (1 - level) / 2
    # Nearest order statistics: interpolating towards an infinite one would give no number.
    low, high = np.quantile(means, [tail, 1 - tail], method="inverted_cdf")
    return Interval(float(numbers.mean()), float(low), float(high))


def difference_interval(
    ours: ArrayLike,
    theirs: ArrayLike,
    groups: Sequence[str] | None = None,
    *,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """The mean of ours − theirs, row by row: does one method beat another on the same photos?

    Args:
        ours: ``(N,)``.
        theirs: ``(N,)``, of the same rows.
        groups: As in :func:`mean_interval`.
        level: As in :func:`mean_interval`.
        draws: As in :func:`mean_interval`.
        seed: As in :func:`mean_interval`.

    Raises:
        ValueError: If the lengths differ, or as in :func:`mean_interval`.
    """
    first, second = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if first.shape != second.shape:
        raise ValueError(f"both must have one shape, received {first.shape} and {second.shape}")
    # Two infinite scores are equal scores, although their difference is no number.
    differences = np.subtract(first, second, out=np.zeros_like(first), where=first != second)
    return mean_interval(differences, groups, level=level, draws=draws, seed=seed)


def _by_group(
    numbers: NDArray[np.float64], groups: Sequence[str] | None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum and number of the values of each group."""
    if groups is None:
        return numbers, np.ones(len(numbers), np.int64)
    _, place = np.unique(np.asarray(groups), return_inverse=True)
    return np.bincount(place, numbers).astype(np.float64), np.bincount(place).astype(np.int64)
