"""The gradient of the full-resolution pass, the same bits every time.

The pixels between four cell centres (a patch) read 4·d entries of the grid and no others. A patch
is the unit of work: what its pixels add to an entry is a sum over pixels of weight times colour
times gradient, which is a product of two small matrices. No two programs write to one place, and
what the patches have in common is added up afterwards in a fixed order.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from fivefold.kernels.triton.shared import (
    KNOTS,
    SLOPES,
    THRESHOLDS,
    cell_coordinate,
    corners,
    curve_input,
    depth_coordinate,
    near_and_far,
    row_tables,
)

GUIDE_BLOCK = 128
GUIDE_PIXELS = 4096  # that one program of the guide's gradient adds up


def render_backward(
    grad_output: Tensor,
    photo: Tensor,
    grid: Tensor,
    guide: Tensor,
    frames: Tensor,
    needs_photo: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """From dL/dO to dL/dφ, dL/dA and dL/d(M, b′, a, t, b).

    Args:
        grad_output: ``(N, 3, H, W)`` float32.
        photo: φ, ``(N, 3, H, W)`` float32 sRGB in 0…1.
        grid: A, ``(N, 12, depth, rows, columns)`` float32.
        guide: The 109 numbers of :func:`fivefold.kernels.triton.forward.pack_guide`.
        frames: ``(N, 4)``, on the CPU: where each crop lies.
        needs_photo: Whether dL/dφ is wanted; it is empty without.

    Returns:
        Gradients of photo, grid and guide, each of its shape.
    """
    photo, guide, grad_output = photo.contiguous(), guide.contiguous(), grad_output.contiguous()
    n, _, rows, columns = photo.shape
    _, _, depth, height, width = grid.shape
    grad_photo = torch.empty_like(photo) if needs_photo else photo.new_empty(0)
    grad_g = torch.empty_like(photo[:, 0])
    levels = max(8, triton.next_power_of_2(depth))
    block = min(128, max(16, triton.next_power_of_2(columns // width)))
    patches = photo.new_empty(n, height + 1, width + 1, 2, 2, levels, 16)
    with torch.cuda.device_of(photo):
        _backward_patch[(width + 1, height + 1, n)](
            grad_output,
            photo,
            row_tables(grid, frames, rows),
            guide,
            frames.to(photo.device, non_blocking=True),
            patch_edges(frames[:, 0], frames[:, 2], rows, height).to(photo.device),
            patch_edges(frames[:, 1], frames[:, 3], columns, width).to(photo.device),
            patches,
            grad_g,
            grad_photo,
            rows,
            columns,
            rows * columns,
            HEIGHT=height,
            WIDTH=width,
            DEPTH=depth,
            LEVELS=levels,
            NEEDS_PHOTO=needs_photo,
            BLOCK=block,
            num_warps=max(1, block // 32),
            num_stages=1,  # a run of pixels is short: nothing to prefetch
            enable_fp_fusion=True,
        )
        programs = triton.cdiv(n * rows * columns, GUIDE_PIXELS)
        sums = photo.new_zeros(programs, 3, 40)
        _backward_guide[(programs, 3)](
            grad_g,
            photo,
            guide,
            sums,
            n * rows * columns,
            rows * columns,
            PIXELS=GUIDE_PIXELS,
            BLOCK=GUIDE_BLOCK,
            num_stages=1,
            enable_fp_fusion=True,
        )
    return grad_photo, _add_patches(patches[..., :depth, :12]), _guide_gradient(sums, guide)


def patch_edges(first: Tensor, full_size: Tensor, pixels: int, cells: int) -> Tensor:
    """Where the pixels between two cell centres begin, exactly, for every sample.

    Pixel x of the photo lies beyond the centre of cell i − 1 when (x + 0.5)·cells/size − 0.5 ≥
    i − 1; in whole numbers, when x ≥ ((2i − 1)·size − cells) / (2·cells).

    Args:
        first: ``(N,)``, the pixel of the photo at which each crop begins.
        full_size: ``(N,)``, pixels of each photo.
        pixels: Of the crops.
        cells: Of the grid.

    Returns:
        ``(N, cells + 2)`` int32, in pixels of the crop, from 0 to ``pixels``.
    """
    odd = 2 * torch.arange(cells + 2) - 1
    beyond = odd * full_size[:, None] - cells
    edges = -torch.div(-beyond, 2 * cells, rounding_mode="floor") - first[:, None]
    edges = edges.clamp(0, pixels)
    edges[:, 0], edges[:, -1] = 0, pixels
    return edges.int()


def _add_patches(patches: Tensor) -> Tensor:
    """From ``(N, height + 1, width + 1, 2, 2, depth, 12)`` to the gradient of the grid.

    Patch (j, i) lies between rows j − 1 and j and columns i − 1 and i of cells; those before the
    first and after the last are the same as these.
    """
    n, patches_y, patches_x, _, _, depth, coefficients = patches.shape
    cells = patches.new_zeros(n, patches_y + 1, patches_x + 1, depth, coefficients)
    for y in range(2):
        for x in range(2):
            cells[:, y : y + patches_y, x : x + patches_x] += patches[:, :, :, y, x]
    cells[:, 1] += cells[:, 0]
    cells[:, -2] += cells[:, -1]
    cells[:, :, 1] += cells[:, :, 0]
    cells[:, :, -2] += cells[:, :, -1]
    return cells[:, 1:-1, 1:-1].permute(0, 4, 3, 1, 2).contiguous()


def _guide_gradient(sums: Tensor, guide: Tensor) -> Tensor:
    """From what the programs added up, ``(programs, 3, 40)``, to the 109 numbers' gradient."""
    total = sums.double().sum(0)
    slopes, thresholds = total[:, :16], total[:, 16:32]
    parts = (total[:, 32:35], total[:, 35], slopes, thresholds, total[:1, 36])
    return torch.cat([part.flatten() for part in parts]).to(guide.dtype)


