"""The compiled kernels, with types.

Importing this module raises ``ImportError`` where they were not built;
:mod:`fivefold.kernels.engine` chooses what runs instead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import fivefold._native as _native
from fivefold.kernels.grid import BilateralGrid
from fivefold.photo.image import Pixels
from fivefold.photo.threads import available_threads

_Float32 = NDArray[np.float32]


def render(
    pixels: Pixels,
    grid: BilateralGrid,
    out: Pixels,
    *,
    first_row: int,
    height_px: int,
    clip: bool,
    threads: int | None,
) -> None:
    """Write the enhanced ``pixels`` to ``out``, which may be the same array.

    Arguments are those of :func:`fivefold.kernels.render`, which checks them. The samples of a row
    of either array lie next to each other; rows may be apart. The GIL is released meanwhile.
    """
    _native.render(
        pixels,
        out,
        *_numbers(grid),
        first_row,
        height_px,
        clip,
        threads or available_threads(),
    )


def arithmetic(grid: BilateralGrid, sample_bits: int) -> str:
    """What :func:`render` calculates in: ``"int16"``, ``"float64"`` or ``"portable"``."""
    return _native.arithmetic(*_numbers(grid), sample_bits)


def instruction_set() -> str:
    """What the kernels use of this processor."""
    return _native.instruction_set()


def thumbnail(
    pixels: Pixels, size_px: int = 256, *, threads: int | None = None
) -> NDArray[np.float32]:
    """The area average of :func:`fivefold.photo.resize.thumbnail`, compiled.

    The samples of a row of ``pixels`` lie next to each other; rows may be apart.
    """
    out = np.empty((size_px, size_px, 3), np.float32)
    _native.thumbnail(pixels, out, threads or available_threads())
    return out


def _numbers(grid: BilateralGrid) -> tuple[_Float32, _Float32, _Float32, _Float32, _Float32, float]:
    guide = grid.guide
    return (
        np.ascontiguousarray(grid.coefficients),
        np.ascontiguousarray(guide.matrix, np.float32),
        np.ascontiguousarray(guide.matrix_bias, np.float32),
        np.ascontiguousarray(guide.slopes, np.float32),
        np.ascontiguousarray(guide.thresholds, np.float32),
        guide.bias,
    )
