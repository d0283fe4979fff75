"""Colour conversions against published values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fivefold.photo import colour

EXTENDED = hnp.arrays(np.float64, (4, 3), elements=st.floats(-0.5, 1.5))


def test_srgb_matrix_is_the_published_one():
    """The matrix derived from the primaries is Lindbloom's sRGB (D65) matrix to 7 decimals."""
    published = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    np.testing.assert_allclose(colour.SRGB_TO_XYZ, published, atol=6e-8)


def test_bradford_is_the_published_one():
    """D65 to D50 is Lindbloom's Bradford matrix to 7 decimals."""
    published = [
        [1.0478112, 0.0228866, -0.0501270],
        [0.0295424, 0.9904844, -0.0170491],
        [-0.0092345, 0.0150436, 0.7521316],
    ]
    np.testing.assert_allclose(colour.D65_TO_D50, published, atol=6e-8)


@pytest.mark.parametrize(
    ("srgb", "lab"),
    [
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (53.2408, 80.0925, 67.2032)),
        ((0, 1, 0), (87.7347, -86.1827, 83.1793)),
        ((0, 0, 1), (32.2970, 79.1875, -107.8602)),
        ((0.5, 0.5, 0.5), (53.3890, 0, 0)),
    ],
)
def test_lab_of_known_colours(srgb, lab):
    """The primaries, white, black and mid-grey have the Lab values of Lindbloom's calculator."""
    np.testing.assert_allclose(colour.srgb_to_lab(srgb), lab, atol=2e-3)


def test_transfer_function_of_known_codes():
    """Code 0.5 is 0.21404 in linear light, and the two branches meet at the threshold."""
    np.testing.assert_allclose(colour.srgb_to_linear([0.5, 0, 1]), [0.2140411, 0, 1], atol=1e-7)
    below, above = colour.srgb_to_linear([[0.04045] * 3, [0.04045 + 1e-9] * 3])
    np.testing.assert_allclose(below, above, atol=1e-7)


@given(EXTENDED)
def test_round_trips_keep_colours_outside_srgb(colours):
    """Values from -0.5 to 1.5 survive linear, XYZ and Lab and come back to 1e-9."""
    there = colour.srgb_to_linear(colours)
    np.testing.assert_allclose(colour.linear_to_srgb(there), colours, atol=1e-9)
    np.testing.assert_allclose(
        colour.xyz_to_linear(colour.linear_to_xyz(colours)), colours, atol=1e-12
    )
    np.testing.assert_allclose(colour.lab_to_srgb(colour.srgb_to_lab(colours)), colours, atol=1e-7)


def test_lab_takes_its_white():
    """A white given in D50 is neutral in Lab relative to D50."""
    white = colour.D65_TO_D50 @ colour.WHITE_D65
    np.testing.assert_allclose(colour.xyz_to_lab(white, colour.WHITE_D50), [100, 0, 0], atol=1e-9)


def test_float32_stays_float32():
    """Single precision in, single precision out, within 1e-4 of double precision."""
    srgb = np.random.default_rng(0).random((50, 3)).astype(np.float32)
    lab = colour.srgb_to_lab(srgb)
    assert lab.dtype == np.float32
    np.testing.assert_allclose(lab, colour.srgb_to_lab(srgb.astype(np.float64)), atol=2e-4)


def test_wrong_shape_is_refused():
    """Arrays without three channels last are refused with the shape received."""
    with pytest.raises(ValueError, match=r"received shape \(4, 2\)"):
        colour.srgb_to_linear(np.zeros((4, 2)))
