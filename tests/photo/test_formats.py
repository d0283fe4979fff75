"""The many kinds of file that share a suffix."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
import simplejpeg
import tifffile
from photo_samples import (
    PROFILES,
    XMP,
    cmyk_profile,
    made_dng,
    pillow_file,
    random_photo,
    smooth_photo,
    srgb_profile,
)
from PIL import Image

from fivefold.errors import PhotoReadError, UnsupportedPhotoError
from fivefold.photo import heif_items, isobmff, jpeg, jxl_header, profile
from fivefold.photo.files import encode_photo, read_photo
from fivefold.photo.image import Coding, Photo
from fivefold.photo.model_space import to_srgb

SMOOTH = smooth_photo((64, 96)).pixels
DEEP = np.rint(SMOOTH / 255.0 * 65535).astype(np.uint16)


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
