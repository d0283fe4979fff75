"""g, the guide: a learned brightness that says which depth of the grid a pixel reads."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fivefold.kernels.grid import Guide


class GuideMap(nn.Module):
    """g = clip( b + 1/3 Σ_c ρ_c(M_cᵀ·φ + b′_c), 0, 1 ), ρ_c(u) = Σ_i a_{c,i} max(u − t_{c,i}, 0).

    Starts as the identity on grey: g is the mean of the channels (PAPER section 2).

    Args:
        uniform_knots: Keep the thresholds t at i/16 instead of learning them, a special case that
            the compiled kernels evaluate faster.
    """

    def __init__(self, *, uniform_knots: bool = False) -> None:
        super().__init__()
        start = Guide.identity()
        self.matrix = nn.Parameter(torch.from_numpy(start.matrix))  # M, row c feeds curve c
        self.matrix_bias = nn.Parameter(torch.from_numpy(start.matrix_bias))  # b′
        self.slopes = nn.Parameter(torch.from_numpy(start.slopes))  # a
        self.thresholds = nn.Parameter(
            torch.from_numpy(start.thresholds), requires_grad=not uniform_knots
        )  # t
        self.bias = nn.Parameter(torch.tensor(start.bias))  # b

    def forward(self, photo: Tensor) -> Tensor:
        """From ``(N, 3, H, W)`` sRGB in 0…1 to ``(N, H, W)`` in 0…1."""
        mixed = torch.einsum("cd,ndhw->nchw", self.matrix, photo)
        mixed = mixed + self.matrix_bias[:, None, None]
        curves = torch.zeros_like(mixed)
        for slope, threshold in zip(self.slopes.T, self.thresholds.T, strict=True):
            curves = curves + slope[:, None, None] * torch.relu(mixed - threshold[:, None, None])
        return torch.clamp(self.bias + curves.mean(dim=1), 0.0, 1.0)

    def as_plain(self) -> Guide:
        """The same guide for the kernels, without torch."""
        arrays = {
            name: getattr(self, name).detach().float().cpu().numpy().copy()
            for name in ("matrix", "matrix_bias", "slopes", "thresholds")
        }
        return Guide(**arrays, bias=self.bias.item())
