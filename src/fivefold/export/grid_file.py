"""A photo's grid as bytes: the file ``photo.grid``, and what the HTTP API answers.

Little-endian throughout; docs/grid.md is the specification::

    4 bytes     the letters FFG1
    3 × uint32  depth, height and width of the grid
    float32     the guide: matrix (3 × 3, row c feeds curve c), matrix_bias (3),
                slopes (3 × 16), thresholds (3 × 16), bias (1)
    float32     coefficients, 12 × depth × height × width, the last index the fastest

:func:`texture_texels` and :func:`guide_block` lay the numbers out as the shaders in
``examples/shaders`` take them.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import DataError
from fivefold.kernels.grid import COEFFICIENTS, GUIDE_KNOTS, BilateralGrid, Guide

SUFFIX = ".grid"

_MAGIC = b"FFG1"
_HEADER = struct.Struct("<4s3I")
_SHAPES = {
    "matrix": (3, 3),
    "matrix_bias": (3,),
    "slopes": (3, GUIDE_KNOTS),
    "thresholds": (3, GUIDE_KNOTS),
    "bias": (),
}


def pack_grid(grid: BilateralGrid) -> bytes:
    """The bytes of a grid: 98,756 of them for the usual 12 × 8 × 16 × 16 coefficients."""
    arrays = [np.asarray(getattr(grid.guide, name)) for name in _SHAPES]
    arrays.append(grid.coefficients)
    numbers = [np.ascontiguousarray(array, "<f4").tobytes() for array in arrays]
    return b"".join([_HEADER.pack(_MAGIC, *grid.coefficients.shape[1:]), *numbers])


def unpack_grid(content: bytes) -> BilateralGrid:
    """The grid that :func:`pack_grid` made bytes of.

    Raises:
        ValueError: If it is not one, of another length, or holds numbers that are not finite.
    """
    if len(content) < _HEADER.size or not content.startswith(_MAGIC):
        raise ValueError("expected a grid that starts with FFG1")
    _, depth, height, width = _HEADER.unpack_from(content)
    counts = [int(np.prod(shape)) for shape in _SHAPES.values()]
    counts.append(COEFFICIENTS * depth * height * width)
    expected = _HEADER.size + 4 * sum(counts)
    if len(content) != expected:
        raise ValueError(f"a grid of this size has {expected} bytes, received {len(content)}")
    numbers = np.frombuffer(content, "<f4", offset=_HEADER.size).astype(np.float32)
    *guide, coefficients = np.split(numbers, np.cumsum(counts)[:-1])
    arrays = {
        name: part.reshape(shape)
        for (name, shape), part in zip(_SHAPES.items(), guide, strict=True)
    }
    bias = float(arrays.pop("bias"))
    return BilateralGrid(
        coefficients.reshape(COEFFICIENTS, depth, height, width), Guide(**arrays, bias=bias)
    )


def read_grid(path: str | os.PathLike[str]) -> BilateralGrid:
    """Read a ``.grid`` file.

    Raises:
        DataError: If it cannot be read, or is no grid.
    """
    try:
        return unpack_grid(Path(path).read_bytes())
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def texture_texels(grid: BilateralGrid) -> NDArray[np.float32]:
    """The coefficients as the texels of an RGBA texture in three dimensions.

    Returns:
        ``(3 · depth, height, width, 4)``: layer z + depth · c holds the four weights (red, green,
        blue, offset) of output channel c.
    """
    _, depth, height, width = grid.coefficients.shape
    channels = grid.coefficients.reshape(3, 4, depth, height, width)
    return np.ascontiguousarray(channels.transpose(0, 2, 3, 4, 1)).reshape(-1, height, width, 4)


def guide_block(guide: Guide) -> NDArray[np.float32]:
    """The guide as a shader's uniform block, by the rules of std140, WGSL and Metal alike.

    Returns:
        ``(36, 4)``: three rows of M with b′ behind them; for each of 16 knots its slope on the
        three curves; for each its threshold likewise; and b, first in the last row. What is left
        over is 0.
    """
    block = np.zeros((3 + 2 * GUIDE_KNOTS + 1, 4), np.float32)
    block[:3, :3] = guide.matrix
    block[:3, 3] = guide.matrix_bias
    block[3 : 3 + GUIDE_KNOTS, :3] = guide.slopes.T
    block[3 + GUIDE_KNOTS : -1, :3] = guide.thresholds.T
    block[-1, 0] = guide.bias
    return block
