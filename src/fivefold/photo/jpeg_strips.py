"""One JPEG coded in strips, by several threads, joined by restart markers.

At a restart marker the decoder forgets what came before, so that strips coded as pictures of their
own can stand one after the other in one scan. The strips end where blocks end; the coefficients,
and so the decoded pixels, are those of a picture coded in one piece.

Source: ITU-T T.81, B.2.4.4 (restart interval), E.1.4 and F.1.1.5.2 (restart markers).
"""

from __future__ import annotations

import struct
from typing import Any

import simplejpeg
from numpy.typing import NDArray

from fivefold.photo.threads import share_out

_MAX_INTERVAL = 65535
# So few that threads end at about the same time, and that the C library has the little memory at
# hand that a strip becomes: fresh memory the system clears page after page. Twice as many would
# take 2 % longer. Not by the number of threads, so that any number gives the same file.
_STRIP_PIXELS = 1 << 19
# Width and height of a minimum coded unit by chroma subsampling.
_UNIT_PX = {"Gray": (8, 8), "444": (8, 8), "422": (16, 8), "420": (16, 16), "440": (8, 16),
            "411": (32, 8)}  # fmt: skip
_START_OF_SCAN = 0xDA
_FRAME = 0xC0


def encode(
    pixels: NDArray[Any], quality: int, colour_space: str, chroma: str, *, threads: int
) -> list[bytes | memoryview]:
    """Code a picture as JPEG.

    Args:
        pixels: ``(H, W, 1 or 3)`` ``uint8``, contiguous.
        quality: 1…100.
        colour_space: ``"RGB"`` or ``"GRAY"``.
        chroma: Chroma subsampling, as simplejpeg names it.
        threads: How many strips are coded at a time.

    Returns:
        The file in pieces; the first holds all of its segments.
    """

    def coded(strip: NDArray[Any]) -> bytes:
        data: bytes = simplejpeg.encode_jpeg(strip, quality, colour_space, chroma)
        return data

    height_px, width_px, _ = pixels.shape
    unit_width_px, unit_height_px = _UNIT_PX[chroma]
    units_across = -(-width_px // unit_width_px)
    units_down = -(-height_px // unit_height_px)
    strips = min(units_down, height_px * width_px // _STRIP_PIXELS)
    if strips < 2 or units_across > _MAX_INTERVAL:
        return [coded(pixels)]
    rows = min(-(-units_down // strips), _MAX_INTERVAL // units_across)
    tops = range(0, height_px, rows * unit_height_px)
    parts = share_out(coded, [pixels[y : y + rows * unit_height_px] for y in tops], threads)
    return _joined(parts, height_px, rows * units_across)


def _joined(parts: list[bytes], height_px: int, interval: int) -> list[bytes | memoryview]:
    """The strips as one file whose scan restarts after every ``interval`` units."""
    frame_at, scan_at = _marker(parts[0], _FRAME), _marker(parts[0], _START_OF_SCAN)
    header = bytearray(parts[0][:scan_at])
    struct.pack_into(">H", header, frame_at + 5, height_px)
    header += struct.pack(">HHH", 0xFFDD, 4, interval)
    pieces: list[bytes | memoryview] = [bytes(header), memoryview(parts[0])[scan_at:-2]]
    for i, part in enumerate(parts[1:]):
        scan_at = _marker(part, _START_OF_SCAN)
        (length,) = struct.unpack_from(">H", part, scan_at + 2)
        pieces.append(bytes([0xFF, 0xD0 + i % 8]))
        pieces.append(memoryview(part)[scan_at + 2 + length : -2])
    pieces.append(b"\xff\xd9")
    return pieces


def _marker(data: bytes, wanted: int) -> int:
    """Where a marker of the encoder's own, flawless header stands."""
    at = 2
    while data[at + 1] != wanted:
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return at
