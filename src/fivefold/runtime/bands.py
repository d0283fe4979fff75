"""Photos that are too large for the memory: TIFF to TIFF, a band of rows at a time.

The file is read twice: once for the thumbnail that the network sees, once for the pixels. The
result is what the whole photo would give, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fivefold import kernels
from fivefold.photo.depth import with_bit_depth
from fivefold.photo.image import Photo, Pixels
from fivefold.photo.model_space import model_space
from fivefold.photo.resize import BandedAverage
from fivefold.photo.tiff_bands import BAND_ROWS, TiffBands, is_tiff
from fivefold.photo.tiff_writer import encode_bands

_KINDS = {8: np.uint8, 16: np.uint16, 32: np.float32}

if TYPE_CHECKING:
    from fivefold.kernels.grid import BilateralGrid
    from fivefold.runtime.enhancer import Enhancer


def open_bands(source: Path, max_pixels: int, threads: int) -> TiffBands | None:
    """The photo in bands if it is a TIFF beyond a limit; otherwise ``None``.

    Args:
        source: A file.
        max_pixels: Up to this many a photo is better read whole.
        threads: How many parts of a band are decoded at a time.

    Raises:
        PhotoReadError: If it is beyond the limit, but damaged.
        UnsupportedPhotoError: If it is beyond the limit, but cannot be read in bands.
    """
    if not is_tiff(source):
        return None
    import tifffile

    try:
        with tifffile.TiffFile(source) as tiff:
            page = tiff.pages.first
            is_large = page.imagewidth * page.imagelength > max_pixels
    except Exception:  # read_photo finds out what is wrong, and says so
        return None
    return TiffBands(source, threads=threads) if is_large else None


def predict_banded(bands: TiffBands, enhancer: Enhancer) -> BilateralGrid:
    """Predict a photo's grid, as :meth:`Enhancer.predict` does for one in memory.

    Raises:
        PhotoReadError: If the file is damaged.
    """
    size_px = enhancer.bundle.manifest.input_size_px
    average = BandedAverage(bands.photo.pixels.shape, size_px, size_px)
    for band in bands.bands():
        average.add(band)
    # The thumbnail of a thumbnail is itself.
    return enhancer.predict(Photo(average.result(), icc_profile=bands.photo.icc_profile))


def render_banded(
    bands: TiffBands,
    photo: Photo,
    grid: BilateralGrid,
    *,
    strength: float,
    bit_depth: int | None,
    threads: int,
) -> Iterator[bytes | memoryview]:
    """The parts of an uncompressed TIFF with the enhanced pixels.

    Args:
        bands: Where the pixels come from.
        photo: As ``bands.photo``, with the metadata that the result is to have.
        grid: What :func:`predict_banded` returned.
        strength: 0 is the untouched photo, 1 the model; from -1.5 to 1.5.
        bit_depth: 8 or 16; ``None`` keeps the photo's own.
        threads: How many threads render a band.

    Raises:
        UnsupportedPhotoError: If the photo's colour profile cannot be used.
    """
    space = model_space(photo.icc_profile)
    if space is not None:
        photo = replace(photo, icc_profile=space.result_profile)
    kind = photo.pixels.dtype if bit_depth is None else np.dtype(_KINDS[bit_depth])
    described = photo.with_pixels(np.broadcast_to(np.zeros((), kind), photo.pixels.shape))
    grid = grid.with_strength(strength)

    def rendered() -> Iterator[Pixels]:
        top = 0
        for band in bands.bands():
            place = partial(
                kernels.render,
                grid=grid,
                first_row=top,
                height_px=photo.height_px,
                threads=threads,
            )
            if space is None:
                result = place(band)
            else:
                linear = space.to_model(band)
                place(linear, out=linear, clip=False)
                result = space.from_model(linear, band.dtype)
            yield with_bit_depth(Photo(result), kind.itemsize * 8).pixels
            top += len(band)

    return encode_bands(described, rendered(), BAND_ROWS)
