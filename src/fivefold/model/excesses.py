"""Statistics of a thumbnail's colours: by how much they lie above levels, on the mean."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_STRIDE_PX = 8  # of all the thumbnail's pixels, one in 64 tells nearly as much


def mean_excesses(thumbnail: Tensor, directions: Tensor, offsets: Tensor) -> Tensor:
    """Means of max(d·φ + o, 0) over the pixels φ of pictures.

    Args:
        thumbnail: ``(N, 3, 256, 256)`` sRGB in 0…1.
        directions: d, ``(measures, 3, 1, 1)``.
        offsets: o, ``(measures,)``.

    Returns:
        ``(N, measures)``.
    """
    excesses = functional.conv2d(thumbnail, directions, offsets, stride=_STRIDE_PX)
    return torch.relu(excesses).mean((2, 3))
