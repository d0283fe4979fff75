"""The way from integer pixels of a matrix profile to the model's colours and back, compiled.

The same as the NumPy of :mod:`fivefold.photo.model_space`, which is its oracle, in a quarter of the
time: a pass over rows with every curve made a table beforehand. A table holds a function at steps
of 2^-11 of each power of two of |x| + 2^-11, between which it is a straight line; that is as exact
as single precision.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.photo import colour, profile
from fivefold.photo.image import FULL_SCALE, Pixels

_native: Any
try:
    _native = import_module("fivefold._native")
except ImportError:
    _native = None

Curves = tuple[profile.Curve, profile.Curve, profile.Curve]
_Float32 = NDArray[np.float32]


def is_available() -> bool:
    """Whether the kernels were built."""
    return _native is not None


def to_model(pixels: Pixels, curves: Curves, matrix: NDArray[np.float64] | None) -> _Float32:
    """Pixels ``(H, W, 3)``, ``uint8`` or ``uint16``, to extended sRGB.

    Args:
        pixels: Coded by ``curves``.
        curves: From coded to linear red, green and blue.
        matrix: Linear RGB to linear sRGB; ``None`` where they are the same.
    """
    out = np.empty(pixels.shape, np.float32)
    _native.to_model(
        np.ascontiguousarray(pixels),
        out,
        _light(curves, pixels.dtype),
        _as_floats(matrix),
        _srgb_coding(),
        1,
    )
    return out


def from_model(
    srgb: _Float32, dtype: np.dtype[Any], curves: Curves, matrix: NDArray[np.float64] | None
) -> Pixels:
    """Extended sRGB ``(H, W, 3)`` to pixels, rounded and held in 0…1.

    Args:
        srgb: What :func:`to_model` returned, rendered.
        dtype: ``uint8`` or ``uint16``.
        curves: From coded to linear red, green and blue.
        matrix: Linear sRGB to linear RGB; ``None`` where they are the same.
    """
    out: Pixels = np.empty(srgb.shape, dtype)
    _native.from_model(
        np.ascontiguousarray(srgb), out, _srgb_light(), _as_floats(matrix), _coding(curves), 1
    )
    return out


def _as_floats(matrix: NDArray[np.float64] | None) -> _Float32:
    return np.ascontiguousarray(np.eye(3) if matrix is None else matrix, np.float32)


# Of one photo at a time, whose strips several threads ask for.
@lru_cache(maxsize=2)
def _light(curves: Curves, dtype: np.dtype[Any]) -> _Float32:
    codes = np.arange(np.iinfo(dtype).max + 1) / FULL_SCALE[dtype]
    return np.stack([curve.to_linear(codes).astype(np.float32) for curve in curves])


@lru_cache(maxsize=2)
def _coding(curves: Curves) -> _Float32:
    return np.stack([_tabulated(curve.to_coded) for curve in curves])


@lru_cache(maxsize=1)
def _srgb_coding() -> _Float32:
    return _tabulated(lambda light: colour.linear_to_srgb(_as_grey(light))[:, 0])


@lru_cache(maxsize=1)
def _srgb_light() -> _Float32:
    return _tabulated(lambda coded: colour.srgb_to_linear(_as_grey(coded))[:, 0])


def _as_grey(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.repeat(numbers[:, None], 3, axis=1)


def _tabulated(function: Callable[[NDArray[np.float64]], NDArray[Any]]) -> _Float32:
    """A function of numbers from 0 on, where ``csrc/colour_rows.h`` says."""
    per_octave: int = _native.CURVE_STEPS_PER_OCTAVE
    octaves: int = _native.CURVE_OCTAVES
    starts = _native.CURVE_SHIFT * 2.0 ** np.arange(octaves)
    steps = starts[:, None] * (1 + np.arange(per_octave) / per_octave)
    ends = np.append(steps.ravel(), 2 * starts[-1])
    return function(ends - _native.CURVE_SHIFT).astype(np.float32)
