"""The measure of flicker is what its definition says."""

from __future__ import annotations

import numpy as np
import pytest

from fivefold.photo.colour import lab_to_srgb
from fivefold.video.flicker import Flicker, flicker


def cells(*lightness: float) -> np.ndarray:
    """Grey cells of given L*, one row."""
    lab = np.array([[[value, 0.0, 0.0] for value in lightness]])
    return lab_to_srgb(lab).astype(np.float32)


def test_the_measure_by_hand() -> None:
    """Two static cells change by 2 and 4, then by 0 and 2; one that moves does not count."""
    source = [cells(50, 50, 10), cells(50.5, 50, 60), cells(50.5, 50, 10)]
    result = [cells(60, 60, 20), cells(62, 64, 90), cells(62, 66, 20)]
    measured = flicker(zip(source, result, strict=True))
    assert measured.result == pytest.approx((2 + 4 + 0 + 2) / 4, abs=0.01)
    assert measured.source == pytest.approx(0.5 / 4, abs=0.01)
    assert measured.static_share == pytest.approx(2 / 3)


def test_a_result_like_its_source_flickers_as_much() -> None:
    """An untouched video has the flicker of its source."""
    random = np.random.default_rng(0)
    frames = [0.5 + random.normal(0, 0.001, (9, 16, 3)).astype(np.float32) for _ in range(6)]
    measured = flicker((frame, frame) for frame in frames)
    assert measured.result == measured.source > 0
    assert measured.static_share > 0.99


def test_without_anything_static_there_is_no_flicker() -> None:
    """No frames, one frame, or everything moves."""
    assert flicker([]) == flicker([(cells(1), cells(1))]) == Flicker(0, 0, 0)
    assert flicker([(cells(1), cells(1)), (cells(90), cells(1))]) == Flicker(0, 0, 0)


def test_shapes_must_be_equal() -> None:
    """With what was received."""
    with pytest.raises(ValueError, match=r"received \(1, 1, 3\) and \(1, 2, 3\)"):
        flicker([(cells(1), cells(1, 2))])
