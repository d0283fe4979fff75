"""EXIF, XMP, IPTC and colour profiles through every pair of formats."""

from __future__ import annotations

import io
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
import simplejpeg
import tifffile
from photo_samples import (
    IPTC,
    PROFILES,
    XMP,
    cmyk_profile,
    exif_block,
    exif_with_thumbnail,
    pillow_file,
    random_photo,
    smooth_photo,
    srgb_profile,
)
from PIL import Image

from fivefold.errors import PhotoWriteError, UnsupportedPhotoError
from fivefold.photo import exif, profile
from fivefold.photo.files import encode_photo, read_photo, write_photo
from fivefold.photo.image import Metadata
from fivefold.photo.jpeg_segments import parse_header

TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
FORMATS = ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF", "JXL"]
READ_BY_PILLOW = ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"]


def skip_if_missing(*formats: str) -> None:
    """Skip where HEIC is asked for and pillow-heif is not installed."""
    if "HEIF" in formats:
        pytest.importorskip("pillow_heif")


def exif_facts(block: bytes | None) -> dict[str, object]:
    """What Pillow reads in a block: some of each directory, and the maker's note."""
    parsed = Image.Exif()
    parsed.load(block)
    details, gps = parsed.get_ifd(0x8769), parsed.get_ifd(0x8825)
    return {
        "orientation": parsed.get(0x0112),
        "maker": parsed.get(0x010F),
        "taken": details.get(0x9003),
        "note": details.get(0x927C),
        "latitude": gps.get(2),
    }


@pytest.mark.parametrize("first", FORMATS)
@pytest.mark.parametrize("second", FORMATS)
def test_metadata_survives_every_change_of_format(first, second):
    """EXIF with GPS and maker's note, XMP, IPTC and ICC go from any format into any other."""
    skip_if_missing(first, second)
    original = Metadata(exif=exif_block(), xmp=XMP, iptc=IPTC)
    photo = replace(random_photo(), metadata=original, icc_profile=srgb_profile())
    once = read_photo(encode_photo(photo, format=first))
    twice = read_photo(encode_photo(once, format=second))
    assert exif_facts(twice.metadata.exif) == exif_facts(original.exif)
    assert twice.metadata.xmp == XMP
    assert twice.metadata.iptc == IPTC
    if "JXL" not in (first, second):  # it states sRGB without a profile
        assert twice.icc_profile == photo.icc_profile


@pytest.mark.parametrize("file_format", [f for f in FORMATS if f != "JXL"])
@pytest.mark.parametrize("name", PROFILES)
def test_wide_gamut_profiles_are_kept(file_format, name):
    """Display P3, Adobe RGB and ProPhoto profiles come back byte for byte."""
    skip_if_missing(file_format)
    photo = replace(random_photo(), icc_profile=PROFILES[name])
    assert read_photo(encode_photo(photo, format=file_format)).icc_profile == PROFILES[name]


@pytest.mark.parametrize("file_format", ["JXL", "PPM"])
def test_a_colour_space_that_cannot_be_stated_is_refused(file_format):
    """A wide-gamut photo is not written where its profile, and so its colours, would be lost."""
    photo = replace(random_photo(), icc_profile=PROFILES["Display P3"])
    with pytest.raises(PhotoWriteError, match="sRGB only"):
        write_photo(photo, io.BytesIO(), format=file_format)


def test_other_programs_find_the_metadata():
    """Pillow and tifffile read our files' EXIF, XMP and profile where they expect them."""
    photo = replace(
        random_photo(), metadata=Metadata(exif=exif_block(), xmp=XMP), icc_profile=srgb_profile()
    )
    for file_format in READ_BY_PILLOW:
        with Image.open(io.BytesIO(encode_photo(photo, format=file_format))) as image:
            assert image.getexif()[0x010F] == "Maker", file_format
            assert image.getexif().get_ifd(0x8769)[0x9003] == "2025:06:01 12:00:00", file_format
            assert image.getexif().get_ifd(0x8825)[1] == "N", file_format
            assert image.info["icc_profile"] == photo.icc_profile, file_format
            assert image.info["xmp"] == XMP, file_format
    with tifffile.TiffFile(io.BytesIO(encode_photo(photo, format="TIFF"))) as file:
        tags = file.pages.first.tags
        assert tags[700].value == XMP
        assert tags[34665].value["DateTimeOriginal"] == "2025:06:01 12:00:00"


