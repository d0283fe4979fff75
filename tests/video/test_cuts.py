"""Cuts are found; fades, flashes, pans and changes of light are not taken for cuts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from clips import picture

from fivefold.video.cuts import FLASH_FRAMES, CutDetector, Look, Role

SIZE = 32


def look(pixels: np.ndarray) -> Look:
    """The look of a picture ``(H, W, 3)`` of 8 bits."""
    from PIL import Image

    small = Image.fromarray(pixels.astype(np.uint8)).resize((SIZE, SIZE), Image.Resampling.BOX)
    return Look.of(np.asarray(small.convert("YCbCr")))


def roles(pictures: Iterable[np.ndarray]) -> dict[int, Role]:
    """The frames that are not normal."""
    detector: CutDetector[int] = CutDetector()
    told = []
    for i, pixels in enumerate(pictures):
        told += detector.push(i, look(pixels))
    told += detector.flush()
    assert [i for i, _ in told] == list(range(len(told)))
    return {i: role for i, role in told if role is not Role.NORMAL}


def scene(seed: int, frames: int, drift_px: int = 1) -> list[np.ndarray]:
    """A shot that pans over a picture."""
    wide = picture(96 + drift_px * frames, 64, seed)
    return [wide[:, i * drift_px : i * drift_px + 96] for i in range(frames)]


def test_cuts_are_found_where_they_are() -> None:
    """At the first frame of each new shot, in the number there are."""
    clip = scene(1, 12) + scene(2, 9) + scene(3, 20)
    assert roles(clip) == {12: Role.CUT, 21: Role.CUT}


def test_shots_of_few_frames_are_shots() -> None:
    """Fast editing: three frames each, then a long one."""
    clip = scene(1, 10) + scene(2, 3) + scene(3, 3) + scene(4, 10)
    assert roles(clip) == {10: Role.CUT, 13: Role.CUT, 16: Role.CUT}


def test_a_cut_near_the_end_is_found() -> None:
    """Also where no frames follow that could bring the old picture back."""
    assert roles(scene(1, 10) + scene(2, 2)) == {10: Role.CUT}


@pytest.mark.parametrize("frames", [1, 2, FLASH_FRAMES])
def test_a_flash_is_no_cut(frames: int) -> None:
    """Bright frames after which the picture comes back are flashes, and nothing else."""
    clip = [pixels.astype(float) for pixels in scene(1, 30)]
    for i in range(10, 10 + frames):
        clip[i] = np.clip(clip[i] * 0.3 + 180, 0, 255)
    assert roles(clip) == dict.fromkeys(range(10, 10 + frames), Role.FLASH)


@pytest.mark.parametrize("frames", [8, 25])
def test_fades_are_no_cuts(frames: int) -> None:
    """To black and back, and from one scene into another."""
    first, second = scene(1, 40)[0].astype(float), scene(2, 40)[0].astype(float)
    weights = np.linspace(0, 1, frames + 1)
    to_black = [first * (1 - w) for w in weights] + [second * w for w in weights]
    dissolve = [first * (1 - w) + second * w for w in weights]
    assert roles(to_black) == {}
    assert roles(dissolve) == {}


def test_a_pan_and_a_change_of_light_are_no_cuts() -> None:
    """A quick pan keeps most of the histogram; exposure that adjusts goes in small steps."""
    assert roles(scene(5, 30, drift_px=8)) == {}
    clip = [np.clip(pixels * (1 + 0.02 * i), 0, 255) for i, pixels in enumerate(scene(6, 30))]
    assert roles(clip) == {}


def test_something_that_crosses_the_picture_is_no_cut() -> None:
    """A dark thing of a fifth of the width, from left to right."""
    clip = []
    for i, pixels in enumerate(scene(7, 24, drift_px=0)):
        frame = pixels.copy()
        frame[16:, 4 * i : 4 * i + 19] = 25
        clip.append(frame)
    assert roles(clip) == {}


def test_a_thumbnail_of_another_shape_is_refused() -> None:
    """With what was received."""
    with pytest.raises(ValueError, match=r"received \(8, 8, 3\)"):
        Look.of(np.zeros((8, 8, 3), np.uint8))
