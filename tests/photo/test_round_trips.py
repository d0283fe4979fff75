"""What is written comes back: every format, bit depth, with and without alpha, grey and colour."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_samples import exif_block, pillow_file, random_photo, smooth_photo
from PIL import Image

from fivefold.photo import jpeg_strips
from fivefold.photo.depth import with_bit_depth
from fivefold.photo.files import encode_photo, read_photo, write_photo
from fivefold.photo.image import Coding, Metadata, Photo

BIT_DEPTHS = {"PNG": (8, 16), "TIFF": (8, 16, 32), "WEBP": (8,), "JPEG": (8,)}
TYPES = {8: np.uint8, 16: np.uint16, 32: np.float32}


@settings(max_examples=80, deadline=None)
@given(
    file_format=st.sampled_from(["PNG", "TIFF", "WEBP"]),
    shape=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    alpha=st.booleans(),
    grey=st.booleans(),
    seed=st.integers(0, 1 << 30),
    data=st.data(),
)
def test_lossless_formats_keep_every_value(file_format, shape, alpha, grey, seed, data):
    """Pixels, alpha and type come back equal; greyscale stays greyscale where the format has it."""
    bit_depth = data.draw(st.sampled_from(BIT_DEPTHS[file_format]))
    photo = random_photo(
        shape,
        TYPES[bit_depth],
        alpha=alpha,
        grey=grey,
        seed=seed,
        coding=Coding(is_lossless=True),
    )
    back = read_photo(encode_photo(photo, format=file_format))
    assert back.format == file_format
    assert back.pixels.dtype == photo.pixels.dtype
    np.testing.assert_array_equal(back.pixels, photo.pixels)
    if alpha:
        opaque = np.full(shape, 255, np.uint8)  # libwebp leaves an opaque alpha channel out
        np.testing.assert_array_equal(opaque if back.alpha is None else back.alpha, photo.alpha)
    else:
        assert back.alpha is None
    assert back.is_greyscale == (grey and file_format != "WEBP")


@pytest.mark.parametrize("file_format", BIT_DEPTHS)
def test_one_grey_pixel_is_written(file_format):
    """The strides of one pixel, which mean nothing, trouble no codec."""
    photo = read_photo(encode_photo(random_photo((1, 1), grey=True), format=file_format))
    assert photo.pixels.shape == (1, 1, 3)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 120), st.integers(1, 120)),
    quality=st.integers(90, 100),
    chroma=st.sampled_from(["444", "422", "420", "440", "411", None]),
)
def test_jpeg_keeps_size_and_colours(shape, quality, chroma):
    """At any size, quality and chroma subsampling a smooth photo changes by a few codes at most."""
    photo = smooth_photo(shape)
    coded = Coding(chroma=chroma)
    photo = type(photo)(photo.pixels, coding=coded)
    back = read_photo(encode_photo(photo, format="JPEG", quality=quality))
    assert back.pixels.shape == photo.pixels.shape
    if min(shape) >= 64:  # in smaller gradients neighbouring colours share their chroma
        assert np.abs(back.pixels.astype(int) - photo.pixels).mean() < 4
    assert back.coding.chroma == (chroma or "444")


def test_jpeg_is_what_pillow_decodes():
    """Pillow decodes our JPEG to the pixels that we decode."""
    coded = encode_photo(smooth_photo(), format="JPEG")
    with Image.open(io.BytesIO(coded)) as image:
        np.testing.assert_array_equal(np.asarray(image), read_photo(coded).pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("big_endian", [False, True])
def test_tiff_is_what_tifffile_decodes(dtype, alpha, big_endian):
    """Tifffile reads our TIFF, in either byte order, to the same numbers."""
    block = exif_block(byte_order=">" if big_endian else "<")
    photo = random_photo((700, 300), dtype, alpha=alpha, metadata=Metadata(exif=block))
    pixels = tifffile.imread(io.BytesIO(encode_photo(photo, format="TIFF")))
    np.testing.assert_array_equal(pixels[..., :3], photo.pixels)
    if alpha:
        np.testing.assert_array_equal(pixels[..., 3], photo.alpha)


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 1500),
    width=st.integers(400, 690),
    chroma=st.sampled_from(["444", "422", "420", "440", "411"]),
    grey=st.booleans(),
    threads=st.integers(1, 12),
)
def test_jpeg_in_strips_decodes_to_the_same(height, width, chroma, grey, threads):
    """A JPEG coded in strips decodes to the pixels of one coded in one piece."""
    row = np.random.default_rng(height).integers(0, 256, (1, width, 3), np.uint8)
    pixels = np.repeat(row, height, axis=0) ^ np.arange(height, dtype=np.uint8)[:, None, None]
    if grey:
        pixels = np.repeat(pixels[:, :, :1], 3, axis=2)
    photo = Photo(pixels, is_greyscale=grey, coding=Coding(chroma))
    alone = encode_photo(photo, format="JPEG")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jpeg_strips, "_STRIP_PIXELS", 1 << 17)
        strips = encode_photo(photo, format="JPEG", threads=threads)
        assert strips == encode_photo(photo, format="JPEG", threads=1)
    np.testing.assert_array_equal(read_photo(strips).pixels, read_photo(alone).pixels)
    if height * width >= 2 << 17 and height > 32:
        assert strips != alone
    with Image.open(io.BytesIO(strips)) as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), read_photo(alone).pixels)


def test_webp_and_png_are_what_pillow_decodes():
    """Pillow reads our 8-bit PNG and lossless WebP to the same pixels."""
    photo = random_photo(alpha=True, coding=Coding(is_lossless=True))
    for file_format in ("PNG", "WEBP"):
        with Image.open(io.BytesIO(encode_photo(photo, format=file_format))) as image:
            np.testing.assert_array_equal(np.asarray(image)[..., :3], photo.pixels)
            np.testing.assert_array_equal(np.asarray(image)[..., 3], photo.alpha)


@settings(max_examples=40, deadline=None)
@given(
    start=st.sampled_from([8, 16, 32]), end=st.sampled_from([8, 16, 32]), seed=st.integers(0, 99)
)
def test_bit_depth_conversion_is_exact_upward(start, end, seed):
    """To more bits and back gives the same codes; to fewer bits is the nearest code."""
    photo = random_photo((5, 7), TYPES[start], alpha=True, seed=seed)
    other = with_bit_depth(photo, end)
    assert other.bit_depth == end
    scale = {8: 255, 16: 65535, 32: 1}
    ratio = photo.pixels.astype(np.float64) / scale[start] * scale[end]
    step = 1e-6 if end == 32 else 0.5001
    assert np.abs(ratio - other.pixels).max() <= step
    if end >= start:
        np.testing.assert_array_equal(with_bit_depth(other, start).pixels, photo.pixels)


def test_too_deep_a_photo_is_reduced():
    """JPEG and WebP take 16 bits as 8, PNG takes floating point as 16."""
    photo = random_photo(dtype=np.float32)
    assert read_photo(encode_photo(photo, format="PNG")).bit_depth == 16
    assert read_photo(encode_photo(photo, format="JPEG")).bit_depth == 8
    assert read_photo(encode_photo(photo, format="TIFF", bit_depth=16)).bit_depth == 16


def test_alpha_is_laid_over_white_in_jpeg():
    """A fully transparent photo becomes white, an opaque one is unchanged."""
    photo = smooth_photo()
    clear = type(photo)(photo.pixels, np.zeros(photo.pixels.shape[:2], np.uint8))
    assert read_photo(encode_photo(clear, format="JPEG")).pixels.min() >= 254
    opaque = type(photo)(photo.pixels, np.full(photo.pixels.shape[:2], 255, np.uint8))
    assert encode_photo(opaque, format="JPEG") == encode_photo(photo, format="JPEG")


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("P", {}),
        ("P", {"transparency": 3}),
        ("1", {}),
        ("L", {"transparency": 7}),
        ("RGB", {"transparency": (1, 2, 3)}),
    ],
)
def test_pngs_of_few_colours_are_expanded(mode, options):
    """Palette, bilevel and colour-key PNGs give the pixels and alpha that Pillow gives."""
    rng = np.random.default_rng(3)
    image = Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8)).convert(mode)
    coded = pillow_file(image, "PNG", **options)
    with Image.open(io.BytesIO(coded)) as stored:
        expected = np.asarray(stored.convert("RGBA"))
    photo = read_photo(coded)
    np.testing.assert_array_equal(photo.pixels, expected[..., :3])
    alpha = np.full((20, 30), 255) if photo.alpha is None else photo.alpha
    np.testing.assert_array_equal(alpha, expected[..., 3])
    assert photo.is_greyscale == (mode in ("1", "L"))


def test_photo_that_is_no_longer_neutral_gets_three_channels():
    """A greyscale photo that was coloured is written with its colours."""
    grey = random_photo(grey=True)
    pixels = grey.pixels.copy()
    pixels[0, 0] = 1, 2, 3
    back = read_photo(encode_photo(grey.with_pixels(pixels), format="PNG"))
    np.testing.assert_array_equal(back.pixels, pixels)
    assert not back.is_greyscale


@pytest.mark.parametrize("shape", [(1, 1), (10, 30_000), (30_000, 10)])
@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "JPEG"])
def test_extreme_shapes(tmp_path, shape, file_format):
    """One pixel and 30,000 × 10 pixels are read and written."""
    photo = random_photo(shape)
    path = tmp_path / "photo"
    write_photo(photo, path, format=file_format)
    back = read_photo(path)
    assert back.pixels.shape == photo.pixels.shape
    if file_format != "JPEG":
        np.testing.assert_array_equal(back.pixels, photo.pixels)


def test_format_follows_suffix_then_source(tmp_path):
    """The target's suffix decides; without one the photo's own format; then PNG."""
    photo = smooth_photo()
    for name, start, expected in [
        ("a.JPG", None, "JPEG"),
        ("a.tif", None, "TIFF"),
        ("a", "WEBP", "WEBP"),
        ("a.unknown", None, "PNG"),
    ]:
        write_photo(type(photo)(photo.pixels, format=start), tmp_path / name)
        assert read_photo(tmp_path / name).format == expected


@pytest.mark.parametrize("name", ["x.bmp", "x.TXT", "x.dng"])
def test_files_of_other_kinds_are_not_written(tmp_path, name):
    """A photo that is asked for as a text would be a PNG of that name: refused, nothing written."""
    with pytest.raises(ValueError, match="files cannot be written, received"):
        write_photo(Photo(np.zeros((2, 2, 3), np.uint8)), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_content_decides_the_format(tmp_path):
    """A PNG with the name of a JPEG is read as the PNG that it is."""
    path = tmp_path / "wrong.jpg"
    write_photo(smooth_photo(), path, format="PNG")
    assert read_photo(path).format == "PNG"


def test_open_files_and_bytes_are_sources_and_targets():
    """Reading and writing go through streams as well."""
    photo = smooth_photo()
    stream = io.BytesIO()
    write_photo(photo, stream, format="PNG")
    stream.seek(0)
    np.testing.assert_array_equal(read_photo(stream).pixels, photo.pixels)
    np.testing.assert_array_equal(read_photo(stream.getvalue()).pixels, photo.pixels)


@pytest.mark.parametrize(
    "wrong",
    [{"format": "GIF"}, {"quality": 0}, {"quality": 101}, {"bit_depth": 12}, {"threads": 0}],
)
def test_wrong_options_are_refused(wrong):
    """A format, quality or bit depth that does not exist raises ValueError naming it."""
    with pytest.raises(ValueError, match="received"):
        encode_photo(smooth_photo(), **wrong)
