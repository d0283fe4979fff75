"""DNG negatives: what their tags say, and their development to linear sRGB by LibRaw.

Source: Digital Negative Specification 1.4, chapters 4 (tags) and 5 (mapping). Where this differs
from Lightroom is told in ``docs/data.md``.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import MissingExtraError, PhotoReadError

if TYPE_CHECKING:
    from tifffile import TiffPage

_SUBFILE_TYPE, _SUB_IFDS = 254, 330
_CROP_ORIGIN, _CROP_SIZE, _BASELINE_EXPOSURE, _ACTIVE_AREA = 50719, 50720, 50730, 50829
_RATIONAL, _SRATIONAL = 5, 10
_QUARTER_TURNS = {0: 0, 3: 2, 5: 1, 6: 3}  # LibRaw's flip as counter-clockwise quarter turns
# What damaged tags make tifffile, and the reading of their values, fail with.
_DAMAGE = (struct.error, LookupError, TypeError, ValueError, ArithmeticError)


@dataclass(frozen=True)
class DngTags:
    """What a DNG says about its development.

    Attributes:
        baseline_exposure_ev: Stops to brighten by, so that cameras with different headroom give
            equally bright pictures (``BaselineExposure``; 0 where there is none).
        crop: The final picture as (left, top, right, bottom), parts of the active area
            (``DefaultCropOrigin``, ``DefaultCropSize``); all of it where there is none.
    """

    baseline_exposure_ev: float = 0.0
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


def read_dng_tags(path: Path) -> DngTags:
    """Read the tags of a DNG that LibRaw leaves to its users.

    Raises:
        PhotoReadError: If the file is missing or is no DNG.
    """
    from tifffile import TiffFile, TiffFileError

    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    try:
        with TiffFile(path) as file:
            first: Any = file.pages[0]
            raw = next((page for page in _directories(first) if _is_full_size(page)), first)
            exposure = _numbers(first, _BASELINE_EXPOSURE) or _numbers(raw, _BASELINE_EXPOSURE)
            return DngTags(exposure[0] if exposure else 0.0, _crop(raw))
    except OSError as error:
        raise PhotoReadError(f"{path}: {error.strerror or error}") from error
    except (TiffFileError, *_DAMAGE) as error:
        raise PhotoReadError(f"{path}: is no DNG: {error}") from error


def develop_linear(path: Path, *, shortest_long_side_px: int) -> tuple[NDArray[np.float32], int]:
    """Develop a DNG: camera white balance, its baseline exposure, no automatic brightness.

    Highlights are clipped at white. Where half the resolution is still enough, each 2×2 block of
    the sensor becomes one pixel, which takes a tenth of the time of interpolation.

    Args:
        path: The DNG.
        shortest_long_side_px: The picture's long side may not fall below this.

    Returns:
        ``(H, W, 3)`` linear sRGB, 0…1, upright, cut to the crop that the DNG states; and how many
        pixels of the sensor are one of these along a side, 1 or 2.

    Raises:
        PhotoReadError: If the file is missing, damaged or no DNG.
        MissingExtraError: If rawpy is not installed.
    """
    try:
        import rawpy
    except ImportError as error:
        raise MissingExtraError("LibRaw (rawpy)", "data") from error
    tags = read_dng_tags(path)
    try:
        with rawpy.imread(str(path)) as raw:
            is_halved = max(raw.sizes.width, raw.sizes.height) // 2 >= shortest_long_side_px
            flip = raw.sizes.flip
            codes: NDArray[Any] = raw.postprocess(
                use_camera_wb=True,
                no_auto_bright=True,
                output_color=rawpy.ColorSpace.sRGB,
                gamma=(1, 1),
                output_bps=16,
                user_flip=0,
                half_size=is_halved,
            )
    except rawpy.LibRawError as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise PhotoReadError(f"{path}: LibRaw: {reason}") from error
    height, width = codes.shape[:2]
    left, top, right, bottom = tags.crop
    codes = codes[
        round(top * height) : round(bottom * height), round(left * width) : round(right * width)
    ]
    gain = 2.0**tags.baseline_exposure_ev
    table = np.minimum(np.arange(65536) * (gain / 65535), 1).astype(np.float32)
    upright = np.rot90(table[codes], _QUARTER_TURNS.get(flip, 0))
    return np.ascontiguousarray(upright), 2 if is_halved else 1


def _directories(page: TiffPage) -> Iterator[TiffPage]:
    yield page
    if _SUB_IFDS in page.tags:
        yield from page.pages or ()  # type: ignore[misc]


def _is_full_size(page: TiffPage) -> bool:
    tag = page.tags.get(_SUBFILE_TYPE)
    return tag is not None and tag.value == 0


def _crop(page: TiffPage) -> tuple[float, float, float, float]:
    """The default crop in parts of the active area, from numbers in pixels of it."""
    origin, size = _numbers(page, _CROP_ORIGIN), _numbers(page, _CROP_SIZE)
    if origin is None or size is None:
        return DngTags.crop
    area = _numbers(page, _ACTIVE_AREA) or (0, 0, page.imagelength, page.imagewidth)
    height, width = area[2] - area[0], area[3] - area[1]
    crop = (
        origin[0] / width,
        origin[1] / height,
        (origin[0] + size[0]) / width,
        (origin[1] + size[1]) / height,
    )
    if not (0 <= crop[0] < crop[2] <= 1 and 0 <= crop[1] < crop[3] <= 1):
        raise ValueError(f"its default crop lies outside of its pixels: {crop}")
    return crop


def _numbers(page: TiffPage, code: int) -> tuple[float, ...] | None:
    """The value of a tag as numbers, rationals divided out."""
    tag = page.tags.get(code)
    if tag is None:
        return None
    values = tag.value if isinstance(tag.value, tuple) else (tag.value,)
    if tag.dtype in (_RATIONAL, _SRATIONAL):
        return tuple(a / b for a, b in zip(values[::2], values[1::2], strict=True))
    return tuple(map(float, values))
