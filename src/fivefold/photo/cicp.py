"""Colour spaces stated by code points instead of a profile: PNG's cICP, AVIF's and HEIF's nclx.

Source: ITU-T H.273 (tables 2 and 3). A photo so described gets the profile that means the same.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import UnsupportedPhotoError
from fivefold.photo import colour, profile

_UNSPECIFIED = 2
_WHITE_C = np.array([0.98074, 1.0, 1.18232])
_WHITE_DCI = np.array([0.89459, 1.0, 0.95442])
_PRIMARIES: dict[int, tuple[str, tuple[tuple[float, float], ...], NDArray[np.float64]]] = {
    1: ("BT.709", ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)), colour.WHITE_D65),
    4: ("BT.470 M", ((0.670, 0.330), (0.210, 0.710), (0.140, 0.080)), _WHITE_C),
    5: ("BT.470 BG", ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060)), colour.WHITE_D65),
    6: ("BT.601", ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), colour.WHITE_D65),
    7: ("SMPTE 240", ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), colour.WHITE_D65),
    9: ("BT.2020", ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), colour.WHITE_D65),
    11: ("DCI-P3", ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), _WHITE_DCI),
    12: ("Display P3", ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), colour.WHITE_D65),
}
_SRGB_CURVE = profile.parametric_curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
# The curves of video, H.273's 1, 6, 14 and 15, are for scenes and cameras; a picture coded by them
# is meant for a display, which shows it as it shows sRGB. Every browser reads them so.
_CURVES: dict[int, bytes] = {
    **dict.fromkeys((1, 6, 13, 14, 15), _SRGB_CURVE),
    4: profile.parametric_curve(2.2),
    5: profile.parametric_curve(2.8),
    8: profile.parametric_curve(1.0),
}
_HDR = {16: "PQ", 18: "HLG"}


def profile_of(primaries: int, transfer: int) -> bytes | None:
    """The RGB profile that H.273's code points mean; ``None`` for sRGB.

    Args:
        primaries: ColourPrimaries.
        transfer: TransferCharacteristics.

    Raises:
        UnsupportedPhotoError: For the HDR curves PQ and HLG, whose light has no white to work
            with, and for code points unknown here.
    """
    primaries = 1 if primaries == _UNSPECIFIED else primaries
    transfer = 13 if transfer == _UNSPECIFIED else transfer
    curve = curve_of(transfer)
    if primaries not in _PRIMARIES:
        raise UnsupportedPhotoError(f"colours of unknown primaries ({primaries})")
    name, chromaticities, white = _PRIMARIES[primaries]
    if primaries == 1 and curve is _SRGB_CURVE:
        return None
    return from_chromaticities(chromaticities, white, curve, name)


def curve_of(transfer: int) -> bytes:
    """The curve element that TransferCharacteristics mean.

    Raises:
        UnsupportedPhotoError: For PQ, HLG and those unknown here.
    """
    if transfer in _HDR:
        raise UnsupportedPhotoError(f"HDR ({_HDR[transfer]}); convert it to SDR first")
    if transfer not in _CURVES:
        raise UnsupportedPhotoError(f"colours of an unknown curve ({transfer})")
    return _CURVES[transfer]


def chromaticities_of(primaries: int) -> tuple[tuple[float, float], ...] | None:
    """The x, y of red, green and blue that ColourPrimaries mean, if they are known here."""
    return _PRIMARIES[primaries][1] if primaries in _PRIMARIES else None


def from_chromaticities(
    primaries_xy: tuple[tuple[float, float], ...],
    white_xyz: NDArray[np.float64],
    curve_element: bytes,
    name: str,
) -> bytes:
    """The RGB profile of a colour space given by its chromaticities and curve."""
    to_d50 = colour.adaptation_matrix(white_xyz, colour.WHITE_D50)
    matrix = to_d50 @ colour.matrix_from_primaries(primaries_xy, white_xyz)
    return profile.build_rgb(matrix, curve_element, name)


def profile_of_png_gamma(gama: bytes | None, chrm: bytes | None) -> bytes | None:
    """The RGB profile that PNG's gAMA and cHRM chunks mean; ``None`` for sRGB or without gAMA.

    A gamma of 1/2.2 with sRGB's primaries is what programs write that mean sRGB.
    """
    if gama is None or len(gama) < 4:
        return None
    exponent = struct.unpack_from(">I", gama)[0] / 100_000
    if not 0.1 <= exponent <= 10:
        return None
    chromaticities = [0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06]
    if chrm is not None and len(chrm) >= 32:
        chromaticities = [v / 100_000 for v in struct.unpack_from(">8I", chrm)]
    white_x, white_y, *rest = chromaticities
    is_sane = all(0 < v < 1 for v in chromaticities[1::2])
    is_srgb = np.abs(np.array(rest) - _srgb_chromaticities()).max() < 0.002
    if not is_sane or (is_srgb and abs(exponent - 0.45455) < 0.01):
        return None
    white = np.array([white_x / white_y, 1.0, (1 - white_x - white_y) / white_y])
    pairs = tuple(zip(rest[::2], rest[1::2], strict=True))
    try:
        made = from_chromaticities(
            pairs, white, profile.parametric_curve(1 / exponent), "PNG gamma"
        )
    except (np.linalg.LinAlgError, struct.error):
        return None
    return made if profile.matrix_profile(made) is not None else None


def _srgb_chromaticities() -> NDArray[np.float64]:
    return np.array(_PRIMARIES[1][1]).ravel()
