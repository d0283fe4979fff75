"""Netpbm's PBM, PGM and PPM: plain and binary, 1 to 16 bits; they hold nothing but pixels.

Source: the format descriptions of Netpbm (pbm, pgm, ppm).
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import PhotoReadError, PhotoWriteError
from fivefold.photo import profile
from fivefold.photo.depth import from_full_scale
from fivefold.photo.image import Photo
from fivefold.photo.limits import Limits
from fivefold.photo.metadata import Decoded, stored_channels, to_photo

MAGICS = (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")
_NUMBER = re.compile(rb"(?:\s|#[^\n]*\n)*(\d{1,9})")


def is_netpbm(head: bytes) -> bool:
    """Whether a file that starts like this is a PBM, PGM or PPM."""
    return head[:2] in MAGICS and head[2:3].isspace()


def read(data: bytes, limits: Limits) -> Photo:
    """Decode the first picture of a file.

    Raises:
        PhotoReadError: If it is truncated or damaged.
    """
    kind = data[1] - ord("0")
    numbers, at = [], 2
    for _ in range(2 if kind in (1, 4) else 3):
        match = _NUMBER.match(data, at)
        if match is None:
            raise PhotoReadError("damaged Netpbm file: incomplete header")
        numbers.append(int(match[1]))
        at = match.end()
    width_px, height_px = numbers[:2]
    maximum = numbers[2] if len(numbers) > 2 else 1
    if 0 in (width_px, height_px) or not 1 <= maximum <= 65535:
        raise PhotoReadError(f"damaged Netpbm file: size {width_px} × {height_px}, {maximum}")
    shape = (height_px, width_px, 3 if kind in (3, 6) else 1)
    limits.check(width_px, height_px, shape[2] * (1 if maximum <= 255 else 2))
    body = memoryview(data)[at + 1 if kind > 3 else at :]
    values = _bits(body, shape) if kind == 4 else _values(body, shape, kind, maximum)
    if kind in (1, 4):  # a set bit is black
        values = 1 - values
    return to_photo(Decoded(from_full_scale(values, maximum)), "PPM", orientation=1)


def _values(
    body: memoryview, shape: tuple[int, int, int], kind: int, maximum: int
) -> NDArray[np.unsignedinteger[Any]]:
    count = shape[0] * shape[1] * shape[2]
    if kind <= 3:
        text = re.sub(rb"#[^\n]*", b" ", body.tobytes())
        if kind == 1:  # plain bits need no space between them
            text = b" ".join(re.findall(rb"[01]", text))
        try:
            numbers = np.array(text.split(maxsplit=count)[:count], np.uint32)
        except (ValueError, OverflowError) as error:
            raise PhotoReadError("damaged Netpbm file: not a number") from error
        values: NDArray[np.unsignedinteger[Any]] = numbers.astype(np.uint16)
        if len(numbers) and numbers.max() > maximum:
            raise PhotoReadError(f"damaged Netpbm file: a value above {maximum}")
    else:
        dtype = np.dtype(">u2" if maximum > 255 else "u1")
        held = len(body) // dtype.itemsize
        values = np.frombuffer(body, dtype, min(count, held)).astype(dtype.newbyteorder("="))
    if len(values) < count:
        raise PhotoReadError("damaged Netpbm file: truncated")
    return values.reshape(shape)


def _bits(body: memoryview, shape: tuple[int, int, int]) -> NDArray[np.uint16]:
    row_bytes = -(-shape[1] // 8)
    packed = np.frombuffer(body[: shape[0] * row_bytes], np.uint8)
    if len(packed) < shape[0] * row_bytes:
        raise PhotoReadError("damaged Netpbm file: truncated")
    rows = np.unpackbits(packed.reshape(shape[0], row_bytes), axis=1)[:, : shape[1]]
    return rows.astype(np.uint16).reshape(shape)


def encode(photo: Photo) -> list[bytes]:
    """Code an 8- or 16-bit photo as binary PPM, or PGM where it is greyscale; pixels only.

    Raises:
        PhotoWriteError: For another colour space than sRGB, which the format cannot state.
    """
    if not profile.is_srgb(photo.icc_profile):
        raise PhotoWriteError("PPM is written in sRGB only; this photo has another profile")
    pixels, _ = stored_channels(photo, with_alpha=False)
    kind = 5 if pixels.shape[2] == 1 else 6
    maximum = np.iinfo(pixels.dtype).max
    header = f"P{kind}\n{photo.width_px} {photo.height_px}\n{maximum}\n".encode("ascii")
    return [header, pixels.astype(pixels.dtype.newbyteorder(">"), copy=False).tobytes()]
