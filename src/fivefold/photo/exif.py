"""What has to change in an EXIF block when the pixels it describes are turned upright.

A block is changed in place, byte by byte, wherever that is possible: makers' notes point into the
block by absolute offsets, so that rebuilding it would break them.
"""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.photo import ifd

ORIENTATION = 274
IPTC_IN_EXIF = 33723
_IMAGE_WIDTH, _IMAGE_HEIGHT = 256, 257
_PIXEL_X_DIMENSION, _PIXEL_Y_DIMENSION = 40962, 40963
_THUMBNAIL_AT, _THUMBNAIL_BYTES = 513, 514

_XMP_ORIENTATION = rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)[2-8](?=\s*[\"'<])"


def is_block(block: bytes) -> bool:
    """Whether this is an EXIF block: it starts with a TIFF header and a directory."""
    try:
        ifd.parse(block)
    except ifd.IfdError:
        return False
    return True


def orientation(block: bytes) -> int:
    """The EXIF orientation 1…8 of a block; 1 (upright) where it is absent or senseless."""
    try:
        layout, directory = ifd.parse(block)
    except ifd.IfdError:
        return 1
    return orientation_of(layout, directory)


def orientation_of(layout: ifd.Layout, directory: ifd.Directory) -> int:
    """The orientation 1…8 that a parsed directory states."""
    stated = directory.fields.get(ORIENTATION)
    values = stated.integers(layout.byte_order) if stated else ()
    return values[0] if values and 1 <= values[0] <= 8 else 1


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn and mirror stored pixels ``(H, W, …)`` so that they stand upright (EXIF 2.32, 4.6.4 A).

    Returns:
        A contiguous array; the same one for orientation 1.
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def describe_upright(block: bytes, width_px: int, height_px: int) -> bytes:
    """The block for upright pixels: orientation 1 and the size corrected, all else as it was.

    A block that cannot be parsed comes back unchanged.
    """
    try:
        layout, directory = ifd.parse(block)
    except ifd.IfdError:
        return block
    changed = bytearray(block)
    _set_integer(changed, layout, directory, ORIENTATION, 1)
    for child in directory.children.values():
        _set_integer(changed, layout, child, _PIXEL_X_DIMENSION, width_px)
        _set_integer(changed, layout, child, _PIXEL_Y_DIMENSION, height_px)
    for tag, size_px in ((_IMAGE_WIDTH, width_px), (_IMAGE_HEIGHT, height_px)):
        _set_integer(changed, layout, directory, tag, size_px)
    second = _second_directory(block, layout, directory)
    if second is not None:
        _set_integer(changed, layout, second, ORIENTATION, 1)
    return bytes(changed)


def thumbnail_place(block: bytes) -> tuple[int, int] | None:
    """Offset and length in bytes of the embedded JPEG thumbnail, or ``None`` without one."""
    try:
        layout, directory = ifd.parse(block)
    except ifd.IfdError:
        return None
    second = _second_directory(block, layout, directory)
    if second is None:
        return None
    place = [
        (second.fields[tag].integers(layout.byte_order) or (0,))[0] if tag in second.fields else 0
        for tag in (_THUMBNAIL_AT, _THUMBNAIL_BYTES)
    ]
    at, length = place
    inside = at > 0 and length > 0 and at + length <= len(block)
    return (at, length) if inside else None


def replace_thumbnail(block: bytes, jpeg: bytes | None) -> bytes:
    """The block with another thumbnail in the old one's place; ``None`` takes it out.

    Args:
        block: A block with a thumbnail.
        jpeg: No longer than the thumbnail that it replaces.
    """
    place = thumbnail_place(block)
    if place is None:
        raise ValueError("the block must have a thumbnail, received one without")
    at, length = place
    if jpeg is not None and len(jpeg) > length:
        raise ValueError(f"the thumbnail must have at most {length} bytes, received {len(jpeg)}")
    layout, directory = ifd.parse(block)
    changed = bytearray(block)
    changed[at : at + length] = (jpeg or b"").ljust(length, b"\0")
    second = _second_directory(block, layout, directory)
    if jpeg is not None and second is not None:
        _set_integer(changed, layout, second, _THUMBNAIL_BYTES, len(jpeg))
    else:
        struct.pack_into(layout.byte_order + "I", changed, directory.end_at, 0)
    return bytes(changed)


def describe_upright_xmp(packet: bytes) -> bytes:
    """The XMP packet with ``tiff:Orientation`` 1, so that no reader turns the photo again."""
    return re.sub(_XMP_ORIENTATION, rb"\g<1>1", packet)


def _set_integer(
    block: bytearray, layout: ifd.Layout, directory: ifd.Directory, tag: int, value: int
) -> None:
    field = directory.fields.get(tag)
    if field is None or field.value_count != 1 or field.kind not in (ifd.SHORT, ifd.LONG):
        return
    code = "H" if field.kind == ifd.SHORT else "I"
    if value < 1 << (8 * struct.calcsize(code)):
        struct.pack_into(layout.byte_order + code, block, field.at, value)


def _second_directory(
    block: bytes, layout: ifd.Layout, directory: ifd.Directory
) -> ifd.Directory | None:
    """The directory that describes the thumbnail."""
    if layout.is_big or not directory.next_at:
        return None
    try:
        return layout.parse(block, directory.next_at)
    except ifd.IfdError:
        return None
