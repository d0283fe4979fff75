from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivefold.evaluate.bootstrap import difference_interval, mean_interval

VALUES = st.lists(st.floats(-100, 100), min_size=1, max_size=30)


@given(VALUES)
def test_an_interval_lies_among_the_values(values: list[float]) -> None:
    """The interval is ordered, and never beyond the lowest and highest value."""
    interval = mean_interval(values, draws=100)
    assert min(values) - 1e-9 <= interval.low <= interval.high <= max(values) + 1e-9
    assert interval.mean == pytest.approx(np.mean(values), abs=1e-9)


def test_it_covers_as_often_as_it_says() -> None:
    """Of 200 samples of 60 normal numbers, about 95 % of the intervals hold the true mean."""
    random = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        interval = mean_interval(random.normal(3, 2, 60), draws=300)
        hits += interval.low <= 3 <= interval.high
    assert 0.90 <= hits / 200 <= 0.98


def test_it_narrows_with_more_photos() -> None:
    """Four times the photos, half the width."""
    random = np.random.default_rng(1)
    few, many = (mean_interval(random.normal(size=n)) for n in (100, 400))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(2, rel=0.2)


def test_versions_of_one_photo_are_no_independent_evidence() -> None:
    """Repeating every photo's value five times narrows nothing when photos are drawn whole."""
    values = np.random.default_rng(2).normal(size=50)
    single = mean_interval(values)
    repeated = mean_interval(np.repeat(values, 5), [f"a{i // 5:04d}" for i in range(250)])
    assert repeated.high - repeated.low == pytest.approx(single.high - single.low, rel=0.1)
    naive = mean_interval(np.repeat(values, 5))
    assert naive.high - naive.low < 0.6 * (single.high - single.low)


def test_paired_differences_see_what_means_hide() -> None:
    """Half a decibel on every photo is certain, although photos differ by many decibels."""
    random = np.random.default_rng(3)
    theirs = random.normal(22, 4, 80)
    interval = difference_interval(theirs + random.normal(0.5, 0.3, 80), theirs)
    assert interval.low > 0.4
    assert interval.high < 0.6


def test_an_infinite_value_is_carried() -> None:
    """One perfect result makes the mean infinite, and the lower end stays a number or infinite."""
    interval = mean_interval([20.0, 21.0, float("inf")])
    assert interval.mean == float("inf")
    assert interval.low >= 20
    assert not np.isnan(interval.high)


def test_two_perfect_results_do_not_differ() -> None:
    """Equal infinite scores count as a difference of nothing."""
    inf = float("inf")
    assert difference_interval([inf, 21.0], [inf, 20.0]).mean == 0.5


def test_a_seed_decides_the_interval() -> None:
    """Reports can be made again."""
    values = np.random.default_rng(4).normal(size=30)
    assert mean_interval(values) == mean_interval(values)
    assert mean_interval(values) != mean_interval(values, seed=1)


def test_mistakes_are_told() -> None:
    """No values, groups or shapes that do not fit, and a level that is none."""
    with pytest.raises(ValueError, match="at least one"):
        mean_interval([])
    with pytest.raises(ValueError, match="groups must be 2, received 1"):
        mean_interval([1.0, 2.0], ["a"])
    with pytest.raises(ValueError, match="level"):
        mean_interval([1.0], level=95)
    with pytest.raises(ValueError, match="one shape"):
        difference_interval([1.0], [1.0, 2.0])
