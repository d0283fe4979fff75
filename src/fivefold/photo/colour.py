"""Conversions between sRGB, linear light, XYZ and Lab, in floating point.

Arrays are ``(…, 3)`` with the channels last and come back as ``float64`` (``float32`` stays
``float32``). Nothing is clipped: values outside 0…1 are colours outside sRGB, and survive a round
trip. White points: XYZ is relative to D65 (2° observer) unless a name says D50, with Y = 1 for
white; :func:`xyz_to_lab` takes its white as an argument.

Sources: IEC 61966-2-1 (sRGB), CIE 15 (Lab), ICC.1:2022 annex E (Bradford adaptation).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Colours = NDArray[np.floating[Any]]

WHITE_D65: NDArray[np.float64] = np.array([0.95047, 1.0, 1.08883])
WHITE_D50: NDArray[np.float64] = np.array([0.96422, 1.0, 0.82521])

LUMA = (0.2126, 0.7152, 0.0722)
"""Weights of coded red, green and blue in luma, ITU-R BT.709."""

_SRGB_PRIMARIES_XY = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_LAB_DELTA = 6 / 29
_KNEE = 0.04045  # of sRGB's transfer function, coded


def matrix_from_primaries(
    primaries_xy: ArrayLike, white_xyz: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The 3×3 matrix from linear RGB to XYZ of a colour space with these primaries.

    Args:
        primaries_xy: ``(3, 2)``, the chromaticities x, y of red, green and blue.
        white_xyz: XYZ of RGB = (1, 1, 1).

    Returns:
        M with XYZ = M · RGB, relative to the same white.
    """
    x, y = np.asarray(primaries_xy, np.float64).T
    directions = np.stack([x / y, np.ones(3), (1 - x - y) / y])
    return directions * np.linalg.solve(directions, white_xyz)


def adaptation_matrix(
    from_white: NDArray[np.float64], to_white: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The Bradford matrix that carries XYZ relative to one white to XYZ relative to another."""
    gains = (_BRADFORD @ to_white) / (_BRADFORD @ from_white)
    return np.linalg.solve(_BRADFORD, gains[:, None] * _BRADFORD)


SRGB_TO_XYZ: NDArray[np.float64] = matrix_from_primaries(_SRGB_PRIMARIES_XY, WHITE_D65)
XYZ_TO_SRGB: NDArray[np.float64] = np.linalg.inv(SRGB_TO_XYZ).astype(np.float64)
D65_TO_D50: NDArray[np.float64] = adaptation_matrix(WHITE_D65, WHITE_D50)
D50_XYZ_TO_SRGB: NDArray[np.float64] = np.linalg.inv(D65_TO_D50 @ SRGB_TO_XYZ).astype(np.float64)


def _as_colours(values: ArrayLike) -> Colours:
    colours: NDArray[Any] = np.asarray(values)
    if colours.dtype not in (np.float32, np.float64):
        return _as_colours(colours.astype(np.float64))
    if colours.ndim == 0 or colours.shape[-1] != 3:
        raise ValueError(f"colours must have 3 channels last, received shape {colours.shape}")
    return colours


def _times(colours: Colours, matrix: NDArray[np.float64]) -> Colours:
    return colours @ matrix.T.astype(colours.dtype)


def srgb_to_linear(srgb: ArrayLike) -> Colours:
    """Decode sRGB (0…1) to linear light; mirrored about 0, so that negative values survive.

    c/12.92 up to 0.04045, and ((c + 0.055)/1.055)^2.4 from there on. The line held at the knee and
    the power held at the knee are added, which is several times faster than choosing.
    """
    srgb = _as_colours(srgb)
    size = np.abs(srgb)
    linear = np.maximum(size, _KNEE)
    linear += 0.055
    linear /= 1.055
    linear **= 2.4
    linear += np.minimum(size, _KNEE) / 12.92 - _KNEE / 12.92
    return np.copysign(linear, srgb)


def linear_to_srgb(linear_rgb: ArrayLike) -> Colours:
    """Code linear light (0…1) as sRGB; the inverse of :func:`srgb_to_linear`."""
    linear_rgb = _as_colours(linear_rgb)
    size = np.abs(linear_rgb)
    srgb = np.maximum(size, _KNEE / 12.92)
    srgb **= 1 / 2.4
    srgb *= 1.055
    srgb -= 0.055 + _KNEE
    srgb += np.minimum(size, _KNEE / 12.92) * 12.92
    return np.copysign(srgb, linear_rgb)


def linear_to_xyz(linear_rgb: ArrayLike) -> Colours:
    """Linear sRGB to XYZ relative to D65."""
    return _times(_as_colours(linear_rgb), SRGB_TO_XYZ)


def xyz_to_linear(xyz: ArrayLike) -> Colours:
    """XYZ relative to D65 to linear sRGB."""
    return _times(_as_colours(xyz), XYZ_TO_SRGB)


def xyz_to_lab(xyz: ArrayLike, white_xyz: NDArray[np.float64] = WHITE_D65) -> Colours:
    """XYZ to CIE L*a*b* (L 0…100) relative to ``white_xyz``, CIE 15 equation 8.3."""
    ratio = _as_colours(xyz)
    ratio = ratio / white_xyz.astype(ratio.dtype)
    f = np.where(
        ratio > _LAB_DELTA**3, np.cbrt(ratio), ratio / (3 * _LAB_DELTA**2) + 4 / 29
    ).astype(ratio.dtype)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def lab_to_xyz(lab: ArrayLike, white_xyz: NDArray[np.float64] = WHITE_D65) -> Colours:
    """CIE L*a*b* relative to ``white_xyz`` to XYZ; the inverse of :func:`xyz_to_lab`."""
    lab = _as_colours(lab)
    lightness, a, b = np.moveaxis(lab, -1, 0)
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    ratio = np.where(f > _LAB_DELTA, f**3, 3 * _LAB_DELTA**2 * (f - 4 / 29))
    return (ratio * white_xyz).astype(lab.dtype)


def srgb_to_lab(srgb: ArrayLike) -> Colours:
    """Convert sRGB (0…1) to Lab relative to D65, as ΔE figures of the field are computed."""
    return xyz_to_lab(linear_to_xyz(srgb_to_linear(srgb)))


def lab_to_srgb(lab: ArrayLike) -> Colours:
    """Lab relative to D65 to sRGB (0…1), not clipped."""
    return linear_to_srgb(xyz_to_linear(lab_to_xyz(lab)))
