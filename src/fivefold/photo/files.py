"""Photos from files and back: content tells the format, errors name the file and the reason."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fivefold.errors import (
    PhotoError,
    PhotoReadError,
    PhotoTooLargeError,
    PhotoWriteError,
)
from fivefold.photo import jpeg, png, tiff, tiff_writer, webp
from fivefold.photo.atomic import write_atomically
from fivefold.photo.depth import over_white, with_bit_depth
from fivefold.photo.image import Photo
from fivefold.photo.limits import DEFAULT_MAX_PIXELS, MAX_FILE_BYTES, Limits


@dataclass(frozen=True, slots=True)
class _Format:
    """How one file format is recognised, read and written.

    Attributes:
        is_head: Whether a file that starts with these bytes is of this format.
        read: From the file's bytes.
        encode: To the file's bytes in parts, at a quality of 1…100.
        suffixes: The usual one first.
        bit_depths: What it can hold, ascending.
        has_alpha: Whether it can hold transparency.
        default_quality: Where quality means something.
    """

    is_head: Callable[[bytes], bool]
    read: Callable[[bytes, Limits], Photo]
    encode: Callable[[Photo, int], list[bytes]]
    suffixes: tuple[str, ...]
    bit_depths: tuple[int, ...]
    has_alpha: bool = True
    default_quality: int = 100


_FORMATS = {
    "JPEG": _Format(
        lambda head: head.startswith(jpeg.MAGIC),
        jpeg.read,
        jpeg.encode,
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        (8,),
        has_alpha=False,
        default_quality=jpeg.DEFAULT_QUALITY,
    ),
    "PNG": _Format(
        lambda head: head.startswith(png.MAGIC),
        png.read,
        lambda photo, _: png.encode(photo),
        (".png",),
        (8, 16),
    ),
    "TIFF": _Format(
        lambda head: head.startswith(tiff.MAGICS),
        tiff.read,
        lambda photo, _: tiff_writer.encode(photo),
        (".tif", ".tiff"),
        (8, 16, 32),
    ),
    "WEBP": _Format(
        webp.is_webp,
        webp.read,
        webp.encode,
        (".webp",),
        (8,),
        default_quality=webp.DEFAULT_QUALITY,
    ),
}

KNOWN_SUFFIXES: dict[str, str] = {
    suffix: name for name, known in _FORMATS.items() for suffix in known.suffixes
}
"""Format by file name suffix, in lower case with the dot."""

READABLE = frozenset(KNOWN_SUFFIXES)
"""Suffixes of the files that :func:`read_photo` reads."""

WRITABLE = frozenset(KNOWN_SUFFIXES)
"""Suffixes of the files that :func:`write_photo` writes."""


def read_photo(
    source: Path | str | bytes | BinaryIO,
    *,
    name: str | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Photo:
    """Read a photo: pixels upright, colour profile, EXIF, XMP and IPTC.

    The content decides the format, not the name.

    Args:
        source: A path, the bytes of a file, or an open binary file.
        name: What error messages call it; the path by default.
        max_pixels: More than this are refused before memory is taken for them.

    Raises:
        PhotoReadError: If it is missing, empty, truncated, damaged or not a picture.
        PhotoTooLargeError: If it has more than ``max_pixels``.
        UnsupportedPhotoError: If it is a picture of a kind that is not handled.
    """
    shown = one_line(name or _name_of(source))
    try:
        data = _bytes_of(source)
    except OSError as error:
        raise PhotoReadError(f"{shown}: {_reason(error)}") from error
    try:
        return _read(data, Limits(max_pixels))
    except PhotoError as error:
        raise type(error)(f"{shown}: {one_line(str(error))}") from error
    except MemoryError as error:
        raise PhotoTooLargeError(f"{shown}: not enough memory for its pixels") from error
    except Exception as error:
        # Damaged files make the decoders fail in ways that no list can name.
        raise PhotoReadError(f"{shown}: damaged: {one_line(str(error))}") from error


def _read(data: bytes, limits: Limits) -> Photo:
    if not data:
        raise PhotoReadError("the file is empty")
    for known in _FORMATS.values():
        if known.is_head(data[:32]):
            return known.read(data, limits)
    raise PhotoReadError("not a picture, or of a format that is not handled")


def _bytes_of(source: Path | str | bytes | BinaryIO) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str | Path):
        path = Path(source)
        if stat.S_ISDIR(path.stat().st_mode):
            raise IsADirectoryError(0, "is a folder, not a photo")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    else:
        data = source.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise OSError(0, f"larger than {MAX_FILE_BYTES >> 30} GiB")
    return data


def encode_photo(
    photo: Photo,
    *,
    format: str | None = None,  # noqa: A002, the word that Pillow and ImageIO use
    quality: int | None = None,
    bit_depth: int | None = None,
) -> bytes:
    """Code a photo as the bytes of a file; see :func:`write_photo` for what is kept."""
    return b"".join(_encoded(photo, _format_for(photo, None, format), quality, bit_depth))


def write_photo(
    photo: Photo,
    target: Path | str | BinaryIO,
    *,
    format: str | None = None,  # noqa: A002
    quality: int | None = None,
    bit_depth: int | None = None,
) -> None:
    """Write a photo with its colour profile, EXIF, XMP and IPTC.

    A file appears whole or not at all, and replaces an older one only once it is complete.
    Transparency is laid over white in JPEG, which has none. Bit depth is kept, or reduced to the
    most that the format holds.

    Args:
        photo: What to write.
        target: A path, or an open binary file.
        format: ``"JPEG"``, ``"PNG"``, ``"TIFF"`` or ``"WEBP"``; by default what the target's
            suffix says, then the format that the photo came in, then PNG.
        quality: 1…100 for JPEG and lossy WebP; 95 by default.
        bit_depth: 8, 16 or 32 (floating point); by default the photo's own.

    Raises:
        PhotoWriteError: If it cannot be written; nothing half-written is left.
        ValueError: For a format, quality or bit depth that does not exist.
    """
    path = Path(target) if isinstance(target, str | Path) else None
    file_format = _format_for(photo, path, format)
    shown = one_line(_name_of(target))
    try:
        parts = _encoded(photo, file_format, quality, bit_depth)
        if path is not None:
            write_atomically(path, parts)
        else:
            target.writelines(parts)  # type: ignore[union-attr]
    except PhotoWriteError as error:
        raise PhotoWriteError(f"{shown}: {error}") from error
    except OSError as error:
        raise PhotoWriteError(f"{shown}: {_reason(error)}") from error


def _format_for(photo: Photo, path: Path | None, stated: str | None) -> str:
    if stated is not None:
        wanted = {"JPG": "JPEG", "TIF": "TIFF"}.get(stated.upper(), stated.upper())
        if wanted not in _FORMATS:
            raise ValueError(f"format must be one of {', '.join(_FORMATS)}, received {stated!r}")
        return wanted
    by_suffix = KNOWN_SUFFIXES.get(path.suffix.lower()) if path is not None else None
    own = photo.format if photo.format in _FORMATS else None
    return by_suffix or own or "PNG"


def _encoded(
    photo: Photo, file_format: str, quality: int | None, bit_depth: int | None
) -> list[bytes]:
    known = _FORMATS[file_format]
    if quality is None:
        quality = known.default_quality
    if not 1 <= quality <= 100:
        raise ValueError(f"quality must be 1 to 100, received {quality}")
    if bit_depth is None:
        bit_depth = min(photo.bit_depth, known.bit_depths[-1])
    if bit_depth not in known.bit_depths:
        raise ValueError(
            f"bit depth of {file_format} must be one of {known.bit_depths}, received {bit_depth}"
        )
    if photo.alpha is not None and not known.has_alpha:
        photo = over_white(photo)
    return known.encode(with_bit_depth(photo, bit_depth), quality)


def one_line(text: str) -> str:
    """Text for a one-line message: line breaks and control characters shown as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _name_of(source: object) -> str:
    if isinstance(source, str | Path):
        return str(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "photo"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower() if error.errno else one_line(str(error.strerror))