def test_jpeg_metadata_goes_back_byte_for_byte():
    """Upright pixels of the stated size: EXIF, XMP, IPTC and ICC segments are the same bytes."""
    block = exif_block()
    described = exif.describe_upright(block, 96, 64)
    photo = replace(
        smooth_photo(),
        metadata=Metadata(described, XMP, IPTC, photoshop=b"8BIM\x03\xed\0\0\0\0\0\2ab"),
        icc_profile=srgb_profile(),
    )
    first = encode_photo(photo, format="JPEG")
    second = encode_photo(read_photo(first))
    assert parse_header(first) == parse_header(second)
    assert parse_header(first).metadata == photo.metadata


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation_is_applied_once(orientation, file_format):
    """Pixels stand upright as Pillow turns them, EXIF then says 1, in the file written as well."""
    stored = smooth_photo((24, 40)).pixels
    block = exif_block(orientation)
    image = Image.fromarray(stored)
    options = {"lossless": True} if file_format == "WEBP" else {}
    options |= {"quality": 95, "subsampling": 0} if file_format == "JPEG" else {}
    photo = read_photo(pillow_file(image, file_format, exif=b"Exif\0\0" + block, **options))
    upright = read_photo(pillow_file(image, file_format, **options))
    expected = upright.pixels
    if orientation in TRANSPOSITIONS:
        expected = np.asarray(Image.fromarray(expected).transpose(TRANSPOSITIONS[orientation]))
    np.testing.assert_array_equal(photo.pixels, expected)
    assert exif.orientation(photo.metadata.exif) == 1
    again = read_photo(encode_photo(photo))
    assert again.pixels.shape == photo.pixels.shape
    assert exif.orientation(again.metadata.exif) == 1


def test_size_in_exif_follows_the_turned_pixels():
    """PixelXDimension and PixelYDimension are those of the upright photo."""
    coded = pillow_file(Image.new("RGB", (40, 24)), "JPEG", exif=b"Exif\0\0" + exif_block(6))
    parsed = Image.Exif()
    parsed.load(read_photo(coded).metadata.exif)
    details = parsed.get_ifd(0x8769)
    assert (details[0xA002], details[0xA003]) == (24, 40)


@pytest.mark.parametrize("written", ['tiff:Orientation="6"', "<tiff:Orientation>6</tiff:Orien"])
def test_orientation_in_xmp_is_reset(written):
    """A reader that prefers XMP does not turn the photo a second time."""
    packet = XMP.replace(b"dc:format", written.encode() + b" dc:format")
    photo = replace(smooth_photo(), metadata=Metadata(xmp=packet))
    back = read_photo(encode_photo(photo, format="PNG"))
    assert back.metadata.xmp == packet.replace(b"6", b"1", 1)


def test_thumbnail_shows_the_new_pixels():
    """An embedded thumbnail is replaced in place by one of the photo that is written."""
    old = simplejpeg.encode_jpeg(np.full((120, 160, 3), 200, np.uint8), 95)
    block = exif_with_thumbnail(old.ljust(4000, b"\0"))
    dark = replace(smooth_photo((300, 200)), metadata=Metadata(exif=block))
    stored = read_photo(encode_photo(dark, format="JPEG")).metadata.exif
    assert len(stored) == len(block)
    at, length = exif.thumbnail_place(stored)
    thumbnail = simplejpeg.decode_jpeg(stored[at : at + length])
    assert thumbnail.shape == (160, 107, 3)
    assert abs(thumbnail.mean() - dark.pixels.mean()) < 3


def test_thumbnail_without_room_is_taken_out():
    """Where no thumbnail fits in the old one's place, none is left that shows the old pixels."""
    old = simplejpeg.encode_jpeg(np.zeros((1, 1, 3), np.uint8), 5)[:200]
    photo = replace(random_photo((400, 400)), metadata=Metadata(exif=exif_with_thumbnail(old)))
    stored = read_photo(encode_photo(photo, format="JPEG")).metadata.exif
    assert exif.thumbnail_place(stored) is None
    assert old not in stored


def test_long_metadata_is_split_over_segments():
    """A profile, an XMP packet and Photoshop resources beyond 64 KiB survive JPEG."""
    long_profile = srgb_profile() + bytes(200_000)
    packet = XMP.replace(b"caf\xc3\xa9", b"c" * 150_000)
    resources = b"8BIM\x0f\xa0\0\0" + (100_000).to_bytes(4, "big") + b"x" * 100_000
    metadata = Metadata(xmp=packet, photoshop=resources)
    photo = replace(smooth_photo(), metadata=metadata, icc_profile=long_profile)
    first = read_photo(encode_photo(photo, format="JPEG"))
    assert first.icc_profile == long_profile
    assert first.metadata.photoshop == resources
    assert first.metadata.xmp_extension in packet
    assert b"c" * 150_000 in first.metadata.xmp_extension
    again = read_photo(encode_photo(first, format="JPEG"))
    assert again.metadata == first.metadata


def test_exif_continued_in_a_second_segment_is_joined():
    """A block that a writer split over two segments is one again."""
    block = exif_block()
    plain = encode_photo(smooth_photo(), format="JPEG")
    parts = [b"Exif\0\0" + p for p in (block[:100], block[100:])]
    segments = b"".join(b"\xff\xe1" + (len(p) + 2).to_bytes(2, "big") + p for p in parts)
    facts = exif_facts(read_photo(plain[:2] + segments + plain[2:]).metadata.exif)
    assert facts == exif_facts(block)


