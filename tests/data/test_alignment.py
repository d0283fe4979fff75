from __future__ import annotations

import numpy as np
import pytest
from originals import scene
from PIL import Image

from fivefold.data.alignment import alignment
from fivefold.photo.colour import linear_to_srgb

HEIGHT, WIDTH = 240, 360


def picture(seed: int = 1) -> np.ndarray:
    return linear_to_srgb(scene(seed, HEIGHT + 20, WIDTH + 20)).astype(np.float32)


def cut(pixels: np.ndarray, top: int = 10, left: int = 10) -> np.ndarray:
    return pixels[top : top + HEIGHT, left : left + WIDTH]


def retouched(pixels: np.ndarray) -> np.ndarray:
    """Brighter, more contrast, warmer, with clipped highlights: a strong edit."""
    curved = np.clip((pixels * 1.6 - 0.2), 0, 1) ** np.array([0.7, 0.8, 1.1])
    return curved.astype(np.float32)


def test_a_retouched_picture_lies_on_its_input() -> None:
    """Tone and colour do not look like displacement."""
    measured = alignment(cut(picture()), retouched(cut(picture())))
    assert measured.shift_px < 0.1
    assert measured.correlation > 0.8
    assert measured.tiles == 9
    assert measured.is_good


@pytest.mark.parametrize(("down", "right"), [(0, 2), (3, 0), (-2, 5), (0, -9)])
def test_a_shift_is_measured(down: int, right: int) -> None:
    """The displacement is found to a tenth of a pixel."""
    moved = cut(retouched(picture()), 10 + down, 10 + right)
    measured = alignment(cut(picture()), moved)
    assert measured.shift_px == pytest.approx(np.hypot(down, right), abs=0.1)
    assert not measured.is_good


def test_half_a_pixel_passes() -> None:
    """Different resampling moves edges by parts of a pixel, and that is tolerated."""
    pixels = picture()
    between = (pixels[:, :-1] + pixels[:, 1:]) / 2
    measured = alignment(cut(pixels), cut(between))
    assert measured.shift_px == pytest.approx(0.5, abs=0.15)
    assert measured.is_good


@pytest.mark.parametrize("zoom", [0.02, 0.05])
def test_another_crop_is_noticed(zoom: float) -> None:
    """A crop that leaves the centre in place still moves the other tiles."""
    codes = Image.fromarray((cut(picture()) * 255).round().astype(np.uint8))
    dx, dy = WIDTH * zoom / 2, HEIGHT * zoom / 2
    zoomed = codes.resize(
        (WIDTH, HEIGHT), Image.Resampling.BICUBIC, box=(dx, dy, WIDTH - dx, HEIGHT - dy)
    )
    assert not alignment(cut(picture()), np.asarray(zoomed, np.float32) / 255).is_good


@pytest.mark.parametrize("change", ["other", "upside down", "mirrored"])
def test_another_picture_is_noticed(change: str) -> None:
    """Unrelated edges correlate at no displacement."""
    other = {
        "other": cut(picture(2)),
        "upside down": cut(picture())[::-1, ::-1],
        "mirrored": cut(picture())[:, ::-1],
    }[change]
    measured = alignment(cut(picture()), other)
    assert measured.correlation < 0.4
    assert not measured.is_good


@pytest.mark.parametrize("shape", [(HEIGHT, WIDTH, 3), (8, 8, 3), (2, 300, 3)])
def test_nothing_to_compare_is_no_misalignment(shape: tuple[int, ...]) -> None:
    """A flat or a tiny picture is not judged."""
    flat = np.full(shape, 0.5, np.float32)
    measured = alignment(flat, flat)
    assert measured.tiles == 0
    assert measured.is_good


def test_flat_parts_are_left_out() -> None:
    """A clear sky says nothing; the rest of the picture decides."""
    with_sky = cut(picture()).copy()
    with_sky[: HEIGHT // 2] = 0.8
    measured = alignment(with_sky, retouched(with_sky))
    assert 3 <= measured.tiles < 9
    assert measured.is_good


def test_noise_is_no_structure() -> None:
    """A night picture is judged by its lights, not by the last bits of its darkness."""
    random = np.random.default_rng(0)
    night = [np.zeros((HEIGHT, WIDTH, 3), np.float32) for _ in range(2)]
    for pixels, gain in zip(night, (1.0, 1.5), strict=True):
        pixels += random.normal(8, 0.5, pixels.shape) * gain / 255
        pixels[90:150, 130:230] += gain * cut(picture())[90:150, 130:230] / 2
    measured = alignment(night[0], night[1])
    assert 1 <= measured.tiles < 9
    assert measured.is_good


def test_shapes_must_be_equal() -> None:
    """Different sizes are the caller's mistake."""
    with pytest.raises(ValueError, match="shapes must be equal"):
        alignment(cut(picture()), cut(picture())[1:])
