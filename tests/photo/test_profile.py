"""ICC profiles read here against LittleCMS, and those made here as LittleCMS reads them."""

from __future__ import annotations

import io
import struct

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from photo_samples import PROFILES, SRGB_CURVE, cmyk_profile, srgb_profile
from PIL import ImageCms

from fivefold.photo import profile
from fivefold.photo.model_space import to_srgb


def test_srgb_is_recognised_in_every_dress():
    """LittleCMS's sRGB, ours, and a table-based one are sRGB; wider spaces and other gammas not."""
    coded = np.linspace(0, 1, 1024)
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    table = b"curv" + struct.pack(">II", 0, 1024) + np.rint(linear * 65535).astype(">u2").tobytes()
    gamma = b"curv" + struct.pack(">IIH", 0, 1, round(1.8 * 256))
    assert profile.is_srgb(None)
    assert profile.is_srgb(srgb_profile())
    for curve in (SRGB_CURVE, table):
        assert profile.is_srgb(profile.build_rgb(profile.SRGB_COLORANTS, curve, "s"))
    assert not profile.is_srgb(profile.build_rgb(profile.SRGB_COLORANTS, gamma, "s"))
    assert not profile.is_srgb(PROFILES["Display P3"])
    assert not profile.is_srgb(b"damaged")
    assert not profile.is_srgb(cmyk_profile())


def test_profiles_made_here_are_valid():
    """LittleCMS opens them, and finds the name and the white point."""
    made = PROFILES["Adobe RGB"]
    imagecodecs.cms_profile_validate(made)
    opened = ImageCms.ImageCmsProfile(io.BytesIO(made))
    assert ImageCms.getProfileDescription(opened).strip() == "Adobe RGB"
    assert len(made) == struct.unpack(">I", made[:4])[0]


@pytest.mark.parametrize("name", ["Display P3", "Adobe RGB"])
def test_in_gamut_colours_agree_with_littlecms(name):
    """Where the result lies inside sRGB, ours and LittleCMS's agree to half a code of 8 bits."""
    made = PROFILES[name]
    colours = np.random.default_rng(0).random((64, 64, 3)).astype(np.float32)
    ours = to_srgb(colours, made)
    theirs = imagecodecs.cms_transform(
        colours, made, srgb_profile(), colorspace="rgb", outcolorspace="rgb"
    )
    inside = ((ours > 0.02) & (ours < 0.998)).all(axis=-1)
    assert inside.sum() > 1000
    assert np.abs(ours - theirs)[inside].max() < 0.5 / 255


def test_colours_outside_srgb_are_not_clipped():
    """Pure Display P3 red has the published extended sRGB value (1.0930, -0.2267, -0.1501)."""
    red = to_srgb(np.array([[[1, 0, 0]]], np.float32), PROFILES["Display P3"])
    np.testing.assert_allclose(red[0, 0], [1.0930, -0.2267, -0.1501], atol=2e-3)


def test_srgb_and_untagged_pixels_are_left_alone():
    """No profile and sRGB profiles are the identity, bit for bit."""
    colours = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    for tag in (None, srgb_profile()):
        np.testing.assert_array_equal(to_srgb(colours, tag), colours)


@given(
    gamma=st.floats(1.0, 3.0),
    kind=st.sampled_from(["gamma", "table", "parametric"]),
    values=st.lists(st.floats(-0.5, 1.4), min_size=1, max_size=20),
)
def test_curves_invert(gamma, kind, values):
    """Coded to linear and back is the identity to 1e-4, also outside of 0…1."""
    if kind == "gamma":
        element = profile.parametric_curve(gamma)
    elif kind == "table":
        samples = np.rint(np.linspace(0, 1, 4096) ** gamma * 65535)
        element = b"curv" + struct.pack(">II", 0, 4096) + samples.astype(">u2").tobytes()
    else:
        element = SRGB_CURVE
    curve = profile.curve(element)
    coded = np.array(values)
    back = curve.to_coded(curve.to_linear(coded))
    tolerance = 2e-2 if kind == "table" else 1e-4  # a 16-bit table is flat near black
    np.testing.assert_allclose(back, coded, atol=tolerance)


@pytest.mark.parametrize(
    ("kind", "numbers", "formula"),
    [
        (0, [2.2], lambda x: x**2.2),
        (
            1,
            [2.0, 1.25, -0.25],
            lambda x: np.where(x >= 0.2, np.maximum(1.25 * x - 0.25, 0) ** 2, 0),
        ),
        (2, [2.0, 0.8, 0.1, 0.05], lambda x: (0.8 * x + 0.1) ** 2 + 0.05),
        (3, [3.0, 0.9, 0.1, 0.5, 0.3], lambda x: np.where(x >= 0.3, (0.9 * x + 0.1) ** 3, x / 2)),
        (
            4,
            [2.0, 0.9, 0.1, 0.5, 0.4, 0.01, 0.02],
            lambda x: np.where(x >= 0.4, (0.9 * x + 0.1) ** 2 + 0.01, x / 2 + 0.02),
        ),
    ],
)
def test_parametric_curves_follow_their_formula(kind, numbers, formula):
    """All five types of ICC's parametric curve, also where their two pieces do not meet."""
    fixed = struct.pack(f">{len(numbers)}i", *(round(n * 65536) for n in numbers))
    curve = profile.curve(b"para" + struct.pack(">IHH", 0, kind, 0) + fixed)
    x = np.linspace(0.001, 1, 500)
    np.testing.assert_allclose(curve.to_linear(x), formula(x), atol=5e-5)


@pytest.mark.parametrize(
    "element",
    [
        b"para\0\0\0\0\0\x09\0\0",
        b"para\0\0\0\0\0\0\0\0\0\0\0\0",
        b"curv\0\0\0\0\0\0\0\2\xff\xff\0\0",
        b"text",
        b"curv\0\0\0\0",
    ],
)
def test_curves_that_cannot_be_inverted_are_refused(element):
    """Unknown types, zero gamma, falling tables and cut elements raise an error."""
    with pytest.raises((ValueError, struct.error)):
        profile.curve(element)
