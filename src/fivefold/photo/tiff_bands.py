"""TIFF files that are too large for the memory, a band of rows at a time.

Only the plain kind that programs for such pictures write: RGB of 8 or 16 bits, in strips or tiles.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import PhotoReadError, UnsupportedPhotoError
from fivefold.photo import exif, ifd
from fivefold.photo.image import Pixels
from fivefold.photo.metadata import Decoded, to_photo
from fivefold.photo.tiff_fields import MAGICS, metadata_of

BAND_ROWS = 64
_SEGMENT_BYTES = 256 << 20  # the most that is decoded at a time
_READ_BYTES = 16 << 20
_RGB = 2


class TiffBands:
    """One such file.

    Attributes:
        photo: All that the file says about it; in the place of its pixels are zeros of their shape
            and type that take no memory.
    """

    def __init__(self, path: Path, *, threads: int) -> None:
        """Read what the file says about the photo.

        Args:
            path: A TIFF or BigTIFF file.
            threads: How many parts of a band are decoded at a time.

        Raises:
            PhotoReadError: If it is damaged, or cannot be read.
            UnsupportedPhotoError: If it is not of the plain kind.
        """
        import tifffile

        self._path, self._threads = path, threads
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                layout, directory = ifd.parse(data)  # type: ignore[arg-type]  # as good as bytes
            except ifd.IfdError as error:
                raise PhotoReadError(f"damaged TIFF: {error}") from error
            metadata, icc_profile = metadata_of(layout, directory)
            orientation = exif.orientation_of(layout, directory)
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
            shape, kind = page.shape, np.dtype(page.dtype)
            is_plain = (
                page.photometric == _RGB
                and page.axes == "YXS"
                and page.samplesperpixel == 3
                and kind in (np.uint8, np.uint16)
                and page.bitspersample in (8, 16)
                and page.planarconfig == 1
                and orientation == 1
                and all(other.aspage().is_reduced for other in tiff.pages[1:])
            )
            if not is_plain:
                raise UnsupportedPhotoError("a TIFF of this size that is not plain RGB")
            segment_rows = page.tilelength if page.is_tiled else page.rowsperstrip
            segment_columns = page.tilewidth if page.is_tiled else page.imagewidth
            row_bytes = segment_columns * 3 * kind.itemsize
            if not page.is_contiguous and segment_rows * row_bytes > _SEGMENT_BYTES:
                raise UnsupportedPhotoError("a TIFF of this size that is compressed in one piece")
        nothing: NDArray[Any] = np.zeros((), kind)
        described = Decoded(np.zeros((1, 1, 3), kind), icc_profile, metadata)
        pixels = np.broadcast_to(nothing, shape)
        self.photo = replace(to_photo(described, "TIFF", 1), pixels=pixels)

    def bands(self) -> Iterator[Pixels]:
        """The pixels from top to bottom, ``(BAND_ROWS, W, 3)``, the last band perhaps lower.

        Raises:
            PhotoReadError: If the file is damaged or ends too early.
        """
        height_px, width_px, _ = self.photo.pixels.shape
        waiting = np.empty((0, width_px, 3), self.photo.pixels.dtype)
        given = 0
        for rows in self._rows_as_stored():
            waiting = np.concatenate([waiting, rows]) if len(waiting) else rows
            while len(waiting) >= BAND_ROWS:
                yield waiting[:BAND_ROWS]
                given += BAND_ROWS
                waiting = waiting[BAND_ROWS:]
        if len(waiting):
            yield waiting
        if given + len(waiting) != height_px:
            raise PhotoReadError("damaged TIFF: truncated")

    def _rows_as_stored(self) -> Iterator[NDArray[Any]]:
        """Rows as many at a time as the file has them together."""
        import tifffile

        height_px, width_px, _ = self.photo.pixels.shape
        kind = np.dtype(self.photo.pixels.dtype)
        with tifffile.TiffFile(self._path) as tiff, self._path.open("rb") as file:
            page = tiff.pages.first
            if page.is_contiguous:
                stored = kind.newbyteorder(tiff.byteorder)
                file.seek(page.dataoffsets[0])
                for top in range(0, height_px, BAND_ROWS):
                    rows = min(BAND_ROWS, height_px - top)
                    numbers = np.fromfile(file, stored, rows * width_px * 3)
                    if len(numbers) != rows * width_px * 3:
                        raise PhotoReadError("damaged TIFF: truncated")
                    yield numbers.astype(kind, copy=False).reshape(rows, width_px, 3)
                return
            band = np.empty((0, width_px, 3), kind)
            top = 0
            for segment, (_, _, y, x, _), (_, length, width, _) in page.segments(
                maxworkers=self._threads, buffersize=_READ_BYTES
            ):
                if segment is None:
                    raise PhotoReadError("damaged TIFF: a part of it is missing")
                if not len(band) or y != top:
                    if len(band):
                        yield band
                    top = y
                    band = np.empty((min(length, height_px - y), width_px, 3), kind)
                across = min(width, width_px - x)
                band[:, x : x + across] = segment[0, : len(band), :across]
            yield band


def is_tiff(path: Path) -> bool:
    """Whether a file begins as a TIFF does; false for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(4) in MAGICS
    except OSError:
        return False