def test_exif_too_long_for_jpeg_loses_only_its_longest_field():
    """An EXIF block beyond 64 KiB is written without the field that makes it so."""
    parsed = Image.Exif()
    parsed[0x010F] = "Maker"
    parsed.get_ifd(0x8769).update({0x927C: b"n" * 70_000, 0x9003: "2025:06:01 12:00:00"})
    photo = replace(smooth_photo(), metadata=Metadata(exif=parsed.tobytes()[6:]))
    facts = exif_facts(read_photo(encode_photo(photo, format="JPEG")).metadata.exif)
    assert facts["maker"] == "Maker"
    assert facts["taken"] == "2025:06:01 12:00:00"
    assert facts["note"] is None


@pytest.mark.parametrize("text", ["plain", "café", "日本語", "two\nlines"])
def test_comments_and_texts_are_kept(text):
    """PNG's texts come back in PNG, and a comment goes through JPEG as well."""
    texts = (("Author", text), ("Comment", text))
    photo = replace(smooth_photo(), metadata=Metadata(texts=texts))
    png = read_photo(encode_photo(photo, format="PNG"))
    assert png.metadata.texts == texts
    jpeg = read_photo(encode_photo(png, format="JPEG"))
    assert jpeg.metadata.texts == (("Comment", text),)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF"])
def test_print_density_is_kept(file_format):
    """300 × 150 dpi are 300 × 150 dpi to Pillow, in every format that can say so."""
    photo = replace(smooth_photo(), metadata=Metadata(density_dpi=(300.0, 150.0)))
    coded = encode_photo(photo, format=file_format)
    with Image.open(io.BytesIO(coded)) as image:
        assert [round(float(d), 1) for d in image.info["dpi"]] == [300, 150]
    if file_format != "TIFF":  # there it is a field of the EXIF block
        found = read_photo(coded).metadata.density_dpi
        assert [round(d, 1) for d in found] == [300, 150]


def test_grey_profile_comes_back():
    """A greyscale photo keeps its one-channel profile, and shows as RGB with the same curve."""
    grey_profile = bytes(imagecodecs.cms_profile("gray", gamma=1.8))
    image = Image.fromarray(smooth_photo().pixels).convert("L")
    for file_format in ("PNG", "TIFF", "JPEG"):
        photo = read_photo(pillow_file(image, file_format, icc_profile=grey_profile))
        assert photo.is_greyscale
        curves = profile.matrix_profile(photo.icc_profile).curves
        assert curves[0].parameters[0] == pytest.approx(1.8, abs=0.01)
        again = read_photo(encode_photo(photo))
        assert again.grey_icc_profile == grey_profile, file_format
        np.testing.assert_allclose(again.pixels.astype(int), photo.pixels, atol=3)


@pytest.mark.parametrize("damage", [b"", b"not a profile", bytes(200)])
def test_a_damaged_profile_is_ignored(damage):
    """A profile that is none leaves the photo untagged instead of refused."""
    image = Image.fromarray(smooth_photo().pixels)
    assert read_photo(pillow_file(image, "PNG", icc_profile=damage)).icc_profile is None


@pytest.mark.parametrize("block", [b"", b"II*\0", b"rubbish", b"II*\0\xff\xff\xff\x7f", bytes(40)])
def test_damaged_exif_never_stops_a_photo(block):
    """Whatever stands in the EXIF segment, the picture is read and written again."""
    photo = replace(smooth_photo(), metadata=Metadata(exif=block))
    for file_format in FORMATS:
        skip_if_missing(file_format)
        back = read_photo(encode_photo(photo, format=file_format))
        assert back.pixels.shape == photo.pixels.shape


def test_cmyk_goes_through_its_profile():
    """A CMYK JPEG or TIFF becomes sRGB through its profile, and the photo says so."""
    photo = smooth_photo()
    inks = 255 - np.dstack([photo.pixels, np.full(photo.pixels.shape[:2], 255, np.uint8)])
    image = Image.frombytes("CMYK", (96, 64), inks.tobytes())
    for file_format, options in (("JPEG", {"quality": 98, "subsampling": 0}), ("TIFF", {})):
        coded = pillow_file(image, file_format, icc_profile=cmyk_profile(), **options)
        back = read_photo(coded)
        assert np.abs(back.pixels.astype(int) - photo.pixels).mean() < 3, file_format
        assert back.icc_profile is None
        assert back.notes == ("CMYK converted to sRGB",)


def test_cmyk_without_a_profile_is_refused():
    """Ink amounts without a profile are refused with the reason."""
    image = Image.new("CMYK", (8, 8))
    for file_format in ("JPEG", "TIFF"):
        with pytest.raises(UnsupportedPhotoError, match="CMYK without a colour profile"):
            read_photo(pillow_file(image, file_format))
