"""What both directions share: where a pixel reads the grid, and the coefficients it finds there."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

KNOTS = tl.constexpr(16)
COEFFICIENTS = tl.constexpr(12)
# Where the guide's parameters begin in the one array that holds them all: M, b′, a, t, b.
MATRIX_BIAS = tl.constexpr(9)
SLOPES = tl.constexpr(12)
THRESHOLDS = tl.constexpr(60)
BIAS = tl.constexpr(108)


@triton.jit
def curve_input(red, green, blue, guide, c):
    """u_c = M_cᵀφ + b′_c, what curve c of the guide is applied to."""
    row = guide + 3 * c
    mixed = tl.load(row) * red + tl.load(row + 1) * green + tl.load(row + 2) * blue
    return mixed + tl.load(guide + MATRIX_BIAS + c)


@triton.jit
def depth_coordinate(red, green, blue, guide, DEPTH: tl.constexpr):
    """d·g − 0.5 within the centres of the first and last cell, and where it needed no clamping."""
    curves = tl.zeros_like(red)
    for c in tl.static_range(3):
        u = curve_input(red, green, blue, guide, c)
        for i in tl.static_range(KNOTS):
            slope = tl.load(guide + SLOPES + KNOTS * c + i)
            threshold = tl.load(guide + THRESHOLDS + KNOTS * c + i)
            curves += slope * tl.maximum(u - threshold, 0.0)
    z = DEPTH * (tl.load(guide + BIAS) + curves / 3) - 0.5
    # Comparisons are false for NaN, which becomes 0: it must not index the grid.
    above = z > 0.0
    below = z < DEPTH - 1.0
    return tl.where(above, tl.where(below, z, DEPTH - 1.0), 0.0), above & below


@triton.jit
def cell_coordinate(place, size_px, CELLS: tl.constexpr):
    """(x + 0.5)·s − 0.5, s = cells / size, clamped to the centres of the first and last cell."""
    coordinate = (place.to(tl.float32) + 0.5) * (CELLS / size_px.to(tl.float32)) - 0.5
    return tl.minimum(tl.maximum(coordinate, 0.0), CELLS - 1.0)


@triton.jit
def corners(table, x, z, WIDTH: tl.constexpr, DEPTH: tl.constexpr):
    """The four entries of a row's table around (x, z), near and far of left and right."""
    i = x.to(tl.int32)
    k = z.to(tl.int32)
    left = i * DEPTH
    right = tl.minimum(i + 1, WIDTH - 1) * DEPTH
    far = tl.minimum(k + 1, DEPTH - 1)
    return (
        table + (left + k) * COEFFICIENTS,
        table + (left + far) * COEFFICIENTS,
        table + (right + k) * COEFFICIENTS,
        table + (right + far) * COEFFICIENTS,
    )


@triton.jit
def near_and_far(left_near, left_far, right_near, right_far, fraction_x, m):
    """Coefficient m of the two cells along the guide, interpolated along x."""
    near = tl.load(left_near + m)
    near += fraction_x * (tl.load(right_near + m) - near)
    far = tl.load(left_far + m)
    far += fraction_x * (tl.load(right_far + m) - far)
    return near, far


def row_tables(grid: Tensor, frames: Tensor, rows: int) -> Tensor:
    """The grid interpolated along y, once for each row of pixels instead of once for each pixel.

    Args:
        grid: A, ``(N, 12, depth, height, width)`` float32.
        frames: ``(N, 4)``: where each crop lies, see :class:`fivefold.model.fused_slicing.Frame`.
        rows: Of each crop.

    Returns:
        ``(N, rows, width, depth, 12)``, contiguous.
    """
    n, _, _, height, _ = grid.shape
    cells = grid.permute(0, 3, 4, 2, 1)  # (N, height, width, depth, 12)
    frames = frames.to(grid.device, non_blocking=True)  # few numbers: no waiting for them
    y = frames[:, :1] + torch.arange(rows, device=grid.device)  # (N, rows)
    coordinate = ((y.double() + 0.5) * height / frames[:, 2:3] - 0.5).clamp(0, height - 1)
    above = coordinate.floor()
    fraction = (coordinate - above).float()[..., None, None, None]
    samples = torch.arange(n, device=grid.device)[:, None]
    upper = cells[samples, above.long()]
    lower = cells[samples, (above.long() + 1).clamp(max=height - 1)]
    return torch.lerp(upper, lower, fraction).contiguous()


def check_frames(frames: Tensor, rows: int, columns: int) -> None:
    """Refuse crops that do not lie inside their photos.

    Raises:
        ValueError: If one does not.
    """
    for first_row, first_column, height_px, width_px in frames.tolist():
        if not (0 <= first_row <= height_px - rows and 0 <= first_column <= width_px - columns):
            raise ValueError(
                f"a crop of {rows} × {columns} pixels at row {first_row}, column {first_column} "
                f"does not lie inside a photo of {height_px} × {width_px}"
            )