@triton.jit
def _backward_patch(
    grad_output,
    photo,
    tables,
    guide,
    frames,
    edges_y,
    edges_x,
    patches,
    grad_g,
    grad_photo,
    rows,
    columns,
    plane,
    HEIGHT: tl.constexpr,
    WIDTH: tl.constexpr,
    DEPTH: tl.constexpr,
    LEVELS: tl.constexpr,
    NEEDS_PHOTO: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """A patch: its pixels' dL/dg and dL/dφ, and its part of dL/dA."""
    patch_x = tl.program_id(0)
    patch_y = tl.program_id(1)
    n = tl.program_id(2).to(tl.int64)
    first_row = tl.load(frames + 4 * n)
    first_column = tl.load(frames + 4 * n + 1)
    height_px = tl.load(frames + 4 * n + 2)
    width_px = tl.load(frames + 4 * n + 3)
    begin_y = tl.load(edges_y + n * (HEIGHT + 2) + patch_y)
    end_y = tl.load(edges_y + n * (HEIGHT + 2) + patch_y + 1)
    begin_x = tl.load(edges_x + n * (WIDTH + 2) + patch_x)
    end_x = tl.load(edges_x + n * (WIDTH + 2) + patch_x + 1)
    left_cell = tl.maximum(patch_x - 1, 0)
    upper_cell = tl.maximum(patch_y - 1, 0)

    level = tl.arange(0, 2 * LEVELS) % LEVELS  # the left cell's levels, then the right one's
    is_right = tl.arange(0, 2 * LEVELS) >= LEVELS
    m = tl.arange(0, 16)  # the coefficients, and four that stay 0
    channel_out = m // 4
    channel_in = m % 4
    upper = tl.zeros((2 * LEVELS, 16), tl.float32)
    lower = tl.zeros((2 * LEVELS, 16), tl.float32)

    for y in range(begin_y, end_y):
        along_y = cell_coordinate(first_row + y, height_px, HEIGHT) - upper_cell
        row = n * 3 * plane + y * columns
        table = tables + (n * rows + y) * (WIDTH * DEPTH * 12)
        for start in range(begin_x, end_x, BLOCK):
            column = start + tl.arange(0, BLOCK)
            inside = column < end_x
            place = row + column
            red = tl.load(photo + place, inside, 0.0)
            green = tl.load(photo + place + plane, inside, 0.0)
            blue = tl.load(photo + place + 2 * plane, inside, 0.0)
            grad_red = tl.load(grad_output + place, inside, 0.0)
            grad_green = tl.load(grad_output + place + plane, inside, 0.0)
            grad_blue = tl.load(grad_output + place + 2 * plane, inside, 0.0)

            x = cell_coordinate(first_column + column, width_px, WIDTH)
            z, moves = depth_coordinate(red, green, blue, guide, DEPTH)
            fraction_x = x - left_cell
            fraction_z = z - tl.floor(z)
            left_near, left_far, right_near, right_far = corners(table, x, z, WIDTH, DEPTH)
            along_z = tl.zeros_like(red)  # dL/dz
            to_red = tl.zeros_like(red)  # dL/dφ, for as long as the guide stays
            to_green = tl.zeros_like(red)
            to_blue = tl.zeros_like(red)
            for c in tl.static_range(3):
                if c == 0:
                    gradient = grad_red
                elif c == 1:
                    gradient = grad_green
                else:
                    gradient = grad_blue
                for s in tl.static_range(4):
                    near, far = near_and_far(
                        left_near, left_far, right_near, right_far, x - tl.floor(x), 4 * c + s
                    )
                    coefficient = near + fraction_z * (far - near)
                    if s == 0:
                        along_z += (far - near) * gradient * red
                        to_red += coefficient * gradient
                    elif s == 1:
                        along_z += (far - near) * gradient * green
                        to_green += coefficient * gradient
                    elif s == 2:
                        along_z += (far - near) * gradient * blue
                        to_blue += coefficient * gradient
                    else:
                        along_z += (far - near) * gradient
            to_g = tl.where(moves, along_z, 0.0) * DEPTH
            tl.store(grad_g + n * plane + y * columns + column, to_g, inside)

            if NEEDS_PHOTO:
                for c in tl.static_range(3):
                    u = curve_input(red, green, blue, guide, c)
                    steepness = tl.zeros_like(u)  # ρ_c′(u)
                    for i in tl.static_range(KNOTS):
                        threshold = tl.load(guide + THRESHOLDS + KNOTS * c + i)
                        slope = tl.load(guide + SLOPES + KNOTS * c + i)
                        steepness += tl.where(u > threshold, slope, 0.0)
                    to_u = to_g * steepness / 3
                    to_red += tl.load(guide + 3 * c) * to_u
                    to_green += tl.load(guide + 3 * c + 1) * to_u
                    to_blue += tl.load(guide + 3 * c + 2) * to_u
                tl.store(grad_photo + place, to_red, inside)
                tl.store(grad_photo + place + plane, to_green, inside)
                tl.store(grad_photo + place + 2 * plane, to_blue, inside)

            # τ along x and z, (levels of both cells, pixels), and the outer product of gradient
            # and colour, (pixels, coefficients).
            across = tl.where(is_right[:, None], fraction_x[None, :], 1.0 - fraction_x[None, :])
            tent = tl.maximum(1.0 - tl.abs(z[None, :] - level[:, None]), 0.0)
            gradient = tl.where(
                channel_out[None, :] == 0,
                grad_red[:, None],
                tl.where(
                    channel_out[None, :] == 1,
                    grad_green[:, None],
                    tl.where(channel_out[None, :] == 2, grad_blue[:, None], 0.0),
                ),
            )
            colour = tl.where(
                channel_in[None, :] == 0,
                red[:, None],
                tl.where(
                    channel_in[None, :] == 1,
                    green[:, None],
                    tl.where(channel_in[None, :] == 2, blue[:, None], 1.0),
                ),
            )
            part = tl.dot(across * tent, gradient * colour, input_precision="ieee")
            upper += (1.0 - along_y) * part
            lower += along_y * part

    size = 2 * LEVELS * 16
    patch = ((n * (HEIGHT + 1) + patch_y) * (WIDTH + 1) + patch_x) * (2 * size)
    entry = tl.arange(0, 2 * LEVELS)[:, None] * 16 + m[None, :]
    tl.store(patches + patch + entry, upper)
    tl.store(patches + patch + size + entry, lower)


@triton.jit
def _backward_guide(
    grad_g,
    photo,
    guide,
    sums,
    pixels,
    plane,
    PIXELS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """What a run of pixels adds to the gradient of curve c: a, t, M_c, b′_c, and of b."""
    c = tl.program_id(1)
    first = tl.program_id(0).to(tl.int64) * PIXELS
    knot = tl.arange(0, KNOTS)
    slope = tl.load(guide + SLOPES + KNOTS * c + knot)
    threshold = tl.load(guide + THRESHOLDS + KNOTS * c + knot)
    to_slopes = tl.zeros((KNOTS,), tl.float32)
    to_thresholds = tl.zeros((KNOTS,), tl.float32)
    to_red = tl.zeros((BLOCK,), tl.float32)
    to_green = tl.zeros((BLOCK,), tl.float32)
    to_blue = tl.zeros((BLOCK,), tl.float32)
    to_matrix_bias = tl.zeros((BLOCK,), tl.float32)
    to_bias = tl.zeros((BLOCK,), tl.float32)
    for start in range(first, tl.minimum(first + PIXELS, pixels), BLOCK):
        pixel = start + tl.arange(0, BLOCK)
        inside = pixel < pixels
        place = pixel // plane * 3 * plane + pixel % plane
        red = tl.load(photo + place, inside, 0.0)
        green = tl.load(photo + place + plane, inside, 0.0)
        blue = tl.load(photo + place + 2 * plane, inside, 0.0)
        to_g = tl.load(grad_g + pixel, inside, 0.0)
        u = curve_input(red, green, blue, guide, c)
        beyond = u[:, None] - threshold[None, :]
        is_beyond = beyond > 0.0
        to_curve = to_g[:, None] / 3
        to_slopes += tl.sum(tl.where(is_beyond, to_curve * beyond, 0.0), axis=0)
        to_thresholds -= slope * tl.sum(tl.where(is_beyond, to_curve, 0.0), axis=0)
        to_u = to_g / 3 * tl.sum(tl.where(is_beyond, slope[None, :], 0.0), axis=1)
        to_red += to_u * red
        to_green += to_u * green
        to_blue += to_u * blue
        to_matrix_bias += to_u
        to_bias += to_g
    row = sums + (tl.program_id(0) * 3 + c) * 40
    tl.store(row + knot, to_slopes)
    tl.store(row + KNOTS + knot, to_thresholds)
    tl.store(row + 2 * KNOTS, tl.sum(to_red, axis=0))
    tl.store(row + 2 * KNOTS + 1, tl.sum(to_green, axis=0))
    tl.store(row + 2 * KNOTS + 2, tl.sum(to_blue, axis=0))
    tl.store(row + 2 * KNOTS + 3, tl.sum(to_matrix_bias, axis=0))
    tl.store(row + 2 * KNOTS + 4, tl.sum(to_bias, axis=0))
