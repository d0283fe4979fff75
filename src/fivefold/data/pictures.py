"""The pictures of a set as training wants them: decoded sRGB, in memory where they fit."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.data.encoded import Encoded, decode
from fivefold.photo.image import FULL_SCALE
from fivefold.photo.model_space import model_space

KEEP_BYTES = 8 * 2**30
"""Pictures that need more memory than this are decoded anew each time."""

_SAMPLE = 16

Codes = NDArray[np.uint8] | NDArray[np.uint16]


class Pictures:
    """Decoded pictures, looked up by where their bytes lie.

    Args:
        pictures: Which; one that occurs several times is decoded once.
        keep_bytes: How much memory they may take together; whether they fit is judged by the
            first few.

    Raises:
        PhotoReadError: If one is missing or damaged. Those that are not kept are not looked at.
    """

    def __init__(self, pictures: Iterable[Encoded], keep_bytes: int = KEEP_BYTES) -> None:
        distinct = sorted(set(pictures), key=str)
        with ThreadPoolExecutor() as pool:
            first = list(pool.map(decode_srgb, distinct[:_SAMPLE]))
            size_bytes = sum(codes.nbytes for codes in first) / max(1, len(first)) * len(distinct)
            self.are_kept = size_bytes <= keep_bytes
            rest = pool.map(decode_srgb, distinct[_SAMPLE:]) if self.are_kept else ()
            self._kept = dict(zip(distinct, [*first, *rest], strict=False)) if self.are_kept else {}

    def __getitem__(self, picture: Encoded) -> Codes:
        """``(H, W, 3)`` sRGB codes, 8- or 16-bit as the file has them."""
        return self._kept[picture] if self.are_kept else decode_srgb(picture)


def decode_srgb(picture: Encoded) -> Codes:
    """A picture's sRGB codes ``(H, W, 3)``, of 8 bits if it has 8 and of 16 otherwise.

    Raises:
        PhotoReadError: If it is missing or damaged.
    """
    photo = decode(picture)
    pixels: NDArray[Any] = photo.pixels
    dtype = np.dtype(np.uint8 if pixels.dtype == np.uint8 else np.uint16)
    space = model_space(photo.icc_profile)
    if space is None and pixels.dtype == dtype:
        return pixels
    srgb = (pixels / FULL_SCALE[pixels.dtype]).astype(np.float32)
    if space is not None:
        srgb = space.to_model(srgb)
    codes: Codes = np.rint(np.clip(srgb, 0, 1) * FULL_SCALE[dtype]).astype(dtype)
    return codes
