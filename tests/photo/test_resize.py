"""The area average against its definition, written as the double loop that it is."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fivefold.photo.image import FULL_SCALE
from fivefold.photo.resize import thumbnail


def area_average_by_definition(pixels: np.ndarray, size_px: int) -> np.ndarray:
    """Each output cell as the overlap-weighted mean of the pixels under it."""
    height, width, channels = pixels.shape
    out = np.zeros((size_px, size_px, channels))
    for i in range(size_px):
        for j in range(size_px):
            top, bottom = Fraction(i * height, size_px), Fraction((i + 1) * height, size_px)
            left, right = Fraction(j * width, size_px), Fraction((j + 1) * width, size_px)
            for y in range(floor(top), ceil(bottom)):
                for x in range(floor(left), ceil(right)):
                    overlap = (min(bottom, y + 1) - max(top, y)) * (
                        min(right, x + 1) - max(left, x)
                    )
                    out[i, j] += float(overlap) * pixels[y, x].astype(np.float64)
            out[i, j] /= float((bottom - top) * (right - left))
    return out / FULL_SCALE[pixels.dtype]


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 23), st.integers(1, 23)),
    size_px=st.integers(1, 9),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float32]),
    data=st.data(),
)
def test_matches_the_definition(shape, size_px, dtype, data):
    """Every cell is within 1e-6 of the double loop, for photos larger and smaller than the cell."""
    elements = st.floats(0, 1, width=32) if dtype is np.float32 else None
    pixels = data.draw(hnp.arrays(dtype, (*shape, 3), elements=elements))
    expected = area_average_by_definition(pixels, size_px)
    np.testing.assert_allclose(thumbnail(pixels, size_px), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_large_photo_matches_exact_sums(dtype):
    """At a size that is no multiple of 256, cells agree with float64 sums by prefix differences."""
    rng = np.random.default_rng(5)
    pixels = (rng.random((1031, 2057, 3)) * FULL_SCALE[np.dtype(dtype)]).astype(dtype)

    def along_first_axis(a: np.ndarray) -> np.ndarray:
        sums = np.concatenate([np.zeros((1, *a.shape[1:])), np.cumsum(a, axis=0)])
        at = np.arange(257) * a.shape[0] / 256
        whole = np.minimum(at.astype(int), a.shape[0] - 1)
        part = (at - whole).reshape(-1, *[1] * (a.ndim - 1))
        integral = sums[whole] + part * (sums[whole + 1] - sums[whole])
        return np.diff(integral, axis=0) / (a.shape[0] / 256)

    rows = along_first_axis(pixels.astype(np.float64))
    expected = along_first_axis(rows.swapaxes(0, 1)).swapaxes(0, 1)
    np.testing.assert_allclose(
        thumbnail(pixels), expected / FULL_SCALE[pixels.dtype], rtol=0, atol=1e-6
    )


def test_256_px_photo_is_unchanged():
    """A photo that already has the size comes back as it is."""
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    np.testing.assert_array_equal(thumbnail(pixels), (pixels / 255).astype(np.float32))


def test_flat_photo_stays_flat_exactly():
    """Weights sum to one: white stays 1 and black 0 at awkward sizes."""
    white = thumbnail(np.full((997, 613, 3), 255, np.uint8))
    assert white.min() == white.max() == 1.0
    assert not thumbnail(np.zeros((997, 613, 3), np.uint8)).any()


def test_views_are_accepted():
    """A mirrored or turned view gives the thumbnail of what it shows."""
    pixels = np.random.default_rng(1).integers(0, 65536, (40, 77, 3), np.uint16)
    view = pixels[::-1].transpose(1, 0, 2)
    np.testing.assert_array_equal(thumbnail(view, 16), thumbnail(view.copy(), 16))


@pytest.mark.parametrize(
    ("pixels", "size_px", "error"),
    [
        (np.zeros((4, 4, 3), np.int32), 2, TypeError),
        (np.zeros((4, 4), np.uint8), 2, ValueError),
        (np.zeros((0, 4, 3), np.uint8), 2, ValueError),
        (np.zeros((4, 4, 3), np.uint8), 0, ValueError),
    ],
)
def test_wrong_input_is_refused(pixels, size_px, error):
    """Caller mistakes name what was received."""
    with pytest.raises(error, match="received"):
        thumbnail(pixels, size_px)
