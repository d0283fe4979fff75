"""The file formats: how each is recognised, read and written, and what it can hold.

What a format can hold is known without its code, which is only loaded when it is tried: reading a
JPEG loads nothing else.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from fivefold.photo.image import Photo
    from fivefold.photo.limits import Limits


class Codec(NamedTuple):
    """The code of one format.

    Attributes:
        recognises: Whether a file's bytes are of this format.
        read: From the file's bytes, by at most so many threads.
        encode: To the file's bytes in parts, at a quality of 1…100 and by at most so many threads;
            ``None`` if the format is only read.
        check_start: Refuses by a file's first bytes what ``read`` would refuse by them; ``None`` if
            nothing is known of the format before all of it is read.
    """

    recognises: Callable[[bytes], bool]
    read: Callable[[bytes, Limits, int], Photo]
    encode: Callable[[Photo, int, int], Sequence[bytes | memoryview]] | None
    check_start: Callable[[bytes, Limits], None] | None = None


def _by_one_thread(read: Callable[[bytes, Limits], Photo]) -> Callable[[bytes, Limits, int], Photo]:
    return lambda data, limits, _threads: read(data, limits)


class Format(NamedTuple):
    """One file format.

    Attributes:
        load: Gives its code.
        suffixes: The usual one first.
        bit_depths: What it can hold, ascending.
        is_written: It can be written, not only read.
        has_alpha: Whether it can hold transparency.
        default_quality: Where quality means something.
    """

    load: Callable[[], Codec]
    suffixes: tuple[str, ...]
    bit_depths: tuple[int, ...]
    is_written: bool = True
    has_alpha: bool = True
    default_quality: int = 100


def _jpeg() -> Codec:
    from fivefold.photo import jpeg

    return Codec(lambda data: data.startswith(jpeg.MAGIC), jpeg.read, jpeg.encode, jpeg.check_start)


def _png() -> Codec:
    from fivefold.photo import png, png_picture

    return Codec(
        lambda data: data.startswith(png_picture.MAGIC),
        _by_one_thread(png.read),
        lambda photo, _quality, _threads: png.encode(photo),
        png.check_start,
    )


def _raw() -> Codec:
    from fivefold.photo import raw

    return Codec(raw.is_raw, _by_one_thread(raw.read), None)


def _tiff() -> Codec:
    from fivefold.photo import tiff, tiff_fields, tiff_writer

    return Codec(
        lambda data: data.startswith(tiff_fields.MAGICS),
        _by_one_thread(tiff.read),
        lambda photo, _quality, threads: tiff_writer.encode(photo, threads),
    )


def _webp() -> Codec:
    from fivefold.photo import webp

    return Codec(
        webp.is_webp,
        _by_one_thread(webp.read),
        lambda photo, quality, _threads: webp.encode(photo, quality),
        webp.check_start,
    )


def _avif() -> Codec:
    from fivefold.photo import avif

    return Codec(
        lambda data: avif.is_avif(data[:32]),
        _by_one_thread(avif.read),
        avif.encode,
        avif.check_start,
    )


def _heif() -> Codec:
    from fivefold.photo import heif

    return Codec(
        lambda data: heif.is_heif(data[:32]),
        _by_one_thread(heif.read),
        lambda photo, quality, _threads: heif.encode(photo, quality),
    )


def _jxl() -> Codec:
    from fivefold.photo import jxl

    return Codec(jxl.is_jxl, _by_one_thread(jxl.read), jxl.encode, jxl.check_start)


def _ppm() -> Codec:
    from fivefold.photo import netpbm

    return Codec(
        netpbm.is_netpbm,
        _by_one_thread(netpbm.read),
        lambda photo, _quality, _threads: netpbm.encode(photo),
    )


_RAW_SUFFIXES = (
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef",
    ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2",
    ".srf", ".srw", ".x3f",
)  # fmt: skip

FORMATS: dict[str, Format] = {
    "JPEG": Format(
        _jpeg,
        (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
        (8,),
        has_alpha=False,
        default_quality=95,
    ),
    "PNG": Format(_png, (".png",), (8, 16)),
    # Before TIFF: most cameras' files are TIFF files of a kind.
    "RAW": Format(_raw, _RAW_SUFFIXES, (16,), is_written=False, has_alpha=False),
    "TIFF": Format(_tiff, (".tif", ".tiff"), (8, 16, 32)),
    "WEBP": Format(_webp, (".webp",), (8,), default_quality=95),
    "AVIF": Format(_avif, (".avif",), (8, 16), default_quality=92),
    "HEIF": Format(_heif, (".heic", ".heif", ".hif"), (8, 16), default_quality=90),
    "JXL": Format(_jxl, (".jxl",), (8, 16, 32), default_quality=95),
    "PPM": Format(_ppm, (".ppm", ".pgm", ".pbm", ".pnm"), (8, 16), has_alpha=False),
}
"""By the name that :attr:`Photo.format` has, in the order in which they are tried."""

KNOWN_SUFFIXES: dict[str, str] = {
    suffix: name for name, known in FORMATS.items() for suffix in known.suffixes
}
"""Format by file name suffix, in lower case with the dot."""

READABLE = frozenset(KNOWN_SUFFIXES)
"""Suffixes of the files that are read."""

WRITABLE = frozenset(s for s, name in KNOWN_SUFFIXES.items() if FORMATS[name].is_written)
"""Suffixes of the files that are written."""

NEVER_WRITTEN = (READABLE - WRITABLE).union(
    # pictures
    (".bmp", ".dds", ".eps", ".exr", ".gif", ".hdr", ".icns", ".ico", ".j2k", ".jp2", ".jpx"),
    (".pcx", ".psb", ".psd", ".qoi", ".svg", ".tga", ".xcf"),
    # videos, texts, documents, archives
    (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm"),
    (".csv", ".htm", ".html", ".json", ".jsonl", ".log", ".md", ".tsv", ".txt", ".xml", ".yaml"),
    (".doc", ".docx", ".odt", ".pdf"),
    (".7z", ".gz", ".rar", ".tar", ".zip"),
    # what other verbs write
    (".cube", ".fivefold", ".onnx", ".safetensors"),
)
"""Suffixes that people know from other files: a result that is to be called so is a mistake.

A list of our own, since what a system knows differs: ``.d`` may be text, and is a folder's too.
"""


_HEAD_BYTES = 1 << 16  # where formats tell what they are; a RAW's directories, mostly


def format_of(data: bytes) -> str | None:
    """The format that bytes begin as, a name in :data:`FORMATS`; ``None`` if it is none of them."""
    return next((name for name, known in FORMATS.items() if known.load().recognises(data)), None)


def format_of_file(path: Path) -> str | None:
    """The format that a file begins as, by name; nothing is decoded.

    Returns:
        ``None`` for what is of none of the formats, cannot be read, or is no file: what is read
        from a pipe is gone.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:  # told when it is read
        return None
    return format_of(head)


def load_codec(path: Path) -> None:
    """Load the code that reads a file of this name; none for a name that tells no format."""
    name = KNOWN_SUFFIXES.get(path.suffix.lower())
    if name is not None:
        FORMATS[name].load()
