"""The many kinds of PNG file."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from photo_samples import (
    PROFILES,
    random_photo,
    smooth_photo,
    srgb_profile,
)

from fivefold.errors import UnsupportedPhotoError
from fivefold.photo import profile
from fivefold.photo.files import encode_photo, read_photo
from fivefold.photo.image import Photo
from fivefold.photo.model_space import to_srgb


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_with(chunks: dict[bytes, bytes], photo: Photo | None = None) -> bytes:
    coded = encode_photo(photo or smooth_photo(), format="PNG")
    added = b"".join(_chunk(kind, body) for kind, body in chunks.items())
    return coded[:33] + added + coded[33:]


def test_png_code_points_mean_a_profile():
    """The cICP chunk of Display P3 makes a profile of Display P3; PQ is refused as HDR."""
    photo = read_photo(_png_with({b"cICP": bytes([12, 13, 0, 1])}))
    parsed, p3 = (profile.matrix_profile(p) for p in (photo.icc_profile, PROFILES["Display P3"]))
    np.testing.assert_allclose(parsed.matrix, p3.matrix, atol=1e-4)
    assert read_photo(encode_photo(photo, format="PNG")).icc_profile == photo.icc_profile
    assert read_photo(_png_with({b"cICP": bytes([1, 13, 0, 1])})).icc_profile is None
    packed = b"name\0\0" + zlib.compress(srgb_profile())[:-4]  # without its checksum
    both = {b"cICP": bytes([1, 13, 0, 1]), b"iCCP": packed}
    assert read_photo(_png_with(both)).icc_profile == srgb_profile()
    with pytest.raises(UnsupportedPhotoError, match="HDR"):
        read_photo(_png_with({b"cICP": bytes([9, 16, 0, 1])}))


def test_png_gamma_means_a_profile():
    """A linear gAMA makes a profile of gamma 1; 1/2.2, a bare file and sRGB's chunk mean sRGB."""
    linear = read_photo(_png_with({b"gAMA": struct.pack(">I", 100_000)}))
    np.testing.assert_allclose(
        to_srgb(np.full((1, 1, 3), 0.2140411, np.float32), linear.icc_profile), 0.5, atol=1e-3
    )
    assert read_photo(_png_with({b"gAMA": struct.pack(">I", 45455)})).icc_profile is None
    both = {b"gAMA": struct.pack(">I", 100_000), b"sRGB": b"\0"}
    assert read_photo(_png_with(both)).icc_profile is None


def test_grey_png_gamma_comes_back_as_a_grey_profile():
    """A greyscale file never gets an RGB profile: its curve goes into a one-channel one."""
    grey = random_photo(grey=True)
    photo = read_photo(_png_with({b"gAMA": struct.pack(">I", 55_556)}, grey))
    again = read_photo(encode_photo(photo))
    assert again.is_greyscale
    assert profile.colour_space(again.grey_icc_profile) == "GRAY"
    curve = profile.matrix_profile(again.icc_profile).curves[0]
    assert curve.parameters[0] == pytest.approx(1.8, abs=0.01)


@pytest.mark.parametrize(
    ("bits", "colour_type", "channels"),
    [(8, 2, 3), (16, 2, 3), (8, 6, 4), (16, 6, 4), (8, 0, 1), (16, 0, 1), (16, 4, 2)],
)
@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (9, 13), (40, 31)])
def test_interlaced_pngs(bits, colour_type, channels, shape):
    """The seven passes of an interlaced PNG are laid together, at any size and depth."""
    dtype = np.uint8 if bits == 8 else np.uint16
    top = np.iinfo(dtype).max
    stored = np.random.default_rng(0).integers(0, top, (*shape, channels), dtype, endpoint=True)
    raw = b""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
    for x, y, step_x, step_y in (*passes, (0, 1, 1, 2)):
        part = stored[y::step_y, x::step_x]
        if part.size:
            raw += b"".join(
                b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in part
            )
    header = struct.pack(">IIBBBBB", shape[1], shape[0], bits, colour_type, 0, 0, 1)
    chunks = {b"IHDR": header, b"IDAT": zlib.compress(raw), b"IEND": b""}
    photo = read_photo(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*c) for c in chunks.items()))
    colours = np.broadcast_to(stored[..., : 1 if channels < 3 else 3], (*shape, 3))
    np.testing.assert_array_equal(photo.pixels, colours)
    if channels in (2, 4):
        np.testing.assert_array_equal(photo.alpha, stored[..., -1])
