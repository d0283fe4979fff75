"""Grids over time: averaged within a shot, interpolated between key frames, never across a cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivefold.kernels.grid import BilateralGrid, Guide
from fivefold.video.timeline import GridTimeline, triangular_average

IDENTITY = BilateralGrid.identity(depth=1, height=1, width=1).coefficients


def grid(value: float) -> BilateralGrid:
    """A grid of one cell whose coefficients all are ``value``."""
    return BilateralGrid(np.full_like(IDENTITY, value), Guide.identity())


def values(
    signal: list[float],
    *,
    every: int = 1,
    smoothing_s: float = 0.0,
    times: list[float] | None = None,
    cuts: set[int] = frozenset(),
    flashes: set[int] = frozenset(),
    held_frames: int = 1000,
) -> list[float]:
    """The grid's value at each frame, when the network's answers are ``signal``."""
    timeline = GridTimeline[int](
        lambda i: grid(signal[i]), every=every, smoothing_s=smoothing_s, held_frames=held_frames
    )
    times = times or [float(i) for i in range(len(signal))]
    pairs = []
    for i, time_s in enumerate(times):
        pairs += timeline.push(i, time_s, is_cut=i in cuts, is_flash=i in flashes)
    pairs += timeline.flush()
    assert [frame for frame, _ in pairs] == list(range(len(signal)))
    return [float(one.coefficients.flat[0]) for _, one in pairs]


def test_each_frame_may_have_its_own_grid() -> None:
    """Every frame a key and no averaging: what the network said."""
    assert values([3, 1, 4, 1, 5]) == [3, 1, 4, 1, 5]


def test_between_key_frames_grids_are_interpolated() -> None:
    """Linearly, and the last one is held to the end of the shot."""
    assert values([0, 9, 9, 6, 9], every=3) == [0, 2, 4, 6, 6]


def test_interpolation_goes_by_time_not_by_number() -> None:
    """With a variable frame rate a frame gets the share of its time."""
    assert values([0, 9, 10], every=2, times=[0.0, 0.9, 1.0]) == pytest.approx([0, 9, 10])


def test_averages_have_triangular_weights() -> None:
    """Δt of −1, 0 and 1 with h = 2 weigh ½, 1 and ½; at the edges what is there is normalised."""
    smoothed = values([0, 0, 4, 0, 0], smoothing_s=2.0)
    assert smoothed == pytest.approx([0, 1, 2, 1, 0])
    assert values([3, 0], smoothing_s=2.0) == pytest.approx([2, 1])
    assert float(triangular_average([(0.0, np.float32([5]))], 0.0)[0]) == 5


def test_averages_do_not_lag() -> None:
    """A steady change comes through as it is, away from the edges."""
    ramp = [float(i) for i in range(20)]
    assert values(ramp, smoothing_s=4.0)[4:16] == pytest.approx(ramp[4:16])


def test_averages_take_the_trembling_away() -> None:
    """Noise becomes a tenth with a reach of some frames."""
    noise = np.random.default_rng(0).normal(0, 1, 400).tolist()
    calm = values(noise, smoothing_s=30.0)
    assert np.abs(np.diff(calm)).mean() < 0.1 * np.abs(np.diff(noise)).mean()


def test_nothing_crosses_a_cut() -> None:
    """Neither averages nor interpolation; the new shot begins with a key frame of its own."""
    signal = [1.0] * 5 + [9.0] * 5
    assert values(signal, every=4, smoothing_s=3.0, cuts={5}) == signal


def test_a_flash_is_no_key_frame() -> None:
    """The next frame after it is; only a shot that begins with one has no other choice."""
    signal = [1.0, 1.0, 50.0, 50.0, 1.0, 1.0]
    assert values(signal, every=2, flashes={2, 3}) == [1.0] * 6
    assert values([50.0, 1.0, 1.0], every=1, flashes={0})[0] == 50.0


def test_frames_wait_no_longer_than_memory_allows() -> None:
    """Beyond the limit they are given what is known of the future, in order."""
    timeline = GridTimeline[int](lambda i: grid(i), every=50, smoothing_s=100.0, held_frames=8)
    given_out = 0
    for i in range(100):
        given_out += len(list(timeline.push(i, float(i))))
        assert i + 1 - given_out <= 8
    assert given_out + len(list(timeline.flush())) == 100


@given(
    st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=40),
    st.integers(1, 9),
    st.floats(0, 12),
    st.sets(st.integers(1, 39)),
    st.sets(st.integers(0, 39)),
    st.integers(1, 50),
)
def test_every_frame_gets_a_grid_within_what_the_network_said(
    signal: list[float], every: int, smoothing_s: float, cuts: set, flashes: set, held: int
) -> None:
    """Once, in order, and no average leaves the range of its shot, whatever the rhythm."""
    result = values(
        signal,
        every=every,
        smoothing_s=smoothing_s,
        cuts=cuts,
        flashes=flashes,
        held_frames=held,
    )
    edges = [0, *sorted(cut for cut in cuts if cut < len(signal)), len(signal)]
    for first, end in pairwise(edges):
        shot = signal[first:end]
        assert all(min(shot) - 1e-4 <= v <= max(shot) + 1e-4 for v in result[first:end])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"every": 0}, "received 0"),
        ({"held_frames": 0}, "received 1 and 0"),
        ({"smoothing_s": -1.0}, "received -1.0"),
        ({"smoothing_s": float("nan")}, "received nan"),
    ],
)
def test_numbers_out_of_range_are_refused(words: dict, message: str) -> None:
    """With what was received."""
    with pytest.raises(ValueError, match=message):
        GridTimeline[int](grid, **{"every": 1, "smoothing_s": 0.0, "held_frames": 1, **words})
