"""Slicing: every pixel of the full-resolution photo takes its own transform from the grid."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def slice_grid(grid: Tensor, guide: Tensor) -> Tensor:
    """Ā_c[x,y] = Σ_{i,j,k} τ(s_x·x − i) τ(s_y·y − j) τ(d·g[x,y] − k) A_c[i,j,k] (PAPER section 2).

    Cell and pixel centres sit at +0.5 and indices are clamped at the edges, which is what
    ``grid_sample`` computes with ``align_corners=False`` and border padding.

    Args:
        grid: A, ``(N, 12, depth, rows, columns)``.
        guide: g, ``(N, H, W)`` in 0…1.

    Returns:
        Ā, ``(N, 12, H, W)``: the 3×4 transform of each pixel.
    """
    n, height, width = guide.shape
    y = (2 * torch.arange(height, dtype=guide.dtype, device=guide.device) + 1) / height - 1
    x = (2 * torch.arange(width, dtype=guide.dtype, device=guide.device) + 1) / width - 1
    places = torch.stack(
        (
            x.expand(n, height, width),
            y[:, None].expand(n, height, width),
            2 * guide - 1,
        ),
        dim=-1,
    )  # (N, H, W, 3), each in −1…1 across the grid
    sliced = functional.grid_sample(
        grid, places[:, None], mode="bilinear", padding_mode="border", align_corners=False
    )  # (N, 12, 1, H, W)
    return sliced[:, :, 0]


def apply_affine(transforms: Tensor, photo: Tensor) -> Tensor:
    """O_c = Ā_{4c+3} + Σ_c′ Ā_{4c+c′} φ_c′ (PAPER section 2).

    Args:
        transforms: Ā, ``(N, 12, H, W)``.
        photo: φ, ``(N, 3, H, W)``.

    Returns:
        O, ``(N, 3, H, W)``, not clipped.
    """
    n, _, height, width = transforms.shape
    rows = transforms.reshape(n, 3, 4, height, width)
    output: Tensor = (rows[:, :, :3] * photo[:, None]).sum(dim=2) + rows[:, :, 3]
    return output
