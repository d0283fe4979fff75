"""Photo and grid in, better photo out: for training's planes and for pixels as files have them."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from fivefold.kernels.grid import Guide
from fivefold.kernels.triton.shared import (
    cell_coordinate,
    check_frames,
    corners,
    depth_coordinate,
    near_and_far,
    row_tables,
)

FULL_SCALE = {torch.uint8: 255.0, torch.uint16: 65535.0, torch.float16: 1.0, torch.float32: 1.0}
BLOCK = 256


def render(photo: Tensor, grid: Tensor, guide: Tensor, frames: Tensor) -> Tensor:
    """O of PAPER section 2 for a batch of photos or crops.

    Args:
        photo: φ, ``(N, 3, H, W)`` float32 sRGB in 0…1.
        grid: A, ``(N, 12, depth, rows, columns)`` float32.
        guide: The 109 numbers of :func:`pack_guide`.
        frames: ``(N, 4)``, on the CPU: where each crop lies.

    Returns:
        O, ``(N, 3, H, W)`` sRGB, not clipped.

    Raises:
        ValueError: If a crop does not lie inside its photo.
    """
    check_frames(frames, *photo.shape[2:])
    photo = photo.contiguous()
    output = torch.empty_like(photo)
    _launch(photo.permute(0, 2, 3, 1), output.permute(0, 2, 3, 1), grid, guide, frames, clip=False)
    return output


def render_pixels(
    pixels: Tensor,
    grid: Tensor,
    guide: Tensor,
    out: Tensor,
    *,
    first_row: int = 0,
    height_px: int | None = None,
    clip: bool = True,
) -> None:
    """Enhance a photo, or a strip of one, as :func:`fivefold.kernels.render` does.

    Args:
        pixels: ``(H, W, 3)`` sRGB, uint8, uint16, float16 or float32 (0…1).
        grid: A, ``(12, depth, rows, columns)`` float32, on the same device.
        guide: The 109 numbers of :func:`pack_guide`, there too.
        out: Gets the result; like ``pixels``, or ``pixels`` itself.
        first_row: The row of the photo at which ``pixels`` begins.
        height_px: Rows of the whole photo; by default ``pixels`` is all of it.
        clip: Hold floating-point output in 0…1. Integer output always is, and is rounded.

    Raises:
        TypeError: For pixels of another type.
        ValueError: For a strip outside the photo.
    """
    if pixels.dtype not in FULL_SCALE:
        raise TypeError(f"pixels must be one of {list(FULL_SCALE)}, received {pixels.dtype}")
    rows, columns, _ = pixels.shape
    frame = torch.tensor([[first_row, 0, rows if height_px is None else height_px, columns]])
    check_frames(frame, rows, columns)
    _launch(pixels[None], out[None], grid[None], guide, frame, clip=clip)


def pack_guide(guide: Guide) -> Tensor:
    """M, b′, a, t and b of a guide in one float32 array, on the CPU."""
    parts = (guide.matrix, guide.matrix_bias, guide.slopes, guide.thresholds)
    flat = [torch.from_numpy(part.copy()).flatten() for part in parts]
    return torch.cat([*flat, torch.tensor([guide.bias])]).float()


def _launch(
    pixels: Tensor, out: Tensor, grid: Tensor, guide: Tensor, frames: Tensor, *, clip: bool
) -> None:
    """Run the kernel on ``(N, H, W, 3)`` of any strides."""
    n, rows, columns, _ = pixels.shape
    _, _, depth, _, width = grid.shape
    tables = row_tables(grid, frames, rows)
    with torch.cuda.device_of(pixels):
        _render[(rows, triton.cdiv(columns, BLOCK), n)](
            pixels,
            out,
            tables,
            guide.contiguous(),
            frames.to(pixels.device, non_blocking=True),
            columns,
            *pixels.stride(),
            *out.stride(),
            WIDTH=width,
            DEPTH=depth,
            FULL_SCALE=FULL_SCALE[pixels.dtype],
            CLIP=clip or not pixels.dtype.is_floating_point,
            ROUND=not pixels.dtype.is_floating_point,
            BLOCK=BLOCK,
            enable_fp_fusion=True,
        )


@triton.jit
def _render(
    pixels,
    out,
    tables,
    guide,
    frames,
    columns,
    stride_n,
    stride_y,
    stride_x,
    stride_c,
    out_stride_n,
    out_stride_y,
    out_stride_x,
    out_stride_c,
    WIDTH: tl.constexpr,
    DEPTH: tl.constexpr,
    FULL_SCALE: tl.constexpr,
    CLIP: tl.constexpr,
    ROUND: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """A run of pixels of one row: guide, slice, apply."""
    y = tl.program_id(0).to(tl.int64)
    rows = tl.num_programs(0)
    n = tl.program_id(2).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = column < columns

    place = pixels + n * stride_n + y * stride_y + column.to(tl.int64) * stride_x
    red = tl.load(place, inside, 0).to(tl.float32) / FULL_SCALE
    green = tl.load(place + stride_c, inside, 0).to(tl.float32) / FULL_SCALE
    blue = tl.load(place + 2 * stride_c, inside, 0).to(tl.float32) / FULL_SCALE

    x = cell_coordinate(tl.load(frames + 4 * n + 1) + column, tl.load(frames + 4 * n + 3), WIDTH)
    z, _ = depth_coordinate(red, green, blue, guide, DEPTH)
    fraction_x = x - tl.floor(x)
    fraction_z = z - tl.floor(z)
    table = tables + (n * rows + y) * (WIDTH * DEPTH * 12)
    left_near, left_far, right_near, right_far = corners(table, x, z, WIDTH, DEPTH)

    target = out + n * out_stride_n + y * out_stride_y + column.to(tl.int64) * out_stride_x
    for c in tl.static_range(3):
        result = tl.zeros_like(red)
        for s in tl.static_range(4):
            near, far = near_and_far(
                left_near, left_far, right_near, right_far, fraction_x, 4 * c + s
            )
            coefficient = near + fraction_z * (far - near)
            if s == 0:
                result += coefficient * red
            elif s == 1:
                result += coefficient * green
            elif s == 2:
                result += coefficient * blue
            else:
                result += coefficient
        if CLIP:
            result = tl.minimum(tl.maximum(result, 0.0), 1.0)
        if ROUND:
            result = tl.floor(result * FULL_SCALE + 0.5)
        tl.store(target + c * out_stride_c, result.to(out.dtype.element_ty), inside)
