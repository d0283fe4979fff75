"""Uploads that are meant to break something: each gets an answer in words, and the next works."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from tests.web.conftest import encoded, picture
from tests.web.http_client import BOUNDARY, ask, form

from fivefold.photo.files import encode_photo
from fivefold.photo.image import Photo
from fivefold.web.parameters import FORMATS

REFUSED = {400, 413, 415, 422}


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png_bomb() -> bytes:
    """A PNG of a few KB that claims 60,000 × 60,000 pixels and inflates to zeros without end."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    zeros = zlib.compress(bytes(4 << 20), 9)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zeros), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def icc_bomb() -> bytes:
    """A small PNG whose colour profile inflates to 64 MB."""
    good = encoded(picture(8, 8))
    profile = chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(64 << 20), 9))
    return good[:33] + profile + good[33:]


def tiff_with_far_strips() -> bytes:
    """A TIFF whose strips lie outside the file."""
    buffer = io.BytesIO()
    Image.fromarray(picture(16, 16)).save(buffer, "TIFF")
    content = bytearray(buffer.getvalue())
    at = content.find(struct.pack("<HHI", 273, 4, 1))
    assert at > 0
    struct.pack_into("<I", content, at + 8, 0xFFFFFFF0)
    return bytes(content)


HOSTILE = {
    "nothing but zeros": bytes(5000),
    "text": b"this is not a photo\n" * 50,
    "html": b"<html><script>alert(1)</script></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "zip": b"PK\x03\x04" + bytes(200),
    "png bomb": png_bomb(),
    "tiff with strips outside": tiff_with_far_strips(),
    "jpeg head only": encoded(picture(40, 40), "JPEG")[:40],
    "gif": encoded(picture(8, 8)[..., 0], "GIF"),
    "one byte": b"\xff",
    "marker loop": b"\xff\xd8" + b"\xff\xe1\x00\x02" * 20_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("path", ["/enhance", "/grid", "/preview"])
def test_hostile_files_are_refused_in_words(service, kind, path):
    """Each is refused for what it is, within a second's work, without a path or a trace."""
    body, headers = form(HOSTILE[kind], "evil\u202egnp.exe")
    reply = ask(service, path, body, headers, timeout_s=20)
    assert reply.status in REFUSED, reply.content
    detail = reply.json["detail"]
    assert len(detail) < 400
    for secret in ("/", "\\", "Traceback", ".py", "\u202e", "0x"):
        assert secret not in detail.replace("\\u202e", ""), detail


def test_a_profile_that_inflates_without_end_is_cut_off(service):
    """A colour profile of 64 MB in 64 KB is refused or ignored, and not inflated to the end."""
    assert ask(service, "/enhance", icc_bomb(), timeout_s=20).status in REFUSED | {200}


def mutations(seed: int, content: bytes, count: int) -> Iterator[bytes]:
    """Copies of a file with bytes changed, cut, doubled or swapped."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        damaged = bytearray(content)
        for _ in range(random.integers(1, 12)):
            at = int(random.integers(0, len(damaged)))
            match random.integers(0, 4):
                case 0:
                    damaged[at] = int(random.integers(0, 256))
                case 1:
                    damaged[at] ^= 1 << int(random.integers(0, 8))
                case 2:
                    del damaged[at : at + int(random.integers(1, 40))]
                case 3:
                    damaged[at:at] = damaged[at : at + int(random.integers(1, 40))]
        yield bytes(damaged)


@pytest.mark.parametrize("file_format", FORMATS)
def test_damaged_photos_get_an_answer(service, file_format):
    """Damaged copies of a photo in every format: enhanced or refused, none is a server error."""
    content = encode_photo(Photo(picture(64, 48)), format=file_format)
    for damaged in mutations(5, content, 50):
        reply = ask(service, "/grid", damaged, timeout_s=20)
        assert reply.status in REFUSED | {200}, reply.content
    assert ask(service, "/grid", content).status == 200


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "C:\\Windows\\x.png", 'a".png', "a\r\nX-Evil: 1.png", "ü" * 500, "", "."],
)
def test_a_files_name_stays_a_name(service, name):
    """No folder, no line end, no quote of a name comes back in the header that suggests one."""
    quoted = name.replace('"', "%22").replace("\r\n", "%0D%0A")
    body, headers = form(encoded(picture(9, 9)), quoted)
    reply = ask(service, "/enhance", body, headers)
    assert reply.status == 200
    assert "X-Evil" not in reply.headers
    value = reply.headers["Content-Disposition"]
    assert value.startswith('attachment; filename="')
    assert "/" not in value
    assert "\\" not in value
    assert "_enhanced.png" in value
    assert len(value) < 1600


FIELD = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
END = f"--{BOUNDARY}--\r\n"
FORMS = {
    "no end": f"{FIELD}file\r\n\r\nabc",
    "no file": f"{FIELD}x\r\n\r\nabc\r\n{END}",
    "not a form": "hello",
    "empty": "",
    "two files": f"{FIELD}file\r\n\r\nabc\r\n" * 2 + END,
    "endless header": f"--{BOUNDARY}\r\nContent-Disposition: form-data; " + "x" * 200_000,
    "many headers": f"--{BOUNDARY}\r\n" + "A: b\r\n" * 5000,
    "large other field": f"{FIELD}x\r\n\r\n" + "y" * 200_000,
}


@pytest.mark.parametrize("kind", FORMS)
def test_broken_forms_are_refused(service, kind):
    """A form that is cut short, empty, doubled or without end is refused with 400 or 413."""
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    reply = ask(service, "/enhance", FORMS[kind].encode(), headers)
    assert reply.status in {400, 413}, reply.content
    assert reply.json["detail"]


@pytest.mark.parametrize("size", [100, 300_000])
def test_a_misnamed_field_is_said_to_be_missing(service, size):
    """A photo in a field of another name: 400 and the right name, however large the photo is."""
    body, headers = form(bytes(size), field="foo")
    reply = ask(service, "/enhance", body, headers)
    assert reply.status == 400
    assert reply.json["detail"].startswith("The form has no field 'file' with a photo")


def test_a_large_field_after_the_photo_is_said_to_be_too_much(service):
    """413 tells that it is not the photo that is too large."""
    body = f"{FIELD}file\r\n\r\nabc\r\n{FIELD}x\r\n\r\n" + "y" * 200_000
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    reply = ask(service, "/enhance", body.encode(), headers)
    assert reply.status == 413
    assert reply.json["detail"] == "The form has more than 64 KB besides the photo."


def test_a_form_without_a_boundary_is_refused(service):
    """400, and not a guess."""
    reply = ask(service, "/enhance", b"abc", {"Content-Type": "multipart/form-data"})
    assert reply.status == 400
