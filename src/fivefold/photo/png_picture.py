"""The chunks of a PNG that libpng gets to see, checked so that it has nothing to complain of.

libpng prints a warning for every flaw that it forgives, and the decoder at hand makes it print one
for every interlaced picture. So chunks around the picture are kept from it, those of the picture
are checked first, and the seven passes of an interlaced picture are decoded one by one.

Source: W3C PNG specification, third edition: sections 8 (interlacing), 11.2 and 11.3.1.1 (tRNS).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import PhotoReadError
from fivefold.photo.limits import check_parts

MAGIC = b"\x89PNG\r\n\x1a\n"

_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGB_ALPHA = 0, 2, 3, 4, 6
_CHANNELS = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGB_ALPHA: 4}
_BIT_DEPTHS = {
    _GREY: (1, 2, 4, 8, 16),
    _RGB: (8, 16),
    _PALETTE: (1, 2, 4, 8),
    _GREY_ALPHA: (8, 16),
    _RGB_ALPHA: (8, 16),
}
_COLOUR_KEY_BYTES = {_GREY: 2, _RGB: 6}
# First column, first row, column step and row step of the seven passes of Adam7.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
           (0, 1, 1, 2))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG's picture without anything around it.

    Attributes:
        width_px: Width.
        height_px: Height.
        bit_depth: Bits of one sample, 1 to 16.
        colour_type: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha.
        is_interlaced: Stored in the seven passes of Adam7.
        palette: Content of PLTE, for palettes.
        transparency: Content of tRNS, where it applies.
        data: The IDAT chunks, joined as they stand in the file.
    """

    width_px: int
    height_px: int
    bit_depth: int
    colour_type: int
    is_interlaced: bool
    palette: bytes | None
    transparency: bytes | None
    data: tuple[memoryview, ...]

    @property
    def bytes_per_pixel(self) -> int:
        """What one decoded pixel takes, with the alpha that a tRNS chunk makes."""
        channels = 3 if self.colour_type == _PALETTE else _CHANNELS[self.colour_type]
        return (channels + (self.transparency is not None)) * (2 if self.bit_depth == 16 else 1)

    def decode(self) -> NDArray[Any]:
        """Decode to ``(H, W)`` or ``(H, W, 2…4)``, ``uint8`` or ``uint16``.

        Raises:
            PhotoReadError: If the data is damaged.
        """
        if self.is_interlaced:
            return self._decode_passes()
        chunks = [chunk(b"IDAT", part) for part in self.data]
        return self._decode_plain(self.width_px, self.height_px, chunks)

    def _decode_plain(self, width_px: int, height_px: int, data: list[bytes]) -> NDArray[Any]:
        import imagecodecs

        header = struct.pack(">IIBB3x", width_px, height_px, self.bit_depth, self.colour_type)
        parts = [MAGIC, chunk(b"IHDR", header)]
        if self.palette is not None:
            parts.append(chunk(b"PLTE", self.palette))
        if self.transparency is not None:
            parts.append(chunk(b"tRNS", self.transparency))
        try:
            return imagecodecs.png_decode(b"".join([*parts, *data, chunk(b"IEND", b"")]))
        except (imagecodecs.PngError, UnicodeDecodeError) as error:
            reason = str(error) if isinstance(error, imagecodecs.PngError) else "unreadable"
            raise PhotoReadError(f"damaged PNG: {reason}") from error

    def _decode_passes(self) -> NDArray[Any]:
        """Decode each pass as a picture of its own, and lay its pixels where they belong."""
        sizes = [
            (-(-(self.width_px - x) // step_x), -(-(self.height_px - y) // step_y))
            for x, y, step_x, step_y in _PASSES
        ]
        bits = self.bit_depth * _CHANNELS[self.colour_type]
        lengths = [(1 + -(-w * bits // 8)) * h if w > 0 and h > 0 else 0 for w, h in sizes]
        inflater = zlib.decompressobj()
        try:
            filtered = memoryview(inflater.decompress(b"".join(self.data), sum(lengths)))
        except zlib.error as error:
            raise PhotoReadError(f"damaged PNG: {error}") from error
        if len(filtered) < sum(lengths):
            raise PhotoReadError("damaged PNG: truncated")
        result: NDArray[Any] | None = None
        at = 0
        for (x, y, step_x, step_y), (width_px, height_px), length in zip(
            _PASSES, sizes, lengths, strict=True
        ):
            if not length:
                continue
            packed = zlib.compress(filtered[at : at + length], 1)
            part = self._decode_plain(width_px, height_px, [chunk(b"IDAT", packed)])
            at += length
            if result is None:
                result = np.empty((self.height_px, self.width_px, *part.shape[2:]), part.dtype)
            result[y::step_y, x::step_x] = part
        assert result is not None, "the first pass of a picture is never empty"
        return result


def split(data: bytes, *, is_whole: bool = True) -> tuple[Picture, list[tuple[bytes, bytes]]]:
    """Split a PNG file into its picture, and the type and content of the chunks around it.

    A chunk around the picture is left out if its checksum is wrong.

    Args:
        data: The file.
        is_whole: That it is cut off, or holds no picture yet, is damage.

    Raises:
        PhotoReadError: If the file is truncated, or the chunks of the picture are damaged.
    """
    view, at = memoryview(data), len(MAGIC)
    around: list[tuple[bytes, bytes]] = []
    own: dict[bytes, bytes] = {}
    picture: list[memoryview] = []
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        check_parts(len(around) + len(picture), "PNG")
        end = at + 12 + length
        if end > len(data):
            break
        if kind == b"IEND":
            return _checked(own, tuple(picture)), around
        content = view[at + 8 : end - 4]
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(view[at + 4 : end - 4]) == checksum:
            if kind == b"IDAT":
                picture.append(content)
            elif kind in (b"IHDR", b"PLTE", b"tRNS"):
                own.setdefault(kind, bytes(content))
            else:
                around.append((kind, bytes(content)))
        elif kind in (b"IHDR", b"PLTE", b"tRNS", b"IDAT"):
            raise PhotoReadError(f"damaged PNG: {kind.decode()} has a wrong checksum")
        at = end
    if not is_whole:
        return _checked(own, (*picture, memoryview(b""))), around
    raise PhotoReadError("damaged PNG: truncated")


def _checked(own: dict[bytes, bytes], data: tuple[memoryview, ...]) -> Picture:
    header = own.get(b"IHDR", b"")
    if len(header) != 13 or not data:
        raise PhotoReadError("damaged PNG: it holds no picture")
    width_px, height_px, bits, colour, compression, filtering, interlacing = struct.unpack(
        ">IIBBBBB", header
    )
    is_possible = 0 < width_px < 1 << 31 and 0 < height_px < 1 << 31
    is_known = bits in _BIT_DEPTHS.get(colour, ()) and interlacing in (0, 1)
    if not (is_possible and is_known) or compression or filtering:
        raise PhotoReadError("damaged PNG: impossible header")
    palette = own.get(b"PLTE") if colour == _PALETTE else None
    transparency = own.get(b"tRNS")
    if colour == _PALETTE:
        if palette is None or len(palette) % 3 or not 3 <= len(palette) <= 3 << bits:
            raise PhotoReadError("damaged PNG: impossible palette")
        if transparency is not None:
            transparency = transparency[: len(palette) // 3] or None
    elif transparency is not None:
        transparency = _colour_key(transparency, colour, bits)
    return Picture(width_px, height_px, bits, colour, interlacing == 1, palette, transparency, data)


def _colour_key(content: bytes, colour: int, bits: int) -> bytes | None:
    """The transparent colour; of each sample only as many bits count as the picture has."""
    if len(content) != _COLOUR_KEY_BYTES.get(colour):
        return None
    samples = struct.unpack(f">{len(content) // 2}H", content)
    return struct.pack(f">{len(samples)}H", *(s & ((1 << bits) - 1) for s in samples))


def chunk(kind: bytes, content: bytes | memoryview) -> bytes:
    """The bytes of a chunk."""
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return b"".join((struct.pack(">I4s", len(content), kind), content, struct.pack(">I", checksum)))
