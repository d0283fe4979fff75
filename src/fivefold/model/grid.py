"""A, the prediction, and the bilateral grid that its numbers are read as."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fivefold.kernels.grid import COEFFICIENTS


class GridPrediction(nn.Module):
    """A_c[x,y] = b_c + Σ_c′ F_c′[x,y] w_cc′, read as A_{dc+z}[x,y] ↔ A_c[x,y,z] (PAPER section 1).

    Training starts at the identity: the bias holds the transform that changes nothing.

    Args:
        channels_in: Channels of F.
        depth: d, the cells along the guide.
    """

    def __init__(self, channels_in: int, depth: int) -> None:
        super().__init__()
        self.depth = depth
        self.linear = nn.Conv2d(channels_in, COEFFICIENTS * depth, 1)
        self.reset_to_identity()

    @torch.no_grad()
    def reset_to_identity(self) -> None:
        """Make every cell of the predicted grid nearly the identity transform."""
        nn.init.normal_(self.linear.weight, std=1e-3)
        bias = torch.zeros(COEFFICIENTS, self.depth)
        bias[[0, 5, 10]] = 1.0
        assert self.linear.bias is not None
        self.linear.bias.copy_(bias.flatten())

    def forward(self, fused: Tensor) -> Tensor:
        """From ``(N, channels_in, 16, 16)`` to a grid ``(N, 12, depth, 16, 16)``."""
        prediction: Tensor = self.linear(fused)  # (N, 12·depth, 16, 16)
        n, _, rows, columns = prediction.shape
        return prediction.reshape(n, COEFFICIENTS, self.depth, rows, columns)
