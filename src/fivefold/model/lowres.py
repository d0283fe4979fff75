"""S, the low-level features: what a small copy of the photo looks like, 16 times reduced."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from fivefold.model.layers import convolution


class LowLevelFeatures(nn.Module):
    """Sⁱ = σ(bⁱ + wⁱ ∗ Sⁱ⁻¹), stride 2, i = 1…n_S (PAPER section 1).

    Args:
        widths: Channels of S¹…Sⁿˢ. The first layer is not normalised.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        inputs = (3, *widths[:-1])
        self.layers = nn.Sequential(
            *(
                convolution(before, after, stride=2, normalised=i > 0)
                for i, (before, after) in enumerate(zip(inputs, widths, strict=True))
            )
        )

    def forward(self, thumbnail: Tensor) -> Tensor:
        """From ``(N, 3, 256, 256)`` sRGB in 0…1 to ``(N, widths[-1], 16, 16)``."""
        features: Tensor = self.layers(thumbnail)
        return features
