"""W, the white point: what is white stays white. Not of the paper.

A network that learned from photos in which little is white leaves whites grey, and with a tint of
their own: one in 200 of the pixels that it learned from is white, and its mean error hardly shows
there. People see it at once. So what is missing to white, in the transforms of the brightest depth,
is added to them; and of its tint a half to those of the depth below, for what is nearly white.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fivefold.kernels.grid import COEFFICIENTS

_TINT_BELOW = 0.5


class WhitePoint(nn.Module):
    """From grids to grids whose brightest transforms leave white white, or make it brighter.

    Nothing in it learns.

    Args:
        depth: d, the cells of the grid along the guide; 2 or more.
    """

    of_white: Tensor
    spread: Tensor

    def __init__(self, depth: int = 8) -> None:
        super().__init__()
        # Of the grid's numbers in one row: coefficient 4c + k of depth z is number d (4c + k) + z.
        of_white = torch.zeros(3, 3, 4, depth)
        spread = torch.zeros(3, 4, depth, 3)
        channels = torch.eye(3)
        for c in range(3):
            of_white[c, c, :, -1] = 1.0  # white is (1, 1, 1), and an affine transform of it a sum
            spread[c, 3, -1] = channels[c]
            spread[c, 3, -2] = _TINT_BELOW * (channels[c] - 1 / 3)
        self.register_buffer("of_white", of_white.reshape(3, COEFFICIENTS * depth))
        self.register_buffer("spread", spread.reshape(COEFFICIENTS * depth, 3))

    def forward(self, grid: Tensor) -> Tensor:
        """From ``(N, 12, depth, rows, columns)`` to the same."""
        n, _, depth, rows, columns = grid.shape
        numbers = grid.reshape(n, COEFFICIENTS * depth, rows * columns)
        missing = torch.relu(1 - self.of_white @ numbers)  # (N, 3, rows·columns)
        return (numbers + self.spread @ missing).reshape(grid.shape)
