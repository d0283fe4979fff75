"""The head of a JPEG XL codestream: size, bits, orientation and colour, read bit by bit.

The decoder at hand gives pixels but does not say in which colour space they are.

Source: ISO/IEC 18181-1:2024, annexes D.2 (size), D.3 (metadata) and E.2 (colour encoding).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fivefold.errors import PhotoReadError, UnsupportedPhotoError
from fivefold.photo import cicp, colour, profile

SIGNATURE = b"\xff\x0a"

_SIZE = ((9, 1), (13, 1), (18, 1), (30, 1))
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_ENUM = ((0, 0), (0, 1), (4, 2), (6, 18))
_ALPHA, _SPOT, _CFA = 0, 2, 5
_GREY, _XYB = 1, 2
_D65, _CUSTOM, _DCI_WHITE = 1, 2, 11
_P3 = 11
_LINEAR, _SRGB = 8, 13
# Colour points of H.273 for JPEG XL's own names of primaries.
_CODE_POINTS = {(1, _D65): 1, (9, _D65): 9, (_P3, _D65): 12, (_P3, _DCI_WHITE): 11}


@dataclass(frozen=True, slots=True)
class JxlHeader:
    """What the codestream states.

    Attributes:
        width_px: Width as stored, before its orientation is applied.
        height_px: Height as stored.
        bits: Bits of one channel.
        is_float: The samples are floating point.
        is_lossless: The pixels are stored as they were, not as perceived colours.
        icc_profile: The RGB profile of the decoded pixels; ``None`` for sRGB.
    """

    width_px: int
    height_px: int
    bits: int = 8
    is_float: bool = False
    is_lossless: bool = False
    icc_profile: bytes | None = None


class _Bits:
    """Fields of a codestream, least significant bit first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._length = 8 * len(data)
        self.position = 0

    def take(self, count: int) -> int:
        if self.position + count > self._length:
            raise PhotoReadError("damaged JPEG XL: truncated")
        taken = (self._value >> self.position) & ((1 << count) - 1)
        self.position += count
        return taken

    def flag(self) -> bool:
        return self.take(1) == 1

    def choice(self, distributions: tuple[tuple[int, int], ...]) -> int:
        """U32 of the standard: two bits select how many more are read, and what is added."""
        bits, offset = distributions[self.take(2)]
        return self.take(bits) + offset

    def enumeration(self) -> int:
        return self.choice(_ENUM)


def parse(codestream: bytes) -> JxlHeader:
    """Read the head of a bare codestream.

    Raises:
        PhotoReadError: If it is truncated or no codestream.
        UnsupportedPhotoError: For animations, HDR curves, and colours given by an ICC profile,
            which no library at hand returns.
    """
    bits, header = _up_to_colour(codestream)
    return header if bits is None else replace(header, icc_profile=_colour(bits))


def stated_as_srgb(codestream: bytes) -> bytes:
    """A codestream that states linear light, with sRGB's curve in its place.

    The encoder at hand takes everything but 8 bits for linear light and cannot be told otherwise.
    Both statements have the same length, so that one takes the place of the other.
    """
    bits, _ = _up_to_colour(codestream)
    assert bits is not None, "the encoder states the depth of 16 bits"
    assert not bits.flag(), "the encoder states linear light for 16 bits"
    bits.flag()  # no ICC profile
    is_grey = bits.enumeration() == _GREY
    bits.enumeration()  # white point
    if not is_grey:
        bits.enumeration()  # primaries
    bits.flag()  # no gamma
    assert bits.enumeration() == _LINEAR, "the encoder states linear light for 16 bits"
    head = int.from_bytes(codestream[:2048], "little")
    # The last four bits read are the curve's number less 2.
    head ^= ((_LINEAR - 2) ^ (_SRGB - 2)) << (8 * len(SIGNATURE) + bits.position - 4)
    return head.to_bytes(len(codestream[:2048]), "little") + codestream[2048:]


def _up_to_colour(codestream: bytes) -> tuple[_Bits | None, JxlHeader]:
    """All fields before the colour encoding; no bits are left for one that is default."""
    if not codestream.startswith(SIGNATURE):
        raise PhotoReadError("damaged JPEG XL: no codestream")
    bits = _Bits(codestream[2:2048])
    width_px, height_px = _size(bits)
    if bits.flag():  # all default: 8 bits, sRGB, coded as perceived
        return None, JxlHeader(width_px, height_px)
    if bits.flag():
        _extra_fields(bits)
    depth, is_float = _bit_depth(bits)
    bits.flag()  # whether 16-bit buffers suffice
    for _ in range(bits.choice(((0, 0), (0, 1), (4, 2), (12, 1)))):
        _extra_channel(bits)
    is_xyb = bits.flag()
    return bits, JxlHeader(width_px, height_px, depth, is_float, is_lossless=not is_xyb)


