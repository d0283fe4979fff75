"""What training makes small."""

from __future__ import annotations

from torch import Tensor


def masked_mse(output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error of one photo, over the masked pixels and three channels (the L2 loss).

    Args:
        output: ``(3, H, W)`` sRGB.
        target: ``(3, H, W)`` sRGB.
        mask: ``(H, W)``, 1 where a pixel counts. A mask of nothing gives 0.
    """
    squared = (output - target).square() * mask
    return squared.sum() / (3 * mask.sum()).clamp(min=1)


def root(errors: Tensor) -> Tensor:
    """Root mean squared errors of mean squared ones, with a finite slope at 0.

    Args:
        errors: ``(N,)``, of values in 0…1.
    """
    return (errors + 1e-6).sqrt()  # a quarter of an 8-bit code


def grid_roughness(grid: Tensor) -> Tensor:
    """Mean squared difference between cells that are neighbours in the picture.

    Args:
        grid: ``(N, 12, depth, rows, columns)``.
    """
    down = (grid[..., 1:, :] - grid[..., :-1, :]).square().mean()
    across = (grid[..., 1:] - grid[..., :-1]).square().mean()
    return down + across
