"""AVIF, HEIC, JPEG XL and Netpbm."""

from __future__ import annotations

import io
import struct

import imagecodecs
import numpy as np
import pytest
from photo_samples import (
    PROFILES,
    pillow_file,
    random_photo,
    smooth_photo,
)
from PIL import Image

from fivefold.errors import PhotoReadError
from fivefold.photo import heif_items, isobmff, jxl_header, profile
from fivefold.photo.files import encode_photo, read_photo
from fivefold.photo.image import Coding, Photo

SMOOTH = smooth_photo((64, 96)).pixels
DEEP = np.rint(SMOOTH / 255.0 * 65535).astype(np.uint16)


@pytest.mark.parametrize("file_format", ["AVIF", "HEIF"])
@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("alpha", [False, True])
def test_avif_and_heic_keep_colours_and_depth(file_format, deep, alpha):
    """8 bits stay 8, more stay more than 8, with alpha; smooth colours change by little."""
    if file_format == "HEIF":
        pytest.importorskip("pillow_heif")
    pixels = DEEP if deep else SMOOTH
    photo = Photo(pixels, pixels[..., 1].copy() if alpha else None)
    back = read_photo(encode_photo(photo, format=file_format, quality=97))
    assert back.pixels.dtype == pixels.dtype
    assert (back.alpha is not None) == alpha
    scale = np.iinfo(pixels.dtype).max
    assert np.abs(back.pixels / scale - pixels / scale).mean() < 1.5 / 255
    if alpha:
        assert np.abs(back.alpha / scale - photo.alpha / scale).mean() < 1.5 / 255


@pytest.mark.parametrize("file_format", ["AVIF", "HEIF"])
@pytest.mark.parametrize("bits", [10, 12])
def test_ten_and_twelve_bits_are_full_scale(file_format, bits):
    """Black and white of 10 and 12 bits are black and white of 16, and the depth is kept."""
    if file_format == "HEIF":
        pytest.importorskip("pillow_heif")
    pixels = np.zeros((32, 48, 3), np.uint16)
    pixels[:, 24:] = 65535
    photo = Photo(pixels, coding=Coding(bits=bits))
    back = read_photo(encode_photo(photo, format=file_format, quality=100))
    assert back.coding.bits == bits
    assert back.pixels[:, 40:].min() > 65000
    assert back.pixels[:, :8].max() < 600


def test_tiles_state_the_colours_of_a_grid():
    """A picture of tiles without a profile of its own has that of its tiles, as of iPhones."""
    tile = isobmff.Item(b"hvc1", properties=[(b"colr", b"prof" + PROFILES["Display P3"])])
    grid = isobmff.Item(b"grid", properties=[(b"ispe", bytes(12))])
    collection = isobmff.Collection(
        primary=2, items={1: tile, 2: grid}, references=[(b"dimg", 2, (1, 1, 1))]
    )
    assert heif_items.colour_profile(collection) == PROFILES["Display P3"]
    tile.properties = [(b"colr", b"nclx" + struct.pack(">HHHB", 12, 13, 6, 128))]
    assert profile.matrix_profile(heif_items.colour_profile(collection)) is not None
    tile.properties = []
    assert heif_items.colour_profile(collection) is None


def test_lossless_avif_is_exact():
    """Quality 100 keeps every 8-bit value."""
    photo = random_photo(alpha=True)
    back = read_photo(encode_photo(photo, format="AVIF", quality=100))
    np.testing.assert_array_equal(back.pixels, photo.pixels)
    np.testing.assert_array_equal(back.alpha, photo.alpha)


