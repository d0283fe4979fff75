"""G, the global path: what kind of scene it is and how it is lit, one vector for the photo."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from fivefold.model.layers import convolution, fully_connected


class GlobalPath(nn.Module):
    """Convolutions of stride 2 on S, then fully connected layers; the last is linear (section 1).

    Args:
        channels_in: Channels of S.
        size_in: Height and width of S, in cells.
        convolution_widths: Channels of the stride-2 convolutions.
        connected_widths: Features of the fully connected layers.
    """

    def __init__(
        self,
        channels_in: int,
        size_in: int,
        convolution_widths: Sequence[int],
        connected_widths: Sequence[int],
    ) -> None:
        super().__init__()
        channels = (channels_in, *convolution_widths)
        self.convolutions = nn.Sequential(
            *(
                convolution(before, after, stride=2)
                for before, after in itertools.pairwise(channels)
            )
        )
        size_out = size_in // 2 ** len(convolution_widths)
        features = (channels[-1] * size_out**2, *connected_widths)
        last = len(connected_widths) - 1
        self.connected = nn.Sequential(
            *(
                fully_connected(before, after, normalised=i < last, rectified=i < last)
                for i, (before, after) in enumerate(itertools.pairwise(features))
            )
        )

    def forward(self, features: Tensor) -> Tensor:
        """From ``(N, channels_in, size_in, size_in)`` to ``(N, connected_widths[-1])``."""
        scene = self.convolutions(features)  # (N, C, 4, 4)
        vector: Tensor = self.connected(scene.flatten(1))
        return vector
