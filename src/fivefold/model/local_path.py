"""L, the local path: keeps the place of things, so that neighbouring regions may differ."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from fivefold.model.layers import convolution


class LocalPath(nn.Module):
    """n_L convolutions of stride 1 on S; the last is linear and not normalised (PAPER section 1).

    Args:
        channels_in: Channels of S.
        widths: Channels of L¹…Lⁿᴸ.
    """

    def __init__(self, channels_in: int, widths: Sequence[int]) -> None:
        super().__init__()
        inputs = (channels_in, *widths[:-1])
        last = len(widths) - 1
        self.layers = nn.Sequential(
            *(
                convolution(before, after, normalised=i < last, rectified=i < last)
                for i, (before, after) in enumerate(zip(inputs, widths, strict=True))
            )
        )

    def forward(self, features: Tensor) -> Tensor:
        """From ``(N, channels_in, 16, 16)`` to ``(N, widths[-1], 16, 16)``."""
        local: Tensor = self.layers(features)
        return local
