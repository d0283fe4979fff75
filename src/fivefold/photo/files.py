"""Photos from files and back: content tells the format, errors name the file and the reason."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from fivefold.errors import (
    FivefoldError,
    MissingExtraError,
    PhotoError,
    PhotoReadError,
    PhotoTooLargeError,
    PhotoWriteError,
    UnsupportedPhotoError,
)
from fivefold.photo.atomic import write_atomically
from fivefold.photo.dcf import with_stated_profile
from fivefold.photo.depth import over_white, with_bit_depth
from fivefold.photo.formats import FORMATS, KNOWN_SUFFIXES, NEVER_WRITTEN, format_of
from fivefold.photo.image import Photo, check_photo
from fivefold.photo.limits import (
    DEFAULT_MAX_MEMORY_BYTES,
    DEFAULT_MAX_PIXELS,
    MAX_FILE_BYTES,
    Limits,
)
from fivefold.photo.threads import available_threads

_UNKNOWN = "not a picture, or of a format that is not handled"
_ALIASES = {"JPG": "JPEG", "TIF": "TIFF", "HEIC": "HEIF"}


def read_photo(
    source: Path | str | bytes | BinaryIO,
    *,
    name: str | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    max_memory_bytes: int = DEFAULT_MAX_MEMORY_BYTES,
    threads: int | None = None,
) -> Photo:
    """Read a photo: pixels upright, colour profile, EXIF, XMP and IPTC.

    The content decides the format, not the name.

    Args:
        source: A path, the bytes of a file, or an open binary file.
        name: What error messages call it; the path by default.
        max_pixels: More than this are refused before memory is taken for them.
        max_memory_bytes: As are pixels that would take more than this.
        threads: How many threads the decoding may use, in formats that can; by default as many as
            the process may run.

    Raises:
        PhotoReadError: If it is missing, empty, truncated, damaged or not a picture.
        PhotoTooLargeError: If it has more than ``max_pixels``, or takes more memory.
        UnsupportedPhotoError: If it is a picture of a kind that is not handled.
        MissingExtraError: If it needs an optional part (HEIC, camera RAW) that is not installed.
        ValueError: If ``threads`` is below 1.
    """
    _check_threads(threads)
    shown = one_line(name or _name_of(source))
    try:
        data = _bytes_of(source)
    except OSError as error:
        raise PhotoReadError(f"{shown}: {_reason(error)}") from error
    try:
        return _read(data, Limits(max_pixels, max_memory_bytes), threads or available_threads())
    except MissingExtraError:
        raise
    except PhotoError as error:
        raise type(error)(f"{shown}: {one_line(str(error))}") from error
    except MemoryError as error:
        raise PhotoTooLargeError(f"{shown}: not enough memory for its pixels") from error


def check_photo_start(
    start: bytes, *, name: str = "photo", max_pixels: int = DEFAULT_MAX_PIXELS
) -> str:
    """Refuse a photo that cannot be read, as far as the first bytes of its file tell.

    Where the rest of the file is needed to tell, it is not refused. That is so for damage, and for
    formats other than JPEG, PNG, WebP, AVIF and JPEG XL but for what they are.

    Args:
        start: A file's first bytes; some dozen kilobytes hold what most files say of themselves.
        name: What error messages call it.
        max_pixels: More than this are refused.

    Returns:
        The format, a name in :data:`fivefold.photo.formats.FORMATS`.

    Raises:
        PhotoReadError: If it is not a picture.
        PhotoTooLargeError: If it has more than ``max_pixels``.
        UnsupportedPhotoError: If it is a picture of a kind that is not handled.
    """
    shown = one_line(name)
    file_format = format_of(start)
    if file_format is None:
        raise PhotoReadError(f"{shown}: {_UNKNOWN}")
    codec = FORMATS[file_format].load()
    try:
        if codec.check_start is not None:
            codec.check_start(start, Limits(max_pixels))
    except (PhotoTooLargeError, UnsupportedPhotoError) as error:
        raise type(error)(f"{shown}: {one_line(str(error))}") from error
    except Exception:  # noqa: S110, as in _read; it may be the file's end that is missing
        pass
    return file_format


def _read(data: bytes, limits: Limits, threads: int) -> Photo:
    if not data:
        raise PhotoReadError("the file is empty")
    name = format_of(data)
    if name is None:
        raise PhotoReadError(_UNKNOWN)
    try:
        return with_stated_profile(FORMATS[name].load().read(data, limits, threads))
    except (FivefoldError, MemoryError):
        raise
    except Exception as error:
        # Damaged files make the decoders fail in ways that no list can name.
        raise PhotoReadError(f"damaged {name}: {str(error)[:100]}") from error


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
    threads: int | None = None,
) -> bytes:
    """Code a photo as the bytes of a file; see :func:`write_photo` for what is kept."""
    check_photo(photo)
    file_format = _format_for(photo, None, format)
    return b"".join(_encoded(photo, file_format, quality, bit_depth, threads))


def write_photo(
    photo: Photo,
    target: Path | str | BinaryIO,
    *,
    format: str | None = None,  # noqa: A002
    quality: int | None = None,
    bit_depth: int | None = None,
    threads: int | None = None,
) -> None:
    """Write a photo with its colour profile, EXIF, XMP and IPTC.

    A file appears whole or not at all, and replaces an older one only once it is complete.
    Transparency is laid over white in JPEG, which has none. Bit depth is kept, or reduced to the
    most that the format holds.

    Args:
        photo: What to write.
        target: A path, or an open binary file.
        format: A name in :data:`fivefold.photo.formats.FORMATS` that can be written; by default
            what the target's suffix says, then the format that the photo came in, then TIFF for
            camera RAW, and PNG otherwise. Suffixes of other files (``.bmp``, ``.txt``) are refused.
        quality: 1…100 in the lossy formats, each on its encoder's scale; by default so high that
            the difference is not seen.
        bit_depth: 8, 16 or 32 (floating point); by default the photo's own.
        threads: How many threads the coding may use, in formats that can; by default as many as
            the process may run.

    Raises:
        PhotoWriteError: If it cannot be written; nothing half-written is left.
        TypeError: For something else than a photo.
        ValueError: For a format, quality or bit depth that does not exist.
    """
    check_photo(photo)
    path = Path(target) if isinstance(target, str | Path) else None
    file_format = _format_for(photo, path, format)
    shown = one_line(_name_of(target))
    try:
        parts = _encoded(photo, file_format, quality, bit_depth, threads)
        if path is not None:
            write_atomically(path, parts)
        else:
            target.writelines(parts)  # type: ignore[union-attr]
    except PhotoWriteError as error:
        raise PhotoWriteError(f"{shown}: {error}") from error
    except OSError as error:
        raise PhotoWriteError(f"{shown}: {_reason(error)}") from error


def _format_for(photo: Photo, path: Path | None, stated: str | None) -> str:
    writable = [name for name, known in FORMATS.items() if known.is_written]
    if stated is not None:
        wanted = _ALIASES.get(stated.upper(), stated.upper())
        if wanted not in writable:
            raise ValueError(f"format must be one of {', '.join(writable)}, received {stated!r}")
        return wanted
    by_suffix = KNOWN_SUFFIXES.get(path.suffix.lower()) if path is not None else None
    if by_suffix is not None:
        if by_suffix in writable:
            return by_suffix
        raise ValueError(f"{by_suffix} files cannot be written, received {path}")
    if path is not None and path.suffix.lower() in NEVER_WRITTEN:
        raise ValueError(f"{path.suffix} files cannot be written, received {path}")
    if photo.format is not None and photo.format in writable:
        return photo.format
    return "TIFF" if photo.format == "RAW" else "PNG"


def _encoded(
    photo: Photo,
    file_format: str,
    quality: int | None,
    bit_depth: int | None,
    threads: int | None,
) -> Sequence[bytes | memoryview]:
    known = FORMATS[file_format]
    encode = known.load().encode
    assert encode is not None, "_format_for gives only formats that can be written"
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
    _check_threads(threads)
    if photo.alpha is not None and not known.has_alpha:
        photo = over_white(photo)
    photo = with_bit_depth(photo, bit_depth)
    return encode(photo, quality, threads or available_threads())


def _check_threads(threads: int | None) -> None:
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be at least 1, received {threads}")


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
