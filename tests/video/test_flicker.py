"""The measure of flicker is what its definition says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clips import Making, picture, read_frames, write_clip

from fivefold.photo.colour import lab_to_srgb
from fivefold.photo.resize import area_average
from fivefold.runtime.enhancer import Enhancer
from fivefold.video.enhance import VideoSettings, enhance_video
from fivefold.video.flicker import Flicker, flicker


def cells(*lightness: float) -> np.ndarray:
    """Grey cells of given L*, one row."""
    lab = np.array([[[value, 0.0, 0.0] for value in lightness]])
    return lab_to_srgb(lab).astype(np.float32)


def cells_of(path: Path) -> list[np.ndarray]:
    """A video's frames, reduced."""
    return [area_average(f.to_ndarray(format="rgb24"), 36, 64) for f in read_frames(path)]


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


def test_videos_flicker_less_than_their_frames_alone(enhancer: Enhancer, tmp_path: Path) -> None:
    """A lamp blinks in a corner; the rest of the picture must not follow it."""
    pixels = picture(128, 72)
    clip = []
    for i in range(60):
        frame = pixels.copy()
        frame[:24, :40] = 60 if i % 5 < 3 else 230
        clip.append(frame)
    source = write_clip(tmp_path / "a.mkv", clip, Making(codec="ffv1", options={}))
    before = [
        area_average(frame.to_ndarray(format="rgb24"), 36, 64) for frame in read_frames(source)
    ]
    measured = {}
    for name, rhythm in (("alone", (1, 0.0)), ("default", (6, 0.5))):
        target = tmp_path / f"{name}.mkv"
        settings = VideoSettings(every=rhythm[0], smoothing_s=rhythm[1], codec="ffv1")
        report = enhance_video(source, target, enhancer, settings)
        assert report.cuts == 0
        measured[name] = flicker(zip(before, cells_of(target), strict=True))
    assert measured["alone"].static_share > 0.8
    assert measured["default"].result < 0.4 * measured["alone"].result