@pytest.mark.parametrize("turn", [(3, None), (0, 1), (1, 0), (2, None)])
def test_avif_turns_by_its_own_properties(turn):
    """Rotation and mirroring of the container are applied, in their order."""
    orientation = {(3, None): 6, (0, 1): 2, (1, 0): 5, (2, None): 3}[turn]
    exif = Image.Exif()
    exif[0x0112] = orientation
    coded = pillow_file(Image.fromarray(SMOOTH), "AVIF", quality=95, exif=exif.tobytes())
    plain = pillow_file(Image.fromarray(SMOOTH), "AVIF", quality=95)
    with Image.open(io.BytesIO(plain)) as opened:
        stored = np.asarray(opened)
    expected = {
        6: np.rot90(stored, 3),
        2: stored[:, ::-1],
        5: stored.transpose(1, 0, 2),
        3: stored[::-1, ::-1],
    }[orientation]
    np.testing.assert_array_equal(read_photo(coded).pixels, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("grey", [False, True])
def test_jpeg_xl_keeps_every_type(dtype, alpha, grey):
    """Lossless is exact at every depth; lossy is near, and states sRGB at every depth."""
    photo = random_photo(dtype=dtype, alpha=alpha, grey=grey)
    exact = read_photo(encode_photo(photo, format="JXL", quality=100))
    np.testing.assert_array_equal(exact.pixels, photo.pixels)
    assert exact.is_greyscale == grey
    assert exact.icc_profile is None
    scale = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    smooth = Photo((SMOOTH / 255 * scale).astype(dtype))
    near = read_photo(encode_photo(smooth, format="JXL", quality=95))
    assert near.icc_profile is None
    assert np.abs(near.pixels / scale - SMOOTH / 255).mean() < 2 / 255


def test_jpeg_xl_of_linear_light_has_its_profile():
    """A file that states linear light is read with a linear profile."""
    linear = bytes(imagecodecs.jpegxl_encode(DEEP, lossless=True))
    photo = read_photo(linear)
    assert profile.matrix_profile(photo.icc_profile).curves[0].parameters[0] == 1.0
    np.testing.assert_array_equal(photo.pixels, DEEP)


@pytest.mark.parametrize("size", [(1, 1), (256, 256), (64, 96), (1000, 7), (8, 2048)])
def test_jpeg_xl_sizes_are_read_from_the_head(size):
    """Width and height stand in the head in several ways; all are understood."""
    coded = bytes(imagecodecs.jpegxl_encode(np.zeros((*size, 3), np.uint8), usecontainer=False))
    header = jxl_header.parse(coded)
    assert (header.height_px, header.width_px) == size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"P1\n# bits\n3 2\n1 0 1\n010", [[0, 255, 0], [255, 0, 255]]),
        (b"P2\n3 1 # max next\n4\n0 2 4\n", [[0, 128, 255]]),
        (b"P4\n9 1\n\xff\x00", [[0, 0, 0, 0, 0, 0, 0, 0, 255]]),
        (b"P5 2 1 255\n\x00\xff", [[0, 255]]),
        (b"P5 1 2 1023\n\x03\xff\x00\x00", [[65535], [0]]),
    ],
)
def test_netpbm_of_every_kind(text, expected):
    """Plain and binary bits and greys, with comments and odd maxima, are brought to full scale."""
    np.testing.assert_array_equal(read_photo(text).pixels[..., 0], expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("grey", [False, True])
def test_ppm_round_trip(dtype, grey):
    """PPM and PGM keep 8 and 16 bits, and Pillow reads them."""
    photo = random_photo(dtype=dtype, grey=grey)
    coded = encode_photo(photo, format="PPM")
    np.testing.assert_array_equal(read_photo(coded).pixels, photo.pixels)
    plain = b"P3 1 1 255 1 2 3"
    np.testing.assert_array_equal(read_photo(plain).pixels, [[[1, 2, 3]]])


@pytest.mark.parametrize(
    "text", [b"P6 2 2 255\n123", b"P6 0 2 255\n", b"P2 1 1 9\n99", b"P3 1 1 255 a b c", b"P5 2\n"]
)
def test_damaged_netpbm_is_refused(text):
    """Too few values, no size, values beyond the maximum, and text are damage."""
    with pytest.raises(PhotoReadError, match="damaged Netpbm"):
        read_photo(text)
