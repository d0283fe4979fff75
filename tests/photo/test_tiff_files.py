"""The many kinds of TIFF file, and camera RAW, which mostly is one."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from photo_samples import (
    made_dng,
    random_photo,
    smooth_photo,
)
from PIL import Image

from fivefold.errors import PhotoReadError, UnsupportedPhotoError
from fivefold.photo.files import encode_photo, read_photo

SMOOTH = smooth_photo((64, 96)).pixels
DEEP = np.rint(SMOOTH / 255.0 * 65535).astype(np.uint16)


TIFF_LAYOUTS = {
    "plain": {},
    "lzw": {"compression": "lzw"},
    "lzw with differences": {"compression": "lzw", "predictor": True},
    "deflate": {"compression": "deflate"},
    "deflate with differences": {"compression": "deflate", "predictor": True},
    "packbits": {"compression": "packbits"},
    "zstd": {"compression": "zstd"},
    "tiled": {"tile": (32, 48)},
    "tiled deflate": {"tile": (32, 48), "compression": "deflate", "predictor": True},
    "planar": {"planarconfig": "separate"},
    "planar tiled lzw": {"planarconfig": "separate", "tile": (32, 48), "compression": "lzw"},
    "one strip": {"rowsperstrip": 64},
}


@pytest.mark.parametrize("name", TIFF_LAYOUTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiffs_of_every_layout(name, dtype, big, order):
    """Every compression, tiling, plane order, byte order, classic and BigTIFF: the same pixels."""
    options = dict(TIFF_LAYOUTS[name])
    pixels = random_photo((64, 96), dtype).pixels
    stored = pixels.transpose(2, 0, 1) if "planarconfig" in options else pixels
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=big, byteorder=order) as writer:
        writer.write(stored, photometric="rgb", **options)
    photo = read_photo(buffer.getvalue())
    assert photo.pixels.dtype == dtype
    np.testing.assert_array_equal(photo.pixels, pixels)


def test_jpeg_compressed_tiffs():
    """A TIFF of JPEG strips, in YCbCr as scanners write it, gives its colours."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        options = {"level": 95, "outcolorspace": "ycbcr"}
        writer.write(SMOOTH, photometric="rgb", compression="jpeg", compressionargs=options)
    assert np.abs(read_photo(buffer.getvalue()).pixels.astype(int) - SMOOTH).mean() < 3


@pytest.mark.parametrize(
    ("stored", "options", "expected"),
    [
        (DEEP[..., 0], {"photometric": "minisblack"}, DEEP[..., 0]),
        (DEEP[..., 0], {"photometric": "miniswhite"}, 65535 - DEEP[..., 0]),
        (SMOOTH[..., 0] > 99, {"photometric": "minisblack"}, (SMOOTH[..., 0] > 99) * 255),
        (DEEP.astype(np.uint32) * 65537, {"photometric": "rgb"}, DEEP / 65535),
        ((DEEP / 65535).astype(np.float64), {"photometric": "rgb"}, DEEP / 65535),
        ((SMOOTH / 255).astype(np.float16), {"photometric": "rgb"}, SMOOTH / 255),
    ],
    ids=["grey 16", "white is zero", "bilevel", "32-bit integer", "float64", "float16"],
)
def test_tiffs_of_every_sample_type(stored, options, expected):
    """Bilevel, grey, inverted grey, and every float and integer width come to the nearest type."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, stored, **options)
    photo = read_photo(buffer.getvalue())
    if expected.ndim == 2:
        assert photo.is_greyscale
        expected = np.repeat(expected[..., None], 3, axis=2)
    np.testing.assert_allclose(photo.pixels, expected, rtol=0, atol=5e-4)


def test_palette_tiffs():
    """A palette TIFF gives its 16-bit colours."""
    colours = np.random.default_rng(0).integers(0, 65536, (3, 256), np.uint16)
    indices = np.random.default_rng(1).integers(0, 256, (20, 30), np.uint8)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, indices, photometric="palette", colormap=colours)
    np.testing.assert_array_equal(read_photo(buffer.getvalue()).pixels, colours.T[indices])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_premultiplied_tiffs(dtype):
    """Colours stored multiplied by their alpha are divided by it again."""
    photo = random_photo((20, 30), dtype, alpha=True)
    scale = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    opacity = photo.alpha[..., None] / np.float64(scale)
    multiplied = np.dstack([photo.pixels * opacity, photo.alpha])
    multiplied = (multiplied if dtype == np.float32 else np.rint(multiplied)).astype(dtype)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, multiplied, photometric="rgb", extrasamples=["assocalpha"])
    back = read_photo(buffer.getvalue())
    error = np.abs(back.pixels.astype(np.float64) - photo.pixels) * opacity
    assert error.max() <= (1e-6 if dtype == np.float32 else 1.0)
    np.testing.assert_array_equal(back.alpha, photo.alpha)


def test_tiffs_with_more_channels_are_refused():
    """Spot colours are refused, not dropped."""
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, np.zeros((9, 9, 6), np.uint8), photometric="rgb", extrasamples=[0, 0, 0]
    )
    with pytest.raises(UnsupportedPhotoError, match="6 channels"):
        read_photo(buffer.getvalue())


def test_camera_raw_is_developed():
    """A DNG made here of a grey mosaic becomes an upright 16-bit grey photo with its EXIF."""
    pytest.importorskip("rawpy")
    photo = read_photo(made_dng(orientation=6))
    assert photo.format == "RAW"
    assert photo.bit_depth == 16
    assert photo.pixels.shape == (96, 64, 3)
    middle = photo.pixels[20:-20, 20:-20].astype(np.float64) / 65535
    linear = 0.25
    expected = 1.055 * linear ** (1 / 2.4) - 0.055
    np.testing.assert_allclose(middle.mean(axis=(0, 1)), expected, atol=0.03)
    parsed = Image.Exif()
    parsed.load(photo.metadata.exif)
    assert parsed[0x010F] == "Fivefold"
    assert parsed.get(0x0112) == 1
    brighter = read_photo(made_dng(baseline_exposure_ev=1.0)).pixels
    assert brighter[20:-20, 20:-20].mean() > 1.3 * photo.pixels[20:-20, 20:-20].mean()
    back = read_photo(encode_photo(replace(photo, format="RAW")))
    assert (back.format, back.bit_depth) == ("TIFF", 16)


def test_cut_raw_is_refused():
    """A RAW without its end is refused, not developed black."""
    pytest.importorskip("rawpy")
    with pytest.raises(PhotoReadError):
        read_photo(made_dng()[:-3000])
