"""WebP files: pixels by libwebp, metadata in the chunks of the extended container.

Source: the WebP container specification (RFC 9649).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from fivefold.errors import PhotoReadError, PhotoWriteError, UnsupportedPhotoError
from fivefold.photo import exif
from fivefold.photo.image import Coding, Metadata, Photo
from fivefold.photo.limits import Limits, check_parts
from fivefold.photo.metadata import (
    Decoded,
    contiguous,
    current_exif,
    exif_with_iptc,
    iptc_in_exif,
    to_photo,
)

MAX_SIDE_PX = 16383
_BYTES_PER_PIXEL = 4
_METHOD = 2  # of 0…6; half the time of libwebp's usual 4 for 1 % more bytes
_LOSSLESS_METHOD = 4
_LOSSLESS_EFFORT = 10  # of 100; a third of the time of 95 for 1 % more bytes

_HAS_ICC, _HAS_ALPHA, _HAS_EXIF, _HAS_XMP, _IS_ANIMATED = 0x20, 0x10, 0x08, 0x04, 0x02
_PICTURE = (b"VP8 ", b"VP8L", b"ALPH")


def is_webp(head: bytes) -> bool:
    """Whether a file that starts like this is a WebP."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def read(data: bytes, limits: Limits) -> Photo:
    """Decode a still WebP file.

    Raises:
        PhotoReadError: If it is truncated or damaged.
        UnsupportedPhotoError: For an animation.
    """
    import imagecodecs

    chunks = dict(reversed(list(_chunks(data))))
    _check(chunks, limits)
    try:
        pixels = imagecodecs.webp_decode(data)
    except imagecodecs.WebpError as error:
        raise PhotoReadError(f"damaged WebP: {error}") from error
    exif_block = chunks.get(b"EXIF", b"").removeprefix(b"Exif\0\0") or None
    metadata = Metadata(exif_block, chunks.get(b"XMP ") or None, iptc_in_exif(exif_block))
    decoded = Decoded(
        pixels,
        chunks.get(b"ICCP") or None,
        metadata,
        Coding(is_lossless=b"VP8L" in chunks),
    )
    return to_photo(decoded, "WEBP", exif.orientation(exif_block) if exif_block else 1)


def check_start(start: bytes, limits: Limits) -> None:
    """Refuse, by its first bytes, a file that :func:`read` would refuse.

    Raises:
        PhotoReadError: If they do not state a size.
        UnsupportedPhotoError: For an animation.
    """
    _check(dict(reversed(list(_chunks(start, is_whole=False)))), limits)


def _check(chunks: dict[bytes, bytes], limits: Limits) -> None:
    limits.check(*_size(chunks), _BYTES_PER_PIXEL)
    if chunks.get(b"VP8X", b"\0")[0] & _IS_ANIMATED:
        raise UnsupportedPhotoError("an animated WebP, not a photo")


def _chunks(data: bytes, *, is_whole: bool = True) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of each chunk; of a start alone, also what there is of the last."""
    (stated,) = struct.unpack_from("<I", data, 4)
    if is_whole and stated + 8 > len(data):
        raise PhotoReadError("damaged WebP: truncated")
    at, count = 12, 0
    while at + 8 <= len(data):
        count += 1
        check_parts(count, "WebP")
        kind, length = struct.unpack_from("<4sI", data, at)
        if is_whole and at + 8 + length > len(data):
            return
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _size(chunks: dict[bytes, bytes]) -> tuple[int, int]:
    """Width and height, from whichever header the file has (RFC 9649, 2.5 to 2.7)."""
    extended, lossless, lossy = (chunks.get(k, b"") for k in (b"VP8X", b"VP8L", b"VP8 "))
    if len(extended) >= 10:
        return (
            1 + int.from_bytes(extended[4:7], "little"),
            1 + int.from_bytes(extended[7:10], "little"),
        )
    if len(lossless) >= 5:
        bits = int.from_bytes(lossless[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if len(lossy) >= 10:
        width, height = struct.unpack_from("<HH", lossy, 6)
        return width & 0x3FFF, height & 0x3FFF
    raise PhotoReadError("damaged WebP: it states no size")


def encode(photo: Photo, quality: int) -> list[bytes]:
    """Code an 8-bit photo as WebP; one that came lossless stays so.

    Args:
        photo: ``uint8``. WebP has no greyscale and no IPTC: grey becomes three equal channels, and
            the IPTC record moves into EXIF's field for it.
        quality: 0…100, libwebp's scale; without effect on a lossless photo.

    Raises:
        PhotoWriteError: For more than 16383 pixels on a side.
    """
    import imagecodecs

    if max(photo.width_px, photo.height_px) > MAX_SIDE_PX:
        raise PhotoWriteError(f"WebP holds at most {MAX_SIDE_PX} pixels on a side")
    pixels = photo.pixels
    if photo.alpha is not None:
        pixels = np.concatenate([pixels, photo.alpha[:, :, None]], axis=2)
    coded = imagecodecs.webp_encode(contiguous(pixels), quality, lossless=photo.coding.is_lossless)
    picture = [(kind, body) for kind, body in _chunks(bytes(coded)) if kind in _PICTURE]
    exif_block = exif_with_iptc(current_exif(photo), photo.metadata.iptc)
    around = {b"ICCP": photo.icc_profile, b"EXIF": exif_block, b"XMP ": photo.metadata.xmp}
    flags = _HAS_ALPHA if photo.alpha is not None else 0
    for flag, kind in ((_HAS_ICC, b"ICCP"), (_HAS_EXIF, b"EXIF"), (_HAS_XMP, b"XMP ")):
        flags |= flag if around[kind] is not None else 0
    header = struct.pack("<B3x", flags)
    for side_px in (photo.width_px, photo.height_px):
        header += (side_px - 1).to_bytes(3, "little")
    body = [_chunk(b"VP8X", header)]
    body += [_chunk(b"ICCP", around[b"ICCP"])]
    body += [_chunk(kind, content) for kind, content in picture]
    body += [_chunk(kind, around[kind]) for kind in (b"EXIF", b"XMP ")]
    return [struct.pack("<4sI4s", b"RIFF", 4 + sum(map(len, body)), b"WEBP"), *body]


def _chunk(kind: bytes, content: bytes | None) -> bytes:
    if content is None:
        return b""
    return struct.pack("<4sI", kind, len(content)) + content + bytes(len(content) % 2)
