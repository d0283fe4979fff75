"""The full-resolution pass in NumPy, for machines without the compiled kernels.

It goes through the photo tile by tile, so its memory does not grow with the photo. It takes
float32, which is faster, but float64 for 16-bit photos, whose codes float32 misses at times.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.kernels.grid import BilateralGrid, Guide
from fivefold.kernels.reference import Taps, grid_coordinates, taps
from fivefold.photo.image import FULL_SCALE, Pixels

TILE_COLUMNS = 4096

Reals = NDArray[np.floating[Any]]


def render(
    pixels: Pixels,
    grid: BilateralGrid,
    out: Pixels,
    *,
    first_row: int,
    height_px: int,
    clip: bool,
) -> None:
    """Write the enhanced ``pixels`` to ``out``, which may be the same array.

    Arguments are those of :func:`fivefold.kernels.render`, which checks them.
    """
    rows, columns, _ = pixels.shape
    _, _, grid_height, grid_width = grid.coefficients.shape
    real: type[np.floating[Any]] = np.float64 if pixels.dtype == np.uint16 else np.float32
    coefficients = grid.coefficients.astype(real)
    full_scale = real(FULL_SCALE[pixels.dtype])
    along_x = taps(grid_coordinates(columns, grid_width), grid_width)
    y = grid_coordinates(height_px, grid_height)[first_row : first_row + rows]
    along_y = taps(y, grid_height)
    for row in range(rows):
        cells = _blend(
            coefficients[:, :, along_y.lower[row]],
            coefficients[:, :, along_y.upper[row]],
            real(along_y.fraction[row]),
        )
        for left in range(0, columns, TILE_COLUMNS):
            tile = slice(left, left + TILE_COLUMNS)
            photo = pixels[row, tile].astype(real) / full_scale
            nearest = Taps(along_x.lower[tile], along_x.upper[tile], along_x.fraction[tile])
            output = _transform_row(photo, cells, nearest, grid)
            if clip or pixels.dtype != np.float32:
                np.clip(output, 0.0, 1.0, out=output)
            if pixels.dtype != np.float32:
                output = np.rint(output * full_scale)
            out[row, tile] = output.astype(pixels.dtype)


def _transform_row(photo: Reals, cells: Reals, along_x: Taps, grid: BilateralGrid) -> Reals:
    """The output, ``(W, 3)``, of pixels of one row whose grid is ``cells``, ``(12, d, width)``."""
    columns = _blend(
        cells[..., along_x.lower], cells[..., along_x.upper], along_x.fraction.astype(cells.dtype)
    )
    along_z = taps(guide_map(photo, grid.guide).astype(np.float64) * grid.depth - 0.5, grid.depth)
    x = np.arange(len(photo))
    transform = _blend(
        columns[:, along_z.lower, x],
        columns[:, along_z.upper, x],
        along_z.fraction.astype(cells.dtype),
    )
    affine = transform.reshape(3, 4, -1)
    output: Reals = np.einsum("ckx,xk->xc", affine[:, :3], photo) + affine[:, 3].T
    return output


def guide_map(photo: Reals, guide: Guide) -> Reals:
    """The guide of :func:`fivefold.kernels.reference.guide_map`, ``(W,)``, of the photo's type."""
    real = photo.dtype.type
    matrix, slopes = guide.matrix.astype(real), guide.slopes.astype(real)
    mixed = photo @ matrix.T + guide.matrix_bias
    g = np.full(len(photo), guide.bias, real)
    for c in range(3):
        for slope, threshold in zip(slopes[c], guide.thresholds[c], strict=True):
            g += (slope / real(3)) * np.maximum(mixed[:, c] - threshold, 0)
    # A pixel that is not a number still needs a depth; its output is not a number either way.
    return np.nan_to_num(np.clip(g, 0, 1), nan=0.0)


def _blend(first: Reals, second: Reals, fraction: Reals | np.floating[Any]) -> Reals:
    return first + fraction * (second - first)
