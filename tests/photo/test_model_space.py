"""From wide-gamut photos to the model's extended sRGB and back."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_samples import PROFILES, srgb_profile, table_profile

from fivefold.kernels.engine import render
from fivefold.kernels.grid import BilateralGrid
from fivefold.photo import colour, compiled_space, profile
from fivefold.photo.model_space import MatrixSpace, model_space, to_srgb


def saturated_ramps(dtype: type) -> np.ndarray:
    """Every code of each primary and secondary colour, and of grey."""
    top = 255 if dtype == np.uint8 else 65535
    codes = np.arange(0, top + 1, 1 if dtype == np.uint8 else 37)
    colours = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1]]
    return np.stack([codes[:, None] * np.array(c) for c in colours]).astype(dtype)


def check_same(back: np.ndarray, pixels: np.ndarray, space: MatrixSpace) -> None:
    """8 bits are equal; others agree to one code of 16 bits or 3e-7 of full linear light."""
    if pixels.dtype == np.uint8:
        np.testing.assert_array_equal(back, pixels)
        return
    scale = 1 if pixels.dtype == np.float32 else 65535
    there, here = back / np.float64(scale), pixels / np.float64(scale)
    in_light = [
        np.abs(curve.to_linear(there[..., i]) - curve.to_linear(here[..., i]))
        for i, curve in enumerate(space.curves)
    ]
    is_near = np.stack(in_light, axis=-1) < 3e-7
    assert (is_near | (np.abs(there - here) <= 1.01 / 65535)).all()


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_saturated_ramps_come_back_exactly(name, dtype):
    """Full-saturation ramps lie outside sRGB and return code for code through the identity grid."""
    space = model_space(PROFILES[name])
    ramps = saturated_ramps(dtype)
    in_model = space.to_model(ramps)
    assert in_model.min() < -0.1 or in_model.max() > 1.1
    rendered = render(in_model, BilateralGrid.identity(), clip=False)
    back = space.from_model(rendered, np.dtype(dtype))
    check_same(back, ramps, space)
    assert space.result_profile == PROFILES[name]


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(PROFILES)),
    seed=st.integers(0, 1 << 30),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float32]),
)
def test_any_colour_comes_back(name, seed, dtype):
    """Random colours of every type survive the way to the model and back."""
    scale = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    pixels = (np.random.default_rng(seed).random((9, 11, 3)) * scale).astype(dtype)
    space = model_space(PROFILES[name])
    back = space.from_model(space.to_model(pixels), np.dtype(dtype))
    assert back.dtype == pixels.dtype
    check_same(back, pixels, space)


@pytest.mark.skipif(not compiled_space.is_available(), reason="no compiled kernels")
@pytest.mark.parametrize("instructions", ["portable", "avx2", "avx512"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", PROFILES)
def test_the_compiled_way_equals_numpy(name, dtype, instructions, monkeypatch):
    """Both ways agree with NumPy's single precision, out of gamut and beyond 1 too."""
    from fivefold import _native

    space = model_space(PROFILES[name])
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, np.iinfo(dtype).max + 1, (7, 333, 3), dtype)
    pixels[0, :5] = 0
    wild = rng.normal(0.5, 1.5, pixels.shape).astype(np.float32)
    wild[:2] *= 1e-4
    _native.limit_instruction_set(instructions)
    try:
        there, back = space.to_model(pixels), space.from_model(wild, np.dtype(dtype))
    finally:
        _native.limit_instruction_set("avx512")
    monkeypatch.setattr(compiled_space, "_native", None)
    np.testing.assert_allclose(
        colour.srgb_to_linear(there),
        colour.srgb_to_linear(space.to_model(pixels)),
        rtol=2e-6,
        atol=6e-7,
    )
    expected = space.from_model(wild, np.dtype(dtype))
    if dtype == np.uint16:
        check_same(back, expected, space)
    else:
        assert np.abs(back.astype(int) - expected).max() <= 1
        assert (back != expected).mean() < 1e-3


