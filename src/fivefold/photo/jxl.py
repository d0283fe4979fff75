"""JPEG XL files: pixels by libjxl, EXIF and XMP in the boxes of the container.

Source: ISO/IEC 18181-2:2024 (file format).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import PhotoReadError, PhotoWriteError
from fivefold.photo import colour, isobmff, jxl_header, profile
from fivefold.photo.depth import from_bits
from fivefold.photo.image import Coding, Metadata, Photo
from fivefold.photo.limits import Limits
from fivefold.photo.metadata import (
    Decoded,
    contiguous,
    current_exif,
    exif_with_iptc,
    iptc_in_exif,
    stored_channels,
    to_photo,
)

CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_EFFORT = 4  # of 1…9; a tenth of the time of libjxl's usual 7 at the same size
_MAX_METADATA_BYTES = 64 << 20


def is_jxl(head: bytes) -> bool:
    """Whether a file that starts like this is a JPEG XL."""
    return head.startswith((CONTAINER, jxl_header.SIGNATURE))


def read(data: bytes, limits: Limits) -> Photo:
    """Decode a still JPEG XL file.

    Raises:
        PhotoReadError: If it is truncated or damaged.
        UnsupportedPhotoError: For animations, HDR curves, and ICC profiles that are not simple.
    """
    import imagecodecs

    codestream, metadata = _parts(data)
    header = _checked(codestream, limits)
    try:
        pixels = imagecodecs.jpegxl_decode(data)
    except imagecodecs.JpegxlError as error:
        raise PhotoReadError(f"damaged JPEG XL: {error}") from error
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32)
    elif header.bits not in (8, 16):
        pixels = from_bits(pixels, header.bits)
    coding = Coding(is_lossless=header.is_lossless, bits=header.bits)
    decoded = Decoded(pixels, header.icc_profile, metadata, coding)
    return to_photo(decoded, "JXL", orientation=1)


def check_start(start: bytes, limits: Limits) -> None:
    """Refuse, by its first bytes, a file that :func:`read` would refuse.

    Raises:
        PhotoReadError: If they end before the picture begins.
        UnsupportedPhotoError: As :func:`read` does.
    """
    _checked(_codestream_in(start), limits)


def _checked(codestream: bytes, limits: Limits) -> jxl_header.JxlHeader:
    header = jxl_header.parse(codestream)
    limits.check(header.width_px, header.height_px, 4 * -(-header.bits // 8))
    return header


def _codestream_in(start: bytes) -> bytes:
    """What there is of the codestream's first piece, whose box may be cut off."""
    if not start.startswith(CONTAINER):
        return start[:4096]
    at = 0
    while at + 16 <= len(start):
        length, kind, wide_length = struct.unpack_from(">I4sQ", start, at)
        head = 16 if length == 1 else 8
        if kind in (b"jxlc", b"jxlp"):
            piece_at = at + head + (4 if kind == b"jxlp" else 0)
            return start[piece_at : piece_at + 4096]
        at += max(wide_length if length == 1 else length, head)
    raise PhotoReadError("damaged JPEG XL: it holds no picture")


def _parts(data: bytes) -> tuple[bytes, Metadata]:
    """The first piece of the codestream, and the metadata around it."""
    if not data.startswith(CONTAINER):
        return data[:4096], Metadata()
    codestream = exif_block = xmp = None
    try:
        for kind, content in _unpacked(data):
            if kind == b"jxlc" and codestream is None:
                codestream = content[:4096]
            elif kind == b"jxlp" and codestream is None:
                codestream = content[4:4100]
            elif kind == b"Exif" and exif_block is None:
                exif_block = content[4 + int.from_bytes(content[:4], "big") :] or None
            elif kind == b"xml " and xmp is None:
                xmp = content or None
    except isobmff.BoxError as error:
        raise PhotoReadError(f"damaged JPEG XL: {error}") from error
    if codestream is None:
        raise PhotoReadError("damaged JPEG XL: it holds no picture")
    return codestream, Metadata(exif_block, xmp, iptc_in_exif(exif_block))


def _unpacked(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of the file's boxes, those that Brotli compresses unpacked."""
    seen = set()
    for found in isobmff.boxes(data):
        kind, content = found.kind, found.content
        if kind == b"brob" and content[:4] in (b"Exif", b"xml ") and content[:4] not in seen:
            import imagecodecs

            kind, packed = content[:4], content[4:]
            try:
                content = bytes(imagecodecs.brotli_decode(packed, out=_MAX_METADATA_BYTES))
            except imagecodecs.BrotliError:
                continue
        seen.add(kind)
        yield kind, content


def encode(photo: Photo, quality: int, threads: int) -> list[bytes]:
    """Code a photo as JPEG XL; one that came lossless stays so.

    Args:
        photo: Of 8, 16 or 32 bits.
        quality: 1…100; 100 is lossless.
        threads: How many threads libjxl may use.

    Raises:
        PhotoWriteError: For another colour space than sRGB, which the encoder cannot state.
    """
    import imagecodecs

    pixels, _ = stored_channels(photo)
    if not profile.is_srgb(photo.icc_profile):
        raise PhotoWriteError("JPEG XL is written in sRGB only; this photo has another profile")
    is_lossless = photo.coding.is_lossless or quality == 100
    if pixels.dtype != np.uint8 and not is_lossless:
        pixels = _linear_light(pixels)
    coded = bytes(
        imagecodecs.jpegxl_encode(
            pixels[:, :, 0] if pixels.shape[2] == 1 else pixels,
            quality,
            effort=_EFFORT,
            numthreads=threads,
            lossless=is_lossless,
            usecontainer=True,
        )
    )
    exif_block = exif_with_iptc(current_exif(photo), photo.metadata.iptc)
    described = []
    if exif_block is not None:
        described.append(isobmff.box(b"Exif", b"\0\0\0\0" + exif_block))
    if photo.metadata.xmp is not None:
        described.append(isobmff.box(b"xml ", photo.metadata.xmp))
    parts = []
    for found in isobmff.boxes(coded):
        content = found.content
        if found.kind == b"jxlc":
            parts += described
            if pixels.dtype != np.uint8:
                content = jxl_header.stated_as_srgb(content)
        parts.append(isobmff.box(found.kind, content))
    return parts


def _linear_light(pixels: NDArray[Any]) -> NDArray[Any]:
    """Colours of ``(H, W, 1…4)`` decoded from sRGB; alpha as it is."""
    colours = pixels[:, :, : 1 if pixels.shape[2] < 3 else 3]
    if pixels.dtype == np.float32:
        as_rgb = np.broadcast_to(colours, (*colours.shape[:2], 3))
        linear = colour.srgb_to_linear(as_rgb)[:, :, : colours.shape[2]]
    else:
        codes = np.repeat(np.arange(65536)[:, None] / 65535, 3, axis=1)
        table = np.rint(colour.srgb_to_linear(codes)[:, 0] * 65535).astype(np.uint16)
        linear = np.take(table, colours)
    return contiguous(np.concatenate([linear, pixels[:, :, colours.shape[2] :]], axis=2))
