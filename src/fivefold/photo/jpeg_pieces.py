"""One JPEG decoded in pieces, by several threads.

The compiled scanner finds where rows begin in the coded data, which takes a quarter of the time of
decoding, and makes files of their own of them (``csrc/jpeg_scan.h``). Each thread in turn cuts off
the next piece and decodes it into its place in the picture. So the pixels are libjpeg-turbo's, and
where that complains of a piece, or anything is unusual, the file is decoded as a whole instead.

Chroma that has half as many rows as the picture is blended between its rows. At a seam between two
pieces either one lacks the other's; both lines of pixels there come from a picture of the two rows
of units around it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from fivefold.photo.jpeg_baseline import Baseline, read_baseline
from fivefold.photo.threads import share_out

if TYPE_CHECKING:
    from fivefold._native import JpegScan

_LEAST_PIECE = 1 / 16
_FIRST_PIECE = 1 / 10  # until it is cut off, all other threads wait


class _UnusualError(Exception):
    """The file, or what libjpeg says of a piece, is not what it should be."""


def decode(data: bytes, colour_space: str, pixels: NDArray[np.uint8], threads: int) -> bool:
    """Decode a file by several threads, if it is of the kind that can be.

    Args:
        data: The file.
        colour_space: As simplejpeg names it.
        pixels: ``(H, W, 1 or 3)``, contiguous, written to.
        threads: How many may work at a time.

    Returns:
        Whether that was done. If not, ``pixels`` hold nothing of use, and the file may have any
        fault or none.
    """
    baseline = read_baseline(data)
    if baseline is None:
        return False
    try:
        from fivefold._native import JpegScan

        scan = JpegScan(
            data,
            baseline.scan_at,
            baseline.units_across,
            baseline.unit_rows,
            baseline.restart_interval,
            baseline.blocks,
            baseline.dc_tables,
            baseline.ac_tables,
        )
    except (ImportError, ValueError):  # no compiled kernels, or tables that nobody writes
        return False
    pieces = _Pieces(scan, baseline, threads)
    work = _Work(pieces, colour_space, pixels)
    try:
        share_out(work, range(pieces.most), threads)
    except (_UnusualError, MemoryError):  # in one piece it takes less memory
        return False
    work.close_seams()
    return True


class _Pieces:
    """Rows of units, cut off one piece after the other.

    Attributes:
        most: How many pieces there may be.
        has_seams: Whether the pixels at a cut depend on both of its sides.
    """

    def __init__(self, scan: JpegScan, baseline: Baseline, threads: int) -> None:
        self._scan = scan
        self._baseline = baseline
        self._threads = threads
        self._lock = threading.Lock()
        self._next_row = 0
        self._least_rows = max(2, round(_LEAST_PIECE * baseline.unit_rows))
        self.most = baseline.unit_rows // self._least_rows + 1
        self.has_seams = baseline.has_tall_chroma

    def cut_off(self) -> tuple[int, int]:
        """The first row of the next piece, and the one after its last; the same if none is left."""
        baseline = self._baseline
        with self._lock:
            first, rows = self._next_row, baseline.unit_rows
            if first == rows:
                return rows, rows
            # The less is left, the smaller are the pieces, so that all threads end at one time.
            wanted = (rows - first) // self._threads
            if first == 0:
                wanted = min(wanted, round(_FIRST_PIECE * rows))
            last = first + max(wanted, self._least_rows)
            if rows - last < self._least_rows / 2:
                last = rows
            found = self._scan.find_cut(last, self.has_seams)
            if found is None:
                raise _UnusualError
            self._next_row = found
        return first, found

    def file(self, first: int, last: int) -> tuple[slice, NDArray[np.uint8]]:
        """Which lines of pixels some rows of units are, and a file of them alone."""
        baseline = self._baseline
        lines = slice(
            first * baseline.unit_height_px,
            min(last * baseline.unit_height_px, baseline.height_px),
        )
        header = baseline.header(lines.stop - lines.start)
        file = self._scan.cut(header, baseline.scan_header, first, last)
        if file is None:
            raise _UnusualError
        return lines, file


class _Work:
    """What each thread does, again and again."""

    def __init__(self, pieces: _Pieces, colour_space: str, pixels: NDArray[np.uint8]) -> None:
        self._pieces = pieces
        self._colour_space = colour_space
        self._pixels = pixels
        self._seams: list[tuple[int, NDArray[np.uint8]]] = []

    def __call__(self, _: int) -> None:
        """Cut off a piece and decode it, and what stands around the seam at its end."""
        first, last = self._pieces.cut_off()
        if first == last:
            return
        lines, file = self._pieces.file(first, last)
        self._decode(file, self._pixels[lines])
        if self._pieces.has_seams and lines.stop < len(self._pixels):
            around, file = self._pieces.file(last - 1, last + 1)
            strip = np.empty((around.stop - around.start, *self._pixels.shape[1:]), np.uint8)
            self._decode(file, strip)
            at = lines.stop - around.start
            self._seams.append((lines.stop, strip[at - 1 : at + 1].copy()))

    def _decode(self, file: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> None:
        try:
            simplejpeg.decode_jpeg(file, self._colour_space, buffer=pixels)
        except ValueError as error:
            raise _UnusualError from error

    def close_seams(self) -> None:
        """Write the lines around the seams, once both sides are there."""
        for line, pixels in self._seams:
            self._pixels[line - 1 : line + 1] = pixels
