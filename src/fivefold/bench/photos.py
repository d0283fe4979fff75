"""The photos that everything is measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fivefold.photo.files import read_photo, write_photo
from fivefold.photo.image import Coding, Photo

SIZE_PX = (4000, 3000)
JPEG_QUALITY = 92

_TILE_PX = (2000, 1500)
_SCALES, _STRENGTH, _FAINTER = 10, 40.0, 0.74


def make_photo(path: Path, size_px: tuple[int, int] = SIZE_PX) -> None:
    """Write a JPEG of the size and detail of a camera's: about two bits a pixel.

    There is no photo in it. As in photos, the finer a detail the fainter it is: noise at every
    scale, each half as large as the last and three quarters as strong.

    Args:
        path: A ``.jpg`` file.
        size_px: Width and height; a larger photo repeats a smaller one, mirrored.
    """
    width_px, height_px = size_px
    band = _band(width_px)
    repeats = -(-height_px // len(band))
    pixels: NDArray[np.uint8] = np.tile(band, (repeats, 1, 1))[:height_px]
    write_photo(Photo(pixels, coding=Coding("420")), path, quality=JPEG_QUALITY)


def make_tiff(path: Path, size_px: tuple[int, int]) -> None:
    """Write the same picture as an uncompressed TIFF, of whatever size, in little memory.

    Args:
        path: A ``.tif`` file.
        size_px: Width and height.
    """
    import tifffile

    width_px, height_px = size_px
    band = _band(width_px)
    rows = 50
    strips = (band[top % len(band) :][:rows] for top in range(0, height_px, rows))
    tifffile.imwrite(
        path,
        (strip[: height_px - n * rows] for n, strip in enumerate(strips)),
        shape=(height_px, width_px, 3),
        dtype=np.uint8,
        rowsperstrip=rows,
        photometric="rgb",
        bigtiff=True,
    )


def _band(width_px: int) -> NDArray[np.uint8]:
    """A picture of that width that can be repeated downwards, ``(3000, W, 3)``."""
    tile = _tile()
    across = np.concatenate([tile, tile[:, ::-1]], axis=1)
    both = np.concatenate([across, across[::-1]], axis=0)
    band: NDArray[np.uint8] = np.tile(both, (1, -(-width_px // both.shape[1]), 1))[:, :width_px]
    return band


def _tile() -> NDArray[np.uint8]:
    from PIL import Image

    random = np.random.default_rng(0)

    def layer(cells: int) -> NDArray[np.float32]:
        noise = random.normal(0, 1, (cells * 3 // 4, cells)).astype(np.float32)
        return np.asarray(Image.fromarray(noise).resize(_TILE_PX, Image.Resampling.BILINEAR))

    light = sum(_STRENGTH * _FAINTER**n * layer(4 << n) for n in range(_SCALES))
    red, blue = (25 * layer(6) + 6 * layer(100) for _ in range(2))
    channels = np.stack([light + red, light - red / 3 - blue / 3, light + blue], axis=2)
    coded: NDArray[np.uint8] = np.clip(channels + 110, 0, 255).astype(np.uint8)
    return coded


def copy_photo(source: Path, path: Path) -> None:
    """Write any photo as a JPEG, as cameras do.

    Raises:
        PhotoError: If it cannot be read.
    """
    photo = read_photo(source)
    if photo.bit_depth != 8:
        photo = Photo((photo.pixels.astype(np.float32) / 257).astype(np.uint8))
    write_photo(photo, path, quality=JPEG_QUALITY)
