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


def from_bits(codes: NDArray[Any], bits: int) -> NDArray[Any]:
    """Codes of 1 to 16 bits as ``uint8`` (up to 8 bits) or ``uint16``, full scale to full scale."""
    return from_full_scale(codes, 2**bits - 1)


def from_full_scale(codes: NDArray[Any], maximum: int) -> NDArray[Any]:
    """Codes of 0…``maximum`` as ``uint8`` (up to 255) or ``uint16``, full scale to full scale."""
    target = np.uint8 if maximum <= 255 else np.uint16
    if maximum == np.iinfo(target).max:
        return codes.astype(target, copy=False)
    table = np.rint(np.arange(maximum + 1) * (np.iinfo(target).max / maximum))
    return np.take(table.astype(target), codes, mode="clip")


def to_bits(pixels: NDArray[Any], bits: int) -> NDArray[Any]:
    """``uint8`` or ``uint16`` to the nearest code of fewer bits; undone by :func:`from_bits`."""
    full = np.iinfo(pixels.dtype).max
    if full == 2**bits - 1:
        return pixels
    table = np.rint(np.arange(full + 1) * ((2**bits - 1) / full))
    return np.take(table.astype(pixels.dtype), pixels)
