"""The many kinds of JPEG file."""

from __future__ import annotations

import io
import struct

import imagecodecs
import numpy as np
import pytest
import simplejpeg
from photo_samples import (
    XMP,
    cmyk_profile,
    pillow_file,
    random_photo,
    smooth_photo,
)
from PIL import Image

from fivefold.errors import PhotoReadError
from fivefold.photo import jpeg
from fivefold.photo.files import encode_photo, read_photo

SMOOTH = smooth_photo((64, 96)).pixels


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jpegs_of_every_layout(subsampling, progressive, mode):
    """Baseline and progressive, grey and colour, subsampled or not: what Pillow decodes."""
    image = Image.fromarray(SMOOTH).convert(mode)
    coded = pillow_file(image, "JPEG", subsampling=subsampling, progressive=progressive, quality=93)
    photo = read_photo(coded)
    with Image.open(io.BytesIO(coded)) as opened:
        np.testing.assert_array_equal(photo.pixels, np.asarray(opened.convert("RGB")))
    assert photo.is_greyscale == (mode == "L")
    if mode == "RGB":
        assert photo.coding.chroma == ["444", "422", "420"][subsampling]
        again = read_photo(encode_photo(photo))
        assert again.coding.chroma == photo.coding.chroma


def test_jpegs_with_rgb_components_and_restart_markers():
    """JPEGs that store RGB instead of YCbCr, or restart markers, are read by their markers."""
    image = Image.fromarray(SMOOTH)
    rgb = pillow_file(image, "JPEG", keep_rgb=True, quality=95)
    assert np.abs(read_photo(rgb).pixels.astype(int) - SMOOTH).mean() < 2
    restarted = pillow_file(image, "JPEG", restart_marker_rows=1, quality=95, subsampling=0)
    plain = pillow_file(image, "JPEG", quality=95, subsampling=0)
    np.testing.assert_array_equal(read_photo(restarted).pixels, read_photo(plain).pixels)


def test_jpegs_with_rubbish_before_the_picture():
    """Stray bytes, a bad ICC marker and a wrong JFIF version before the scan harm nothing."""
    plain = simplejpeg.encode_jpeg(SMOOTH, 95)
    expected = read_photo(plain).pixels
    for dressed in (
        plain[:20] + b"\x55" * 40 + plain[20:],
        _with_segments(plain, _segment(0xE2, b"ICC_PROFILE\0\7\1rest")),
        plain.replace(b"JFIF\0\1\1", b"JFIF\0\xff\1"),
    ):
        np.testing.assert_array_equal(read_photo(dressed).pixels, expected)


def test_jpegs_of_unusual_sampling(monkeypatch):
    """What TurboJPEG's interface has no name for goes another way to the same pixels."""
    coded = simplejpeg.encode_jpeg(SMOOTH, 95)
    expected = read_photo(coded).pixels
    monkeypatch.setattr(jpeg, "_chroma", lambda _: None)
    np.testing.assert_array_equal(read_photo(coded).pixels, expected)
    assert read_photo(encode_photo(random_photo(grey=True), format="JPEG")).is_greyscale
    with pytest.raises(PhotoReadError, match="truncated"):
        read_photo(coded[: len(coded) // 2])


def test_cmyk_in_both_codings():
    """CMYK and YCCK JPEGs, inverted as Adobe does, come out alike through the same profile."""
    inks = np.dstack([255 - SMOOTH, np.zeros(SMOOTH.shape[:2], np.uint8)])
    results = []
    for space in ("CMYK", "YCCK"):
        coded = bytes(
            imagecodecs.jpeg8_encode(255 - inks, 98, colorspace="CMYK", outcolorspace=space)
        )
        photo = read_photo(_with_segments(coded, _icc_segment(cmyk_profile())))
        results.append(photo.pixels.astype(int))
    assert np.abs(results[0] - SMOOTH).mean() < 4
    assert np.abs(results[0] - results[1]).mean() < 4


def _with_segments(coded: bytes, *segments: bytes) -> bytes:
    return coded[:2] + b"".join(segments) + coded[2:]


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _icc_segment(icc_profile: bytes) -> bytes:
    pieces = [icc_profile[i : i + 60000] for i in range(0, len(icc_profile), 60000)]
    return b"".join(
        _segment(0xE2, b"ICC_PROFILE\0" + bytes([i + 1, len(pieces)]) + piece)
        for i, piece in enumerate(pieces)
    )


GAIN_MAP_XMP = XMP.replace(
    b'dc:format="caf\xc3\xa9"/>',
    b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" dc:format="x">'
    b'<Container:Directory xmlns:Container="http://ns.google.com/photos/1.0/container/">'
    b'<rdf:Seq><rdf:li Item:Length="999"/></rdf:Seq></Container:Directory></rdf:Description>',
)
MOTION_XMP = XMP.replace(
    b"dc:format",
    b'GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1" dc:format',
)


@pytest.mark.parametrize(
    ("segment", "xmp", "note"),
    [
        (b"MPF\0rest", None, "further pictures of the file left out"),
        (b"MPF\0rest", GAIN_MAP_XMP, "HDR gain map left out"),
        (b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0", None, "HDR gain map left out"),
        (b"", MOTION_XMP, "video of the motion photo left out"),
    ],
)
def test_appended_pictures_are_left_out_with_a_word(segment, xmp, note):
    """Gain maps, further views and videos behind a JPEG are dropped, and XMP stops listing them."""
    segments = [_segment(0xE2, segment)] if segment else []
    if xmp is not None:
        segments.append(_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp))
    first = simplejpeg.encode_jpeg(SMOOTH, 95)
    photo = read_photo(_with_segments(first, *segments) + first)
    assert photo.notes == (note,)
    again = read_photo(encode_photo(photo))
    assert again.notes == ()
    if xmp is not None:
        for promise in (b"hdrgm:Version", b"Directory", b"MotionPhoto"):
            assert promise not in again.metadata.xmp
        assert b"dc:format" in again.metadata.xmp
