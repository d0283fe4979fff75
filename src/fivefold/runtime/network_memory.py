"""What one call of a network leaves to the next, and pictures that lie in it.

In memory the channels of a pixel lie next to each other, in a border of zeros; fresh memory would
take the system a while.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float32]
Shape: TypeAlias = tuple[int, ...]
Memory: TypeAlias = dict[tuple[str, int], Array]
"""By name and border."""

AS_ONNX = -1
"""In place of a border, for what does not lie in rows, columns and channels."""


def bordered(memory: Memory, name: str, shape: Shape, border: int) -> Array:
    """Rows, columns and channels in a border of zeros, with what the call before left inside."""
    height, width, channels = shape
    if (name, border) not in memory:
        laid = np.zeros((height + 2 * border, width + 2 * border, channels), np.float32)
        memory[name, border] = laid
    return memory[name, border]


def inside(laid: Array, border: int) -> Array:
    """What such a border surrounds."""
    height, width, _ = laid.shape
    return laid[border : height - border, border : width - border]


def cropped(picture: Array, border: int) -> Array:
    """The same of a picture as ONNX has it, with rows and columns last."""
    *_, height, width = picture.shape
    return picture[..., border : height - border, border : width - border]
