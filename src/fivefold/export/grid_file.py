"""A photo's grid as bytes: the file ``photo.grid``, and what the HTTP API answers.

Little-endian throughout; docs/export.md is the specification::

    4 bytes     the letters FFG1
    3 × uint32  depth, height and width of the grid
    float32     the guide: matrix (3 × 3, row c feeds curve c), matrix_bias (3),
                slopes (3 × 16), thresholds (3 × 16), bias (1)
    float32     coefficients, 12 × depth × height × width, the last index the fastest
"""

from __future__ import annotations

import struct

import numpy as np

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
