"""What the first bytes of a photo's file tell, and what they do not."""

from __future__ import annotations

import io

import imagecodecs
import pytest
from photo_samples import random_photo, smooth_photo
from PIL import Image

from fivefold.errors import PhotoReadError, PhotoTooLargeError, UnsupportedPhotoError
from fivefold.photo import isobmff, jxl
from fivefold.photo.files import check_photo_start, encode_photo, read_photo
from fivefold.photo.formats import FORMATS

WRITTEN = [name for name, known in FORMATS.items() if known.is_written]


def filed(*frames: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    more = {"save_all": True, "append_images": frames[1:]} if len(frames) > 1 else {}
    frames[0].save(buffer, file_format, **more, **options)
    return buffer.getvalue()


def frames(mode: str = "RGB") -> list[Image.Image]:
    pixels = random_photo((60, 80)).pixels
    return [Image.fromarray(pixels).convert(mode), Image.fromarray(255 - pixels).convert(mode)]


@pytest.mark.parametrize("file_format", WRITTEN)
def test_no_photo_is_refused_by_its_start(file_format):
    """Cut anywhere after what says which format it is, a photo is named and not refused."""
    for photo in (smooth_photo(), random_photo((60, 80))):
        content = encode_photo(photo, format=file_format)
        for length in [*range(64, min(len(content), 2000)), len(content)]:
            assert check_photo_start(content[:length]) == file_format


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "JXL"])
def test_too_many_pixels_are_seen_at_once(file_format):
    """The size is in the header, and the message is the reader's own."""
    content = encode_photo(random_photo((60, 80)), format=file_format)
    with pytest.raises(PhotoTooLargeError) as by_reader:
        read_photo(content, name="x", max_pixels=4799)
    with pytest.raises(PhotoTooLargeError) as by_start:
        check_photo_start(content[:1000], name="x", max_pixels=4799)
    assert str(by_start.value) == str(by_reader.value)
    assert check_photo_start(content[:1000], max_pixels=4800) == file_format


KINDS = {
    "animated WebP": filed(*frames(), file_format="WEBP"),
    "animated PNG": filed(*frames(), file_format="PNG"),
    "animated AVIF": filed(*frames(), file_format="AVIF"),
    "CMYK": filed(frames("CMYK")[0], file_format="JPEG"),
    "not a picture": filed(frames()[0], file_format="BMP"),
    "format that is not handled": filed(*frames("P"), file_format="GIF"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_that_are_not_handled_are_seen_at_once(kind):
    """The message of the reader, from the first bytes of the file."""
    expected = PhotoReadError if " picture" in kind or "format" in kind else UnsupportedPhotoError
    with pytest.raises(expected, match=kind) as by_reader:
        read_photo(KINDS[kind], name="x")
    with pytest.raises(expected) as by_start:
        check_photo_start(KINDS[kind][:1500], name="x")
    assert str(by_start.value) == str(by_reader.value)


def test_a_jpeg_xl_is_found_in_its_container():
    """Behind metadata of whatever content, whether the container's boxes are cut off or not."""
    pixels = random_photo((60, 80)).pixels
    bare = bytes(imagecodecs.jpegxl_encode(pixels, usecontainer=False))
    boxes = [isobmff.box(b"Exif", b"jxlc" * 9), isobmff.box(b"jxlp", bytes(4) + bare)]
    content = jxl.CONTAINER + b"".join(boxes)
    with pytest.raises(PhotoTooLargeError, match="80 × 60"):
        check_photo_start(content[:400], max_pixels=4799)
    assert check_photo_start(content[:400], max_pixels=4800) == "JXL"


def test_damage_is_not_told_by_a_start():
    """What follows may be as it should, so only the whole file is refused."""
    content = bytearray(encode_photo(random_photo((60, 80)), format="PNG"))
    content[len(content) // 2] ^= 255
    with pytest.raises(PhotoReadError, match="wrong checksum"):
        read_photo(bytes(content))
    assert check_photo_start(bytes(content)) == "PNG"
