from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from originals import scene, write_dng, write_prophoto
from PIL import Image

from fivefold.data.rendition import Size, open_original, prophoto_profile
from fivefold.errors import PhotoReadError
from fivefold.photo.colour import linear_to_srgb, srgb_to_linear

WHOLE = Size(long_side_px=10_000)


def test_prophoto_becomes_srgb(tmp_path: Path) -> None:
    """An expert's 16-bit TIFF comes back as the sRGB that it was made from."""
    linear = scene(1, 40, 60)
    original = open_original(write_prophoto(tmp_path / "a.tif", linear), WHOLE)
    assert original.size_px == (60, 40)
    np.testing.assert_allclose(original.reduced(60, 40), linear_to_srgb(linear), atol=2e-4)


def test_littlecms_agrees(tmp_path: Path) -> None:
    """The conversion from ProPhoto is the one that LittleCMS makes in floating point.

    Its faster 16-bit path interpolates a table and is off by 0.5 % in the shadows.
    """
    path = write_prophoto(tmp_path / "a.tif", scene(2, 40, 60))
    expected = imagecodecs.cms_transform(
        (tifffile.imread(path) / 65535).astype(np.float32),
        prophoto_profile(),
        imagecodecs.cms_profile("srgb"),
        colorspace="rgb",
        outcolorspace="rgb",
    )
    srgb = open_original(path, WHOLE).reduced(60, 40)
    np.testing.assert_allclose(srgb, np.clip(expected, 0, 1), atol=5e-4)


def test_a_16_bit_tiff_without_a_profile_is_prophoto(tmp_path: Path) -> None:
    """FiveK's TIFFs are ProPhoto RGB, also where the tag was lost; 8-bit pictures are sRGB."""
    linear = scene(3, 40, 60)
    tagged = open_original(write_prophoto(tmp_path / "a.tif", linear), WHOLE)
    bare = open_original(write_prophoto(tmp_path / "b.tif", linear, profile=False), WHOLE)
    np.testing.assert_array_equal(tagged.reduced(60, 40), bare.reduced(60, 40))
    codes = (linear_to_srgb(linear) * 255).round().astype(np.uint8)
    Image.fromarray(codes).save(tmp_path / "c.png")
    srgb = open_original(tmp_path / "c.png", WHOLE).reduced(60, 40)
    np.testing.assert_array_equal((srgb * 255).round(), codes)


def test_colours_outside_srgb_are_clipped(tmp_path: Path) -> None:
    """A green that only ProPhoto has ends at the edge of sRGB."""
    pixels = np.zeros((8, 8, 3), np.uint16)
    pixels[..., 1] = 50_000
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", iccprofile=prophoto_profile())
    srgb = open_original(tmp_path / "a.tif", WHOLE).reduced(8, 8)
    assert (srgb.min(), srgb.max()) == (0.0, pytest.approx(srgb[0, 0, 1]))
    assert srgb[0, 0, 0] == 0.0


def test_light_is_averaged(tmp_path: Path) -> None:
    """A fine chequer of black and white reduces to half the light, 188 of 255, not to code 128."""
    chequer = np.indices((64, 64)).sum(axis=0) % 2 * 255
    Image.fromarray(np.repeat(chequer[..., None], 3, 2).astype(np.uint8)).save(tmp_path / "a.png")
    srgb = open_original(tmp_path / "a.png", WHOLE).reduced(16, 16)
    np.testing.assert_allclose(srgb[2:-2, 2:-2], linear_to_srgb([0.5] * 3)[0], atol=5e-3)


def test_edges_do_not_ring(tmp_path: Path) -> None:
    """Reducing a hard edge gives nothing darker or brighter than its two sides."""
    edge = np.full((60, 60, 3), 40, np.uint8)
    edge[:, 23:] = 220
    Image.fromarray(edge).save(tmp_path / "a.png")
    codes = open_original(tmp_path / "a.png", WHOLE).reduced(17, 17) * 255
    assert codes.min() == pytest.approx(40, abs=0.1)
    assert codes.max() == pytest.approx(220, abs=0.1)


