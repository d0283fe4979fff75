"""Do two renditions of a photo show the same thing in the same place?

Tone and colour differ between renditions, edges do not. Both pictures are reduced to luminance with
its local mean and contrast taken out, cut into tiles, and each tile is correlated with its like at
all displacements within reach. A shift moves all tiles alike, a wrong crop or scale moves the outer
ones, and another picture correlates nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import MissingExtraError
from fivefold.photo.colour import LUMA

TILES = 3
REACH_PX = 16
SHIFT_LIMIT_PX = 1.0
CORRELATION_LIMIT = 0.4
_LOCAL_SIGMA_PX = 4.0
_FLAT = 0.01  # local contrast of coded luminance (0…1) below which noise and codecs have their say
_LUMA = np.array(LUMA, np.float32)


@dataclass(frozen=True)
class Alignment:
    """How well two pictures lie on each other.

    Attributes:
        shift_px: Median displacement of the tiles, in pixels of the pictures.
        correlation: Median of the tiles' correlation at their displacement, 1 for equal edges.
        tiles: Tiles with enough structure to compare; with none, the rest says nothing.
    """

    shift_px: float
    correlation: float
    tiles: int

    @property
    def is_good(self) -> bool:
        """Within a pixel and clearly the same picture, as far as there is anything to compare."""
        return self.tiles == 0 or (
            self.shift_px <= SHIFT_LIMIT_PX and self.correlation >= CORRELATION_LIMIT
        )

    def __str__(self) -> str:
        return f"shifted by {self.shift_px:.1f} px, correlation {self.correlation:.2f}"


def alignment(one: NDArray[np.float32], other: NDArray[np.float32]) -> Alignment:
    """Measure how well two pictures of equal size lie on each other.

    Args:
        one: ``(H, W, 3)`` sRGB, 0…1.
        other: Likewise, of the same shape.

    Raises:
        ValueError: If the shapes differ.
        MissingExtraError: If SciPy is not installed.
    """
    if one.shape != other.shape:
        raise ValueError(f"shapes must be equal, received {one.shape} and {other.shape}")
    first, second = _structure(one), _structure(other)
    shifts, correlations = [], []
    for rows in _thirds(one.shape[0]):
        for columns in _thirds(one.shape[1]):
            match = _match(first[rows, columns], second[rows, columns])
            if match is not None:
                shifts.append(match[0])
                correlations.append(match[1])
    if not shifts:
        return Alignment(0.0, 0.0, 0)
    return Alignment(float(np.median(shifts)), float(np.median(correlations)), len(shifts))


def _thirds(length_px: int) -> list[slice]:
    edges = np.linspace(0, length_px, TILES + 1).round().astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(edges)]


def _structure(srgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Luminance with its local mean taken out, divided by its local contrast."""
    try:
        from scipy.ndimage import gaussian_filter
    except ImportError as error:
        raise MissingExtraError("SciPy", "data") from error
    luminance = srgb @ _LUMA
    detail = luminance - gaussian_filter(luminance, _LOCAL_SIGMA_PX)
    contrast = np.sqrt(gaussian_filter(np.square(detail), 2 * _LOCAL_SIGMA_PX))
    structure: NDArray[np.float32] = detail / np.maximum(contrast, _FLAT)
    return structure


def _match(one: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, float] | None:
    """Displacement (pixels) and correlation of two tiles, or ``None`` where one is flat.

    The tiles are tapered to zero at their edges, so that the circular correlation of the Fourier
    transform wraps nothing around; displacements by more than the reach are not looked for.
    """
    height, width = one.shape
    reach = [min(REACH_PX, side // 2 - 2) for side in one.shape]
    if min(reach) < 1:
        return None
    taper = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    one, other = one * taper, other * taper
    scale = float(np.linalg.norm(one) * np.linalg.norm(other))
    if min(one.std(), other.std()) < 0.25 * taper.std():  # less than that: mostly flat
        return None
    products = np.fft.irfft2(np.fft.rfft2(one) * np.conj(np.fft.rfft2(other)), s=one.shape)
    correlation: NDArray[np.float64] = np.fft.fftshift(products) / scale
    centre = (height // 2, width // 2)
    window = correlation[
        centre[0] - reach[0] : centre[0] + reach[0] + 1,
        centre[1] - reach[1] : centre[1] + reach[1] + 1,
    ]
    peak = np.unravel_index(int(window.argmax()), window.shape)
    offset = [
        int(peak[axis]) - reach[axis] + _vertex(correlation, peak, reach, centre, axis)
        for axis in (0, 1)
    ]
    return float(np.hypot(*offset)), float(window.max())


def _vertex(
    correlation: NDArray[np.float64],
    peak: tuple[np.intp, ...],
    reach: list[int],
    centre: tuple[int, int],
    axis: int,
) -> float:
    """Where between pixels the parabola through the peak and its two neighbours is highest."""
    at = [int(p) - r + c for p, r, c in zip(peak, reach, centre, strict=True)]
    step = np.eye(2, dtype=int)[axis]
    before, top, after = (float(correlation[tuple(at + s * step)]) for s in (-1, 0, 1))
    bend = before - 2 * top + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0
