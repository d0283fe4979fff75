"""Writing TIFF files: one strip-based picture and all of its metadata.

Written here rather than by a library because an EXIF directory inside a TIFF is part of the file's
own tree of directories, which no writer at hand can add.

Source: TIFF 6.0 (sections 7, 8 and 14), Adobe's TIFF technical note 3 (Deflate).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.photo import ifd, photoshop
from fivefold.photo.image import Photo, Pixels
from fivefold.photo.metadata import stored_channels
from fivefold.photo.tiff_fields import ICC, IPTC, PHOTOSHOP, STRUCTURAL_TAGS, XMP

_STRIP_BYTES = 1 << 20
_UNCOMPRESSED = 1
_DEFLATE, _HORIZONTAL_DIFFERENCES, _UNASSOCIATED_ALPHA, _FLOAT = 8, 2, 2, 3
_LEVEL = 6
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT, _INCH = 282, 283, 296, 2
_CLASSIC_LIMIT_BYTES = 4_000_000_000


def encode(photo: Photo, threads: int) -> list[bytes]:
    """Code a photo of 8, 16 or 32 bits as a Deflate-compressed TIFF, losslessly.

    The byte order is that of the photo's EXIF block; files beyond 4 GB are BigTIFF. ``threads``
    strips are compressed at a time.
    """
    pixels, icc_profile = stored_channels(photo)
    described = _described(photo)
    byte_order = described[0].byte_order if described else "<"
    layout = ifd.Layout(byte_order, is_big=pixels.nbytes > _CLASSIC_LIMIT_BYTES)
    rows = max(1, _STRIP_BYTES // pixels[0].nbytes)
    parts = (pixels[top : top + rows] for top in range(0, len(pixels), rows))
    with ThreadPoolExecutor(threads) as pool:
        strips = list(pool.map(lambda strip: _compressed(strip, byte_order), parts))
    lengths = [len(strip) for strip in strips]
    end, tree = _end(photo, pixels, layout, described, rows, lengths, icc_profile, _DEFLATE)
    return [layout.header(end), *strips, tree]


def encode_bands(photo: Photo, bands: Iterable[Pixels], rows: int) -> Iterator[bytes | memoryview]:
    """Code a photo that is too large for the memory, as the parts of an uncompressed TIFF.

    Args:
        photo: Its size, type, profile and metadata count, not its pixels.
        bands: Its pixels, ``(rows, W, 3)`` from top to bottom, the last one perhaps lower.
        rows: Height of a band.
    """
    described = _described(photo)
    byte_order = described[0].byte_order if described else "<"
    layout = ifd.Layout(byte_order, is_big=photo.pixels.nbytes > _CLASSIC_LIMIT_BYTES)
    tops = range(0, photo.height_px, rows)
    row_bytes = photo.pixels[0].nbytes
    lengths = [min(rows, photo.height_px - top) * row_bytes for top in tops]
    end, tree = _end(
        photo, photo.pixels, layout, described, rows, lengths, photo.icc_profile, _UNCOMPRESSED
    )
    yield layout.header(end)
    for band in bands:
        stored = f"{byte_order}{band.dtype.kind}{band.dtype.itemsize}"
        yield np.ascontiguousarray(band.astype(stored, copy=False)).data.cast("B")
    yield tree


def _end(
    photo: Photo,
    pixels: NDArray[Any],
    layout: ifd.Layout,
    described: tuple[ifd.Layout, ifd.Directory] | None,
    rows: int,
    lengths: list[int],
    icc_profile: bytes | None,
    compression: int,
) -> tuple[int, bytes]:
    """Where the directories stand behind strips of these lengths, and what follows the strips."""
    offsets, at = [], layout.header_bytes
    for length in lengths:
        offsets.append(at)
        at += length
    directory = described[1] if described else ifd.Directory()
    directory.fields |= _structure(pixels, layout, rows, offsets, lengths, compression)
    metadata = photo.metadata
    if metadata.density_dpi is not None and _X_RESOLUTION not in directory.fields:
        directory.fields |= _resolution(layout, metadata.density_dpi)
    blocks = {
        XMP: metadata.xmp,
        IPTC: metadata.iptc,
        PHOTOSHOP: photoshop.join(None, metadata.photoshop) or None,
        ICC: icc_profile,
    }
    for tag, block in blocks.items():
        if block is not None:
            directory.fields[tag] = ifd.Field(ifd.UNDEFINED, block)
    directory_at = at + at % 2
    return directory_at, bytes(at % 2) + layout.serialise(directory, directory_at)


def _described(photo: Photo) -> tuple[ifd.Layout, ifd.Directory] | None:
    """The photo's EXIF tree without what would describe the layout of pixels."""
    try:
        layout, directory = ifd.parse(photo.metadata.exif or b"")
    except ifd.IfdError:
        return None
    for tag in STRUCTURAL_TAGS & directory.fields.keys():
        del directory.fields[tag]
    return layout, directory


def _compressed(strip: NDArray[Any], byte_order: str) -> bytes:
    import imagecodecs

    if strip.dtype.kind == "u":
        differences = strip.copy()
        differences[:, 1:] -= strip[:, :-1]
        strip = differences
    ordered = strip.astype(f"{byte_order}{strip.dtype.kind}{strip.dtype.itemsize}", copy=False)
    return bytes(imagecodecs.deflate_encode(ordered.tobytes(), _LEVEL))


def _resolution(layout: ifd.Layout, density_dpi: tuple[float, float]) -> dict[int, ifd.Field]:
    unit = ifd.Field(ifd.SHORT, struct.pack(f"{layout.byte_order}H", _INCH))
    across, down = (
        ifd.Field(ifd.RATIONAL, struct.pack(f"{layout.byte_order}II", round(dpi * 1000), 1000))
        for dpi in density_dpi
    )
    return {_X_RESOLUTION: across, _Y_RESOLUTION: down, _RESOLUTION_UNIT: unit}


def _structure(
    pixels: NDArray[Any],
    layout: ifd.Layout,
    rows: int,
    offsets: list[int],
    lengths: list[int],
    compression: int,
) -> dict[int, ifd.Field]:
    """The fields that tell a reader how to find and decode the strips."""
    height_px, width_px, channels = pixels.shape
    is_float = pixels.dtype.kind == "f"
    has_differences = compression == _DEFLATE and not is_float

    def short(*values: int) -> ifd.Field:
        return ifd.Field(ifd.SHORT, struct.pack(f"{layout.byte_order}{len(values)}H", *values))

    def long(*values: int) -> ifd.Field:
        kind, code = (ifd.LONG8, "Q") if layout.is_big else (ifd.LONG, "I")
        packed = struct.pack(f"{layout.byte_order}{len(values)}{code}", *values)
        return ifd.Field(kind, packed)

    fields = {
        254: long(0),
        256: long(width_px),
        257: long(height_px),
        258: short(*[pixels.dtype.itemsize * 8] * channels),
        259: short(compression),
        262: short(2 if channels >= 3 else 1),
        273: long(*offsets),
        274: short(1),
        277: short(channels),
        278: long(min(rows, height_px)),
        279: long(*lengths),
        284: short(1),
        317: short(_HORIZONTAL_DIFFERENCES if has_differences else 1),
        339: short(*[_FLOAT if is_float else 1] * channels),
    }
    if channels in (2, 4):
        fields[338] = short(_UNASSOCIATED_ALPHA)
    return fields
