"""The full-resolution pass in float64, written to be read next to PAPER section 2.

This file is the one home of the grid's coordinate convention: centres of pixels and cells sit at
+0.5, and indices are clamped at the edges, so the weights of a slice always sum to one. Every
other engine is tested against it.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from fivefold.kernels.grid import BilateralGrid, Guide
from fivefold.photo.image import FULL_SCALE, Pixels

Float64 = NDArray[np.float64]


class Taps(NamedTuple):
    """Where the tent τ(u) = max(1 − |u|, 0) around a coordinate is not zero: two cells.

    Attributes:
        lower: Index of the cell before the coordinate, clamped to the grid.
        upper: Index of the cell after it, clamped to the grid.
        fraction: The weight of ``upper``; that of ``lower`` is ``1 − fraction``.
    """

    lower: NDArray[np.intp]
    upper: NDArray[np.intp]
    fraction: Float64


def grid_coordinates(size_px: int, cells: int) -> Float64:
    """Coordinates in the grid of a row of pixels: (x + 0.5)·s − 0.5, s = cells / size_px.

    Returns:
        ``(size_px,)``; 0 is the centre of the first cell, ``cells − 1`` that of the last.
    """
    pixels = np.arange(size_px, dtype=np.float64)
    return (pixels + 0.5) * (cells / size_px) - 0.5


def taps(coordinates: Float64, cells: int) -> Taps:
    """The two cells that surround each coordinate, and how the weight divides between them."""
    below = np.floor(coordinates)
    lower = below.astype(np.intp)
    return Taps(
        lower=np.clip(lower, 0, cells - 1),
        upper=np.clip(lower + 1, 0, cells - 1),
        fraction=coordinates - below,
    )


def guide_map(photo: Float64, guide: Guide) -> Float64:
    """The guide g = clip( b + 1/3 Σ_c ρ_c(M_cᵀφ + b′_c), 0, 1 ).

    The curves are ρ_c(u) = Σ_i a_{c,i} max(u − t_{c,i}, 0).

    Args:
        photo: φ, ``(..., 3)``, sRGB in 0…1.
        guide: M, b′, a, t and b.

    Returns:
        g, ``(...)``, in 0…1.
    """
    matrix, slopes, thresholds = (
        array.astype(np.float64) for array in (guide.matrix, guide.slopes, guide.thresholds)
    )
    mixed: Float64 = photo @ matrix.T + guide.matrix_bias
    g: Float64 = np.full(photo.shape[:-1], float(guide.bias))
    for c in range(3):
        for slope, threshold in zip(slopes[c], thresholds[c], strict=True):
            g += slope * np.maximum(mixed[..., c] - threshold, 0.0) / 3.0
    return cast("Float64", np.clip(g, 0.0, 1.0))


def slice_grid(
    coefficients: NDArray[np.float32],
    g: Float64,
    *,
    first_row: int = 0,
    height_px: int | None = None,
) -> Float64:
    """The slice Ā_c[x,y] = Σ_{i,j,k} τ(s_x·x − i) τ(s_y·y − j) τ(d·g − k) A_c[i,j,k].

    Args:
        coefficients: A, ``(12, depth, grid height, grid width)``.
        g: The guide, ``(H, W)``, in 0…1.
        first_row: Where the rows of ``g`` begin in the photo that they were cut from.
        height_px: Height of that photo; ``None`` means that ``g`` is all of it.

    Returns:
        Ā, ``(12, H, W)``.
    """
    _, depth, grid_height, grid_width = coefficients.shape
    rows, columns = g.shape
    y = grid_coordinates(height_px or rows, grid_height)[first_row : first_row + rows]
    along_x = taps(grid_coordinates(columns, grid_width), grid_width)
    along_y = taps(y, grid_height)
    along_z = taps(g * depth - 0.5, depth)

    sliced = np.zeros((coefficients.shape[0], rows, columns))
    for j, weight_y in ((along_y.lower, 1 - along_y.fraction), (along_y.upper, along_y.fraction)):
        for i, weight_x in (
            (along_x.lower, 1 - along_x.fraction),
            (along_x.upper, along_x.fraction),
        ):
            for k, weight_z in (
                (along_z.lower, 1 - along_z.fraction),
                (along_z.upper, along_z.fraction),
            ):
                weight = weight_y[:, None] * weight_x[None, :] * weight_z
                sliced += weight * coefficients[:, k, j[:, None], i[None, :]]
    return sliced


def apply_affine(sliced: Float64, photo: Float64) -> Float64:
    """The output, O_c = Ā_{4c+3} + Σ_c′ Ā_{4c+c′} φ_c′, not clipped.

    Args:
        sliced: Ā, ``(12, H, W)``.
        photo: φ, ``(H, W, 3)``.

    Returns:
        O, ``(H, W, 3)``.
    """
    output = np.empty_like(photo)
    for c in range(3):
        output[..., c] = sliced[4 * c + 3] + sum(
            sliced[4 * c + k] * photo[..., k] for k in range(3)
        )
    return output


def render(
    pixels: Pixels,
    grid: BilateralGrid,
    *,
    first_row: int = 0,
    height_px: int | None = None,
    clip: bool = True,
) -> Pixels:
    """The whole pass: guide, slice, apply.

    Args:
        pixels: ``(H, W, 3)``, sRGB, ``uint8``, ``uint16`` or ``float32``.
        grid: What the network predicted for the photo.
        first_row: Where ``pixels`` begins in the photo that it is a strip of.
        height_px: Height of that photo; ``None`` means that ``pixels`` is all of it.
        clip: Hold ``float32`` output in 0…1. Integer output always is, and is rounded to the
            nearest code.

    Returns:
        ``(H, W, 3)`` of the type of ``pixels``.
    """
    full_scale = FULL_SCALE[pixels.dtype]
    photo = pixels.astype(np.float64) / full_scale
    g = guide_map(photo, grid.guide)
    sliced = slice_grid(grid.coefficients, g, first_row=first_row, height_px=height_px)
    output = apply_affine(sliced, photo)
    if clip or pixels.dtype != np.float32:
        output = np.clip(output, 0.0, 1.0)
    if pixels.dtype != np.float32:
        output = np.rint(output * full_scale)
    return cast("Pixels", output.astype(pixels.dtype))
