"""Damaged and malicious files: thousands of mutations by seed, in a process of their own.

``FIVEFOLD_SOAK=20000`` reads that many of each format instead of a few hundred.
"""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from photo_mutations import FORMATS
from photo_samples import random_photo, smooth_photo

from fivefold.errors import PhotoError, PhotoTooLargeError
from fivefold.photo import ifd, isobmff, photoshop
from fivefold.photo.files import encode_photo, read_photo

_PER_FORMAT = int(os.environ.get("FIVEFOLD_SOAK", "150"))
_NEEDS = {"HEIF": "pillow_heif", "RAW": "rawpy"}


@pytest.mark.parametrize("file_format", FORMATS)
def test_mutations_are_photos_or_refused(file_format):
    """No damaged file crashes, hangs, prints, takes much memory, or raises an unknown error."""
    pytest.importorskip("resource")
    if file_format in _NEEDS:
        pytest.importorskip(_NEEDS[file_format])
    script = Path(__file__).with_name("photo_mutations.py")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), file_format, "0", str(_PER_FORMAT)],
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        timeout=60 + _PER_FORMAT * 2,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if not _by_libraw(file_format, line)]
    assert (done.returncode, done.stdout, said[-20:]) == (0, "", [])


def _by_libraw(file_format: str, line: str) -> bool:
    """LibRaw itself prints a line for damage inside the mosaic; its binding cannot stop that."""
    return file_format == "RAW" and line.startswith("unknown file: ")


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    coded = encode_photo(smooth_photo(), format="PNG")
    added = b"".join(
        struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks
    )
    return coded[:33] + added + coded[33:]


def _heif(iloc: bytes) -> bytes:
    parts = {
        b"pitm": bytes(4) + b"\0\1",
        b"iinf": bytes(4) + b"\0\1" + isobmff.box(b"infe", b"\2\0\0\0\0\1\0\0av01\0"),
        b"iloc": iloc,
    }
    meta = bytes(4) + b"".join(isobmff.box(kind, content) for kind, content in parts.items())
    return isobmff.box(b"ftyp", b"avif\0\0\0\0avif") + isobmff.box(b"meta", meta)


def _overlapping_fields() -> bytes:
    length = 4_000_000
    entries = b"".join(struct.pack("<HHII", tag, 7, length, 0) for tag in range(1000, 5000))
    block = b"II*\0" + struct.pack("<IH", 8, 4000) + entries
    return block.ljust(length + 8, b"\0")


_BOMB = zlib.compress(bytes(60 << 20), 9)
MALICIOUS: dict[str, Callable[[], bytes]] = {
    "PNG of 300,000 empty chunks": lambda: _png(*[(b"teSt", b"")] * 300_000),
    "PNG of 300 text bombs": lambda: _png(*[(b"zTXt", b"k%d\0\0" % i + _BOMB) for i in range(300)]),
    "PNG with a profile bomb": lambda: _png((b"iCCP", b"name\0\0" + _BOMB)),
    "JPEG of fill bytes": lambda: b"\xff\xd8" + b"\xff" * 50_000_000,
    "JPEG of empty segments": lambda: b"\xff\xd8" + b"\xff\xe0\0\2" * 3_000_000,
    "WebP of empty chunks": lambda: (
        struct.pack("<4sI4s", b"RIFF", 24_000_004, b"WEBP") + b"EXIF\0\0\0\0" * 3_000_000
    ),
    "AVIF of empty boxes": lambda: (
        isobmff.box(b"ftyp", b"avif\0\0\0\0") + isobmff.box(b"free", b"") * 3_000_000
    ),
    "AVIF of extents without size": lambda: _heif(
        b"\0\0\0\0\0\0" + struct.pack(">H", 9000) + b"\0\1\0\0\xff\xff" * 9000
    ),
    "TIFF of overlapping fields": _overlapping_fields,
    "TIFF of a giant tile": lambda: _giant_tile(),
    "PPM that claims gigapixels": lambda: b"P6 60000 60000 255\n\0\0\0",
}


def _giant_tile() -> bytes:
    coded = bytearray(encode_photo(random_photo((32, 32)), format="TIFF", threads=1))
    layout, directory = ifd.parse(bytes(coded))
    directory.fields[322] = directory.fields[323] = ifd.Field(ifd.LONG, struct.pack("<I", 100_000))
    directory.fields[324], directory.fields[325] = directory.fields[273], directory.fields[279]
    for tag in (273, 278, 279):
        del directory.fields[tag]
    at = len(coded) + len(coded) % 2
    coded += bytes(len(coded) % 2) + layout.serialise(directory, at)
    coded[: layout.header_bytes] = layout.header(at)
    return bytes(coded)


@pytest.mark.parametrize("name", MALICIOUS)
def test_malicious_files_cost_little(name):
    """Bombs and files of nothing but headers are read or refused within seconds."""
    data = MALICIOUS[name]()
    start_s = time.monotonic()
    photo = None
    with contextlib.suppress(PhotoError):
        photo = read_photo(data)
    if photo is not None:
        assert sum(len(text) for _, text in photo.metadata.texts) <= 64 << 20
        assert photo.icc_profile is None
    assert time.monotonic() - start_s < 10


def test_memory_limit():
    """Pixels that would take more than the memory allowed are refused by their header."""
    for file_format in ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "JXL", "PPM"):
        coded = encode_photo(smooth_photo((100, 100)), format=file_format)
        read_photo(coded, max_memory_bytes=40_000)
        with pytest.raises(PhotoTooLargeError, match="take more than the limit of 29999 bytes"):
            read_photo(coded, max_memory_bytes=29_999)


def test_many_photoshop_resources_take_linear_time():
    """A block of a million tiny resources is split in seconds."""
    block = b"8BIM\x0f\xa0\0\0\0\0\0\0" * 1_000_000
    start_s = time.monotonic()
    assert photoshop.split(block) == (None, block)
    assert time.monotonic() - start_s < 10