def test_a_negative_and_its_finished_picture_agree(tmp_path: Path) -> None:
    """One scene as DNG and as ProPhoto TIFF gives one rendition, but for demosaicing."""
    linear = scene(4, 128, 192)
    dng = open_original(write_dng(tmp_path / "a.dng", linear), Size(long_side_px=48))
    tiff = open_original(write_prophoto(tmp_path / "a.tif", linear), Size(long_side_px=48))
    assert dng.size_px == (96, 64)  # half of the sensor is enough for 48
    difference = dng.reduced(48, 32) - tiff.reduced(48, 32)
    assert np.abs(difference[2:-2, 2:-2]).max() < 0.03
    assert np.abs(difference[2:-2, 2:-2]).mean() < 0.006


def test_turning_and_cropping(tmp_path: Path) -> None:
    """Turns are counter-clockwise quarters, crops take the middle and never enlarge."""
    original = open_original(write_prophoto(tmp_path / "a.tif", scene(5, 40, 60)), WHOLE)
    assert original.turned(1).size_px == (40, 60)
    np.testing.assert_array_equal(original.turned(1).turned(3).linear, original.linear)
    cropped = original.cropped(50, 100)
    assert cropped.size_px == (50, 40)
    np.testing.assert_array_equal(cropped.linear, original.linear[:, 5:55])


def test_orientation_is_honoured(tmp_path: Path) -> None:
    """A picture that says it lies on its side is stood up."""
    lying = np.zeros((20, 30, 3), np.uint8)
    lying[0, 0] = 255
    picture = Image.fromarray(lying)
    exif = picture.getexif()
    exif[274] = 6
    picture.save(tmp_path / "a.png", exif=exif)
    upright = open_original(tmp_path / "a.png", WHOLE)
    assert upright.size_px == (20, 30)
    assert upright.linear[0, -1].min() == 1.0


def test_srgb_light(tmp_path: Path) -> None:
    """The light of an sRGB picture is that of the conversions' one home."""
    codes = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    Image.fromarray(codes).save(tmp_path / "a.png")
    light = open_original(tmp_path / "a.png", WHOLE).linear
    np.testing.assert_allclose(light, srgb_to_linear(codes / 255), atol=1e-6)


@pytest.mark.parametrize(
    ("size", "of", "expected"),
    [
        (Size(long_side_px=720), (3008, 2000), (720, 479)),
        (Size(long_side_px=720), (2000, 3008), (479, 720)),
        (Size(short_side_px=480), (3008, 2000), (722, 480)),
        (Size(short_side_px=480), (2000, 3008), (480, 722)),
        (Size(long_side_px=720), (500, 300), (500, 300)),
        (Size(long_side_px=3), (5000, 2), (3, 1)),
    ],
)
def test_sizes(size: Size, of: tuple[int, int], expected: tuple[int, int]) -> None:
    """The sizes that the literature uses, in both orientations; nothing is enlarged."""
    assert size.of(*of) == expected


@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(1, 3000))
def test_a_reduced_side_is_exact(width: int, height: int, side: int) -> None:
    """The given side comes out exactly, or the picture stays as it is."""
    long, short = (
        Size(long_side_px=side).of(width, height),
        Size(short_side_px=side).of(width, height),
    )
    assert max(long) == min(side, max(width, height))
    assert min(short) == min(side, min(width, height))


@pytest.mark.parametrize("sides", [(None, None), (720, 480), (0, None), (None, -1)])
def test_one_side_is_given(sides: tuple[int | None, int | None]) -> None:
    """Both sides would squash the picture, none would say nothing."""
    with pytest.raises(ValueError, match="one of long_side_px"):
        Size(*sides)


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    """The message names the file."""
    (tmp_path / "a.tif").write_bytes(b"II*\0 nothing")
    with pytest.raises(PhotoReadError, match=r"a\.tif"):
        open_original(tmp_path / "a.tif", WHOLE)