@pytest.mark.skipif(not compiled_space.is_available(), reason="no compiled kernels")
def test_pixels_that_are_not_numbers_become_some_colour():
    """NaN and infinities in rendered colours neither crash nor change their neighbours."""
    space = model_space(PROFILES[min(PROFILES)])
    srgb = np.full((3, 40, 3), 0.5, np.float32)
    expected = space.from_model(srgb, np.dtype(np.uint8))[0, 0]
    srgb[1, 7], srgb[1, 8], srgb[2, 39] = np.nan, np.inf, -np.inf
    back = space.from_model(srgb, np.dtype(np.uint8))
    ordinary = np.isfinite(srgb).all(axis=-1)
    assert (back[ordinary] == expected).all()


@pytest.mark.parametrize("name", PROFILES)
def test_srgb_colours_mean_the_same(name):
    """A colour inside sRGB, coded in any space by LittleCMS, comes to the model as itself."""
    import imagecodecs

    srgb = np.random.default_rng(1).uniform(0.1, 1, (32, 32, 3)).astype(np.float32)
    coded = imagecodecs.cms_transform(
        srgb, srgb_profile(), PROFILES[name], colorspace="rgb", outcolorspace="rgb"
    )
    np.testing.assert_allclose(to_srgb(coded, PROFILES[name]), srgb, atol=2e-3)


def test_floating_point_colours_are_not_clipped():
    """Values above 1 in a floating-point photo, such as of a linear profile, come back."""
    linear = profile.build_rgb(profile.SRGB_COLORANTS, profile.parametric_curve(1.0), "linear")
    space = model_space(linear)
    pixels = np.array([[[-0.2, 0.18, 3.5]]], np.float32)
    in_model = space.to_model(pixels)
    np.testing.assert_allclose(in_model[0, 0, 1], 0.4614, atol=1e-4)
    np.testing.assert_allclose(
        space.from_model(in_model, np.dtype(np.float32)), pixels, rtol=1e-5, atol=1e-6
    )


def test_neutral_colours_stay_neutral_in_grey_profiles():
    """The RGB stand-in of a grey profile changes tones alike in all channels, bit for bit."""
    grey = profile.build_rgb(profile.SRGB_COLORANTS, profile.parametric_curve(1.8), "grey")
    space = model_space(grey)
    assert isinstance(space, MatrixSpace)
    assert space.matrix is None
    pixels = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    in_model = space.to_model(pixels)
    assert (in_model == in_model[..., :1]).all()
    np.testing.assert_array_equal(space.from_model(in_model, np.dtype(np.uint8)), pixels)


def test_srgb_needs_no_way():
    """Untagged and sRGB photos go to the model as they are."""
    assert model_space(None) is None
    assert model_space(srgb_profile()) is None


def test_profiles_with_tables_go_through_littlecms():
    """With tables both ways a photo comes back to a few codes and keeps its profile."""
    space = model_space(table_profile(way_back=True))
    pixels = np.random.default_rng(0).integers(40, 215, (20, 20, 3), np.uint8)
    in_model = space.to_model(pixels)
    np.testing.assert_allclose(in_model, pixels / 255, atol=0.02)
    back = space.from_model(in_model, np.dtype(np.uint8))
    assert np.abs(back.astype(int) - pixels).mean() < 1
    assert np.abs(back.astype(int) - pixels).max() <= 10
    assert space.result_profile is not None


def test_profiles_with_one_table_end_in_srgb():
    """A profile that cannot code colours gives a result in sRGB, untagged."""
    space = model_space(table_profile(way_back=False))
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    back = space.from_model(space.to_model(pixels), np.dtype(np.uint8))
    assert space.result_profile is None
    np.testing.assert_allclose(back.astype(int), pixels, atol=6)


def test_a_profile_that_cannot_be_used_is_said_so():
    """A profile of no known structure is refused with the reason."""
    from fivefold.errors import UnsupportedPhotoError

    hollow = struct.pack(">I", 132) + bytes(8) + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(92)
    with pytest.raises(UnsupportedPhotoError, match="colour profile"):
        to_srgb(np.zeros((2, 2, 3), np.float32), hollow)
