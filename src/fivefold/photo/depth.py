"""Changes of bit depth, and of transparency to none, on the way into a format that holds less."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.photo.image import FULL_SCALE, Photo, Pixels

_TYPES = {8: np.uint8, 16: np.uint16, 32: np.float32}


def with_bit_depth(photo: Photo, bit_depth: int) -> Photo:
    """The same photo at 8, 16 or 32 bits per channel, rounded to the nearest code."""
    if bit_depth not in _TYPES:
        raise ValueError(f"bit_depth must be 8, 16 or 32, received {bit_depth}")
    dtype = np.dtype(_TYPES[bit_depth])
    if photo.pixels.dtype == dtype:
        return photo
    alpha = None if photo.alpha is None else _converted(photo.alpha, dtype)
    return replace(photo, pixels=_converted(photo.pixels, dtype), alpha=alpha)


def _converted(pixels: Pixels, dtype: np.dtype[Any]) -> Pixels:
    """Rescale between full scales, row by row to spare memory."""
    gain = np.float64(FULL_SCALE[dtype] / FULL_SCALE[pixels.dtype])
    result: NDArray[Any] = np.empty(pixels.shape, dtype)
    for source, target in zip(pixels, result, strict=True):
        scaled = source * gain
        if dtype != np.float32:
            scaled = np.rint(np.clip(scaled, 0, FULL_SCALE[dtype]))
        target[...] = scaled
    return result


def over_white(photo: Photo) -> Photo:
    """The photo laid over white by its transparency."""
    if photo.alpha is None:
        return photo
    scale = np.float32(FULL_SCALE[photo.pixels.dtype])
    result: Pixels = np.empty_like(photo.pixels)
    for colours, alpha, target in zip(photo.pixels, photo.alpha, result, strict=True):
        opacity = (alpha / scale)[:, None]
        laid = colours * opacity + scale * (1 - opacity)
        target[...] = laid if result.dtype == np.float32 else np.rint(laid)
    return replace(photo, pixels=result, alpha=None)
