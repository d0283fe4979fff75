"""Statistics of a thumbnail's colours: by how much they lie above levels, on the mean."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_STRIDE_PX = 8


def few_pixels(thumbnail: Tensor) -> Tensor:
    """One pixel in 64, ``(N, 3, 32, 32)``, which tell nearly as much of the colours as all."""
    return thumbnail[:, :, ::_STRIDE_PX, ::_STRIDE_PX]


def mean_excesses(pixels: Tensor, directions: Tensor, offsets: Tensor) -> Tensor:
    """Means of max(d·φ + o, 0) over the pixels φ of pictures.

    Args:
        pixels: ``(N, 3, rows, columns)`` sRGB in 0…1.
        directions: d, ``(measures, 3, 1, 1)``.
        offsets: o, ``(measures,)``.

    Returns:
        ``(N, measures)``.
    """
    return torch.relu(functional.conv2d(pixels, directions, offsets)).mean((2, 3))
