"""The one reduction that the network's input goes through, in training and in use alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.photo.image import FULL_SCALE, Pixels

THUMBNAIL_PX = 256


def thumbnail(pixels: Pixels, size_px: int = THUMBNAIL_PX) -> NDArray[np.float32]:
    """Reduce a photo to a square by area averaging; the aspect ratio is given up.

    Output cell (i, j) is the mean of the photo, taken as a piecewise constant picture, over the
    real-valued rectangle [i·H/n, (i + 1)·H/n) × [j·W/n, (j + 1)·W/n) with n = ``size_px``. Where
    the photo is smaller than the square, the same definition enlarges it.

    Args:
        pixels: ``(H, W, 3)``, ``uint8``, ``uint16`` or ``float32``, in any colour coding.
        size_px: Side of the square.

    Returns:
        ``(size_px, size_px, 3)`` ``float32``, 0…1, in the colour coding of ``pixels``; within
        1e-6 of the definition.

    Raises:
        TypeError: For another pixel type.
        ValueError: For another shape, or a side below one pixel.
    """
    return area_average(pixels, size_px, size_px)


def area_average(pixels: Pixels, height_px: int, width_px: int) -> NDArray[np.float32]:
    """Resample a photo to any size by the definition of :func:`thumbnail`.

    Args:
        pixels: ``(H, W, C)``, ``uint8``, ``uint16`` or ``float32``.
        height_px: Rows of the result.
        width_px: Columns of the result.

    Returns:
        ``(height_px, width_px, C)`` ``float32``, 0…1.

    Raises:
        TypeError: For another pixel type.
        ValueError: For another shape, or a side below one pixel.
    """
    if pixels.dtype not in FULL_SCALE:
        raise TypeError(f"pixels must be uint8, uint16 or float32, received {pixels.dtype}")
    if pixels.ndim != 3 or 0 in pixels.shape:
        raise ValueError(f"pixels must be (H, W, C), received shape {pixels.shape}")
    if height_px < 1 or width_px < 1:
        raise ValueError(f"sides must be at least 1 pixel, received {height_px} × {width_px}")
    average = BandedAverage(pixels.shape, height_px, width_px)
    average.add(pixels)
    return average.result()


class BandedAverage:
    """:func:`area_average` of a photo that comes in bands, from top to bottom."""

    def __init__(self, shape: tuple[int, ...], height_px: int, width_px: int) -> None:
        """Begin above the first row.

        Args:
            shape: Of the whole photo, ``(H, W, C)``.
            height_px: Rows of the result.
            width_px: Columns of the result.
        """
        height, self._width, self._channels = shape
        self._width_px = width_px
        self._cells = _cells(height, height_px)
        self._rows = np.zeros((height_px, self._width * self._channels), np.float64)
        self._at = 0
        self._full_scale = 1.0

    def add(self, band: Pixels) -> None:
        """Count the next rows, ``(rows, W, C)``, of the same type as all others."""
        # float32 adds 8-bit numbers without error; the other types need the longer mantissa.
        working_type: type[np.float32] | type[np.float64]
        working_type = np.float32 if band.dtype == np.uint8 else np.float64
        self._full_scale = FULL_SCALE[band.dtype]
        top, bottom = self._at, self._at + len(band)
        for i, (first, weights) in enumerate(self._cells):
            low, high = max(first, top), min(first + len(weights), bottom)
            if low < high:
                strip = band[low - top : high - top].reshape(high - low, -1)
                inside = weights[low - first : high - first]
                self._rows[i] += _weighted_sum(strip.astype(working_type), inside)
        self._at = bottom

    def result(self) -> NDArray[np.float32]:
        """The average of all rows, ``(height_px, width_px, C)``, 0…1."""
        height_px = len(self._rows)
        rows = self._rows.reshape(height_px, self._width, self._channels)
        columns = np.ascontiguousarray(rows.transpose(1, 0, 2))
        cells = np.empty((self._width_px, height_px * self._channels), np.float64)
        for j, (first, weights) in enumerate(_cells(self._width, self._width_px)):
            cells[j] = weights @ columns[first : first + len(weights)].reshape(len(weights), -1)
        result = cells.reshape(self._width_px, height_px, self._channels).transpose(1, 0, 2)
        return np.ascontiguousarray(result / self._full_scale, dtype=np.float32)


def _cells(length_px: int, size_px: int) -> list[tuple[int, NDArray[np.float64]]]:
    """First pixel and weights of every output cell along one axis.

    In units of 1/size_px pixel a pixel is size_px long and a cell length_px, so that every overlap
    is a whole number and the weights of a cell sum to one exactly before their rounding.
    """
    cells = []
    for i in range(size_px):
        start, stop = i * length_px, (i + 1) * length_px
        first, last = start // size_px, (stop - 1) // size_px
        edges = np.arange(first, last + 2, dtype=np.int64) * size_px
        bounds = np.clip(edges, start, stop)
        cells.append((first, (bounds[1:] - bounds[:-1]) / length_px))
    return cells


def _weighted_sum(
    strip: NDArray[np.floating[Any]], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Σ weights · strip, the equal weights of the whole pixels applied once to their exact sum."""
    if len(weights) <= 2:
        short: NDArray[np.float64] = weights @ strip
        return short
    inner = np.ones(len(weights) - 2, strip.dtype) @ strip[1:-1]
    total: NDArray[np.float64] = (
        weights[0] * strip[0] + weights[1] * inner + weights[-1] * strip[-1]
    )
    return total
