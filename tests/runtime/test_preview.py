"""Previews show what the enhancement would do, small and labelled."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fivefold.photo import colour, profile
from fivefold.photo.image import Photo
from fivefold.runtime.enhancer import Enhancer
from fivefold.runtime.preview import split, strip, versions


def smooth_photo(height: int = 300, width: int = 450, **facts: object) -> Photo:
    y, x = np.mgrid[:height, :width] / (height, width)[0]
    pixels = np.stack([x / 2, y, 0.3 + 0 * x], axis=-1)
    return Photo(np.rint(255 * pixels.clip(0, 0.7)).astype(np.uint8), **facts)


def reduced(photo: Photo, side_px: int) -> np.ndarray:
    image = Image.fromarray(photo.pixels)
    image.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    return np.asarray(image, int)


def test_a_version_is_the_enhanced_photo_made_small(enhancer: Enhancer) -> None:
    """Within a code of reducing the full-resolution result; strength 0 is the photo itself."""
    photo = smooth_photo()
    choices = [("none", enhancer, 0.0), ("half", enhancer, 0.5), ("whole", enhancer, 1.0)]
    pictures = versions(photo, choices, side_px=150)
    assert [label for label, _ in pictures] == ["none", "half", "whole"]
    for (_, picture), (_, _, strength) in zip(pictures, choices, strict=True):
        assert picture.size == (150, 100)
        expected = reduced(enhancer(photo, strength), 150)
        assert np.abs(np.asarray(picture, int) - expected).max() <= 2


def test_small_photos_are_not_enlarged(enhancer: Enhancer) -> None:
    """They are shown at their own size."""
    ((_, picture),) = versions(smooth_photo(30, 20), [("x", enhancer, 1.0)], side_px=500)
    assert picture.size == (20, 30)


def test_a_photo_is_shown_as_its_profile_means_it(enhancer: Enhancer) -> None:
    """Linear light becomes sRGB, before and after; a grey photo stays grey."""
    linear = profile.build_rgb(profile.SRGB_COLORANTS, profile.parametric_curve(1.0), "linear")
    light = np.full((40, 60, 3), 0.2, np.float32)
    choices = [("before", enhancer, 0.0), ("after", enhancer, 1.0)]
    photo = Photo(light, icc_profile=linear)
    (_, before), (_, after) = versions(photo, choices, side_px=60)
    code = round(255 * float(colour.linear_to_srgb(np.full(3, 51 / 255))[0]))
    assert np.abs(np.asarray(before, int) - code).max() <= 1
    assert np.asarray(after, int).min() > code + 20
    shades = np.random.default_rng(0).integers(0, 200, (40, 60, 1), np.uint8)
    grey = Photo(np.repeat(shades, 3, axis=2), is_greyscale=True)
    ((_, after),) = versions(grey, [("after", Enhancer.load(), 1.0)], side_px=60)
    assert np.ptp(np.asarray(after, int), axis=2).max() == 0


@pytest.mark.parametrize(
    ("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (4, 4, 1), (5, 3, 2), (9, 3, 3)]
)
def test_a_strip_fills_its_rows(count: int, columns: int, rows: int) -> None:
    """At most four in a row, and every picture is there whole."""
    levels = [20 + 20 * i for i in range(count)]
    pictures = [(f"strength {n}", Image.new("RGB", (120, 70), (n, n, n))) for n in levels]
    sheet = strip(pictures)
    assert sheet.size == (columns * (120 + 16) + 16, rows * (22 + 70 + 16) + 16)
    shown = np.asarray(sheet)
    for level in levels:
        assert (shown == level).all(axis=2).sum() >= 120 * 70


def test_labels_do_not_run_into_each_other() -> None:
    """Below a long label the column is as wide as the label."""
    short, long = (
        strip([(label, Image.new("RGB", (10, 10)))] * 2) for label in ("x", "a long label")
    )
    assert short.width == 2 * (10 + 16) + 16
    assert long.width > short.width + 100


@pytest.mark.parametrize("at", [0.0, 0.3, 0.5, 1.0])
def test_a_split_shows_both_sides_of_the_line(at: float) -> None:
    """Before left, after right, a line between; a label only where its side has room."""
    before, after = (Image.new("RGB", (400, 200), (n, n, n)) for n in (50, 150))
    shown = np.asarray(split(before, after, at=at))[0, :, 0]
    line = round(400 * at)
    assert (shown[: max(line - 1, 0)] == 50).all()
    assert (shown[line + 1 :] == 150).all()
    labelled = np.asarray(split(before, after, at=at))
    has_label = [(labelled[150:, part] == 250).all(axis=2).sum() > 500 for part in HALVES]
    assert has_label == [at > 0.2, at < 0.8]


HALVES = (slice(0, 80), slice(320, 400))


def test_what_cannot_be_meant_is_refused(enhancer: Enhancer) -> None:
    """With what was received."""
    with pytest.raises(ValueError, match="received 0"):
        strip([])
    with pytest.raises(ValueError, match=r"received 1\.2"):
        split(Image.new("RGB", (4, 4)), Image.new("RGB", (4, 4)), at=1.2)
    with pytest.raises(ValueError, match="side_px must be at least 1, received 0"):
        versions(smooth_photo(), [("x", enhancer, 1.0)], side_px=0)
    with pytest.raises(ValueError, match="received 2"):
        versions(smooth_photo(), [("x", enhancer, 2.0)], side_px=10)
