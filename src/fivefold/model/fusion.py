"""F, the fusion: each place of the local path, seen in the light of the whole photo."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Fusion(nn.Module):
    """F_c[x,y] = σ( b_c + Σ w′_cc′ G_c′ + Σ w_cc′ L_c′[x,y] ) (PAPER section 1).

    Args:
        local_width: Channels of L.
        global_width: Features of G.
        width: Channels of F.
    """

    def __init__(self, local_width: int, global_width: int, width: int) -> None:
        super().__init__()
        self.of_local = nn.Conv2d(local_width, width, 1)  # w and b
        self.of_global = nn.Linear(global_width, width, bias=False)  # w′

    def forward(self, local: Tensor, scene: Tensor) -> Tensor:
        """From ``(N, local_width, 16, 16)`` and ``(N, global_width)`` to ``(N, width, 16, 16)``."""
        everywhere = self.of_global(scene)[:, :, None, None]  # (N, C, 1, 1)
        return torch.relu(self.of_local(local) + everywhere)