def _size(bits: _Bits) -> tuple[int, int]:
    in_eighths = bits.flag()
    height_px = 8 * (bits.take(5) + 1) if in_eighths else bits.choice(_SIZE)
    ratio = bits.take(3)
    if ratio:
        numerator, denominator = _RATIOS[ratio]
        return height_px * numerator // denominator, height_px
    width_px = 8 * (bits.take(5) + 1) if in_eighths else bits.choice(_SIZE)
    return width_px, height_px


def _extra_fields(bits: _Bits) -> None:
    bits.take(3)  # orientation, which the decoder applies
    if bits.flag():
        _size(bits)
    if bits.flag():
        raise UnsupportedPhotoError("a JPEG XL with a preview")
    if bits.flag():
        raise UnsupportedPhotoError("an animated JPEG XL, not a photo")


def _bit_depth(bits: _Bits) -> tuple[int, bool]:
    if bits.flag():
        depth = bits.choice(((0, 32), (0, 16), (0, 24), (6, 1)))
        bits.take(4)  # of the exponent
        return depth, True
    return bits.choice(((0, 8), (0, 10), (0, 12), (6, 1))), False


def _extra_channel(bits: _Bits) -> None:
    if bits.flag():  # all default: alpha of 8 bits
        return
    kind = bits.enumeration()
    _bit_depth(bits)
    bits.choice(((0, 0), (0, 3), (0, 4), (3, 1)))
    for _ in range(bits.choice(((0, 0), (4, 0), (5, 16), (10, 48)))):
        bits.take(8)
    if kind == _ALPHA:
        bits.flag()
    elif kind == _SPOT:
        bits.take(64)
    elif kind == _CFA:
        bits.choice(((0, 1), (2, 0), (4, 3), (8, 19)))


def _colour(bits: _Bits) -> bytes | None:
    if bits.flag():
        return None
    has_icc = bits.flag()
    space = bits.enumeration()
    if has_icc or space > _GREY:
        raise UnsupportedPhotoError("a JPEG XL with an embedded ICC profile")
    white_name = bits.enumeration()
    white_xy = _chromaticity(bits) if white_name == _CUSTOM else None
    primaries_name, primaries_xy = 1, None
    if space != _GREY:
        primaries_name = bits.enumeration()
        if primaries_name == _CUSTOM:
            primaries_xy = tuple(_chromaticity(bits) for _ in range(3))
    gamma = bits.take(24) / 1e7 if bits.flag() else None
    transfer = 13 if gamma is not None else bits.enumeration()
    if (primaries_name, white_name) in _CODE_POINTS and gamma is None:
        return cicp.profile_of(_CODE_POINTS[primaries_name, white_name], transfer)
    return _custom_profile(
        cicp.curve_of(transfer) if not gamma else profile.parametric_curve(1 / gamma),
        white_xy or {_D65: (0.3127, 0.3290), _DCI_WHITE: (0.314, 0.351)}.get(white_name),
        primaries_xy or cicp.chromaticities_of({1: 1, 9: 9, _P3: 12}.get(primaries_name, 0)),
    )


def _custom_profile(
    curve: bytes,
    white_xy: tuple[float, float] | None,
    primaries_xy: tuple[tuple[float, float], ...] | None,
) -> bytes:
    if white_xy is None or primaries_xy is None:
        raise UnsupportedPhotoError("a JPEG XL of an unknown colour space")
    if any(y <= 0 for _, y in (white_xy, *primaries_xy)):
        raise PhotoReadError("damaged JPEG XL: senseless chromaticities")
    x, y = white_xy
    white_xyz = np.array([x / y, 1.0, (1 - x - y) / y])
    if np.allclose(white_xyz, colour.WHITE_D65, atol=1e-3):
        white_xyz = colour.WHITE_D65
    return cicp.from_chromaticities(primaries_xy, white_xyz, curve, "JPEG XL")


def _chromaticity(bits: _Bits) -> tuple[float, float]:
    ranges = ((19, 0), (19, 524288), (20, 1048576), (21, 2097152))

    def signed() -> float:
        value = bits.choice(ranges)
        return (-(value + 1) // 2 if value & 1 else value // 2) / 1e6

    return signed(), signed()
