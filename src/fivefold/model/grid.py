"""A, the prediction, and the bilateral grid that its numbers are read as."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fivefold.kernels.grid import COEFFICIENTS, identity_coefficients


class GridPrediction(nn.Module):
    """A_c[x,y] = b_c + Σ_c′ F_c′[x,y] w_cc′, read as A_{dc+z}[x,y] ↔ A_c[x,y,z] (PAPER section 1).

    Training starts at the identity: the bias holds the transform that changes nothing.

    Several styles are as many predictions from the same features. The output picture is linear in
    the grid and they share one guide, so that a weighted mean of their grids is the same mean of
    their pictures.

    Args:
        channels_in: Channels of F.
        depth: d, the cells along the guide.
        styles: How many grids are predicted.
    """

    def __init__(self, channels_in: int, depth: int, styles: int = 1) -> None:
        super().__init__()
        self.depth = depth
        self.styles = styles
        self.linear = nn.Conv2d(channels_in, styles * COEFFICIENTS * depth, 1)
        self.reset_to_identity()

    @torch.no_grad()
    def reset_to_identity(self) -> None:
        """Make every cell of the predicted grid nearly the identity transform."""
        nn.init.normal_(self.linear.weight, std=1e-3)
        bias = torch.from_numpy(identity_coefficients(self.depth, 1, 1)).flatten()
        assert self.linear.bias is not None
        self.linear.bias.copy_(bias.repeat(self.styles))

    def forward(self, fused: Tensor) -> Tensor:
        """From ``(N, channels_in, 16, 16)`` to grids ``(N·styles, 12, depth, 16, 16)``."""
        prediction: Tensor = self.linear(fused)  # (N, styles·12·depth, 16, 16)
        n, _, rows, columns = prediction.shape
        return prediction.reshape(n * self.styles, COEFFICIENTS, self.depth, rows, columns)
