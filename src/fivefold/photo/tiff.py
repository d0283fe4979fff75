"""Reading TIFF files: pixels by tifffile, metadata from the directories themselves.

Source: TIFF 6.0; the BigTIFF design.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import PhotoReadError, UnsupportedPhotoError
from fivefold.photo import cmyk, exif, ifd
from fivefold.photo.depth import from_bits
from fivefold.photo.image import FULL_SCALE, Photo
from fivefold.photo.limits import Limits
from fivefold.photo.metadata import Decoded, to_photo
from fivefold.photo.tiff_fields import ICC, PHOTOSHOP_LAYERS, metadata_of

if TYPE_CHECKING:
    from tifffile import TiffPage

_SUBFILE_TYPE = 254
_REDUCED_OR_MASK = 0b101
_GREY_WHITE_IS_0, _GREY, _RGB, _PALETTE, _SEPARATED, _YCBCR = 0, 1, 2, 3, 5, 6
_PREMULTIPLIED = 1


def read(data: bytes, limits: Limits) -> Photo:
    """Decode the one photo of a TIFF file.

    Previews and masks beside it are left out.

    Raises:
        PhotoReadError: If it is truncated or damaged.
        UnsupportedPhotoError: For several pages, CMYK without a profile, Lab, and numbers that are
            no pixel values.
    """
    try:
        layout, directory = ifd.parse(data)
    except ifd.IfdError as error:
        raise PhotoReadError(f"damaged TIFF: {error}") from error
    if directory.is_cut:
        raise PhotoReadError("damaged TIFF: truncated")
    _refuse_documents(data, layout, directory)
    pixels, notes = _pixels(data, limits, directory)
    if PHOTOSHOP_LAYERS in directory.fields:
        notes = (*notes, "Photoshop's layers left out")
    metadata, icc_profile = metadata_of(layout, directory)
    if pixels.dtype == np.float32 and not np.isfinite(pixels).all():
        raise UnsupportedPhotoError("a TIFF with pixels that are not finite numbers")
    decoded = Decoded(pixels, icc_profile, metadata, notes=notes)
    return to_photo(decoded, "TIFF", exif.orientation_of(layout, directory))


def _refuse_documents(data: bytes, layout: ifd.Layout, first: ifd.Directory) -> None:
    pages = 1 + sum(
        not _subfile_type(layout, page) & _REDUCED_OR_MASK
        for page in _following(data, layout, first)
    )
    if pages > 1:
        raise UnsupportedPhotoError(f"a TIFF document of {pages} pages, not a photo")


def _subfile_type(layout: ifd.Layout, directory: ifd.Directory) -> int:
    field = directory.fields.get(_SUBFILE_TYPE)
    return (field.integers(layout.byte_order) or (0,))[0] if field else 0


def _following(data: bytes, layout: ifd.Layout, first: ifd.Directory) -> Iterator[ifd.Directory]:
    seen, at = set[int](), first.next_at
    while at and at not in seen and len(seen) < 1000:
        seen.add(at)
        try:
            page = layout.parse(data, at)
        except ifd.IfdError:
            return
        yield page
        at = page.next_at


def _pixels(
    data: bytes, limits: Limits, directory: ifd.Directory
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Grey or RGB pixels ``(H, W, 1…4)`` of 8, 16 or 32 bits, and notes on what was converted."""
    import tifffile

    # tifffile reports damage on its logger, which prints where nobody has set up logging.
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        sample_bytes = max(1, -(-int(page.bitspersample) // 8))
        for width_px, height_px in _areas(page):
            limits.check(width_px, height_px, page.samplesperpixel * sample_bytes)
        _check_page(page, len(data))
        pixels: NDArray[Any] = page.asarray()
        axes, photometric = page.axes, page.photometric
        bits, extra = page.bitspersample, tuple(page.extrasamples)
        palette = page.colormap if photometric == _PALETTE else None
    if palette is not None and axes in ("YX", "YXS"):
        pixels, bits = _from_palette(pixels, np.asarray(palette))
        axes, photometric = "YXS", _RGB
    if axes == "SYX":
        pixels = np.moveaxis(pixels, 0, -1)
    elif axes == "YX":
        pixels = pixels[:, :, None]
    elif axes != "YXS":
        raise UnsupportedPhotoError(f"a TIFF with axes {axes}")
    pixels = _standard_depth(pixels, bits)
    colours = {_GREY_WHITE_IS_0: 1, _GREY: 1, _RGB: 3, _YCBCR: 3, _SEPARATED: 4}[photometric]
    if pixels.shape[2] not in (colours, colours + 1):
        raise UnsupportedPhotoError(f"a TIFF with {pixels.shape[2]} channels")
    if photometric == _GREY_WHITE_IS_0:
        scale = pixels.dtype.type(FULL_SCALE[pixels.dtype])
        pixels = np.concatenate([scale - pixels[:, :, :1], pixels[:, :, 1:]], axis=2)
    if pixels.shape[2] > colours and extra[:1] == (_PREMULTIPLIED,):
        pixels = _without_premultiplication(pixels)
    if photometric == _SEPARATED:
        profile = directory.fields.get(ICC)
        if pixels.shape[2] != 4 or pixels.dtype == np.float32:
            raise UnsupportedPhotoError("CMYK with alpha or floating point")
        converted = cmyk.to_srgb(pixels, profile.data if profile else None)
        directory.fields.pop(ICC, None)
        return converted, ("CMYK converted to sRGB",)
    return pixels, ()


def _from_palette(indices: NDArray[Any], palette: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Colours ``(H, W, 3 or 4)`` of 16 bits, or of 8 where the palette is of 8 bits inside."""
    colours = palette.T[(indices if indices.ndim == 2 else indices[:, :, 0]).astype(np.intp)]
    if indices.ndim == 3 and indices.shape[2] == 2 and indices.dtype == np.uint8:
        alpha = indices[:, :, 1:].astype(np.uint16) * 257
        colours = np.concatenate([colours, alpha], axis=2)
    if (palette % 257 == 0).all() or (palette % 256 == 0).all():
        return (colours >> 8).astype(np.uint8), 8
    return colours, 16


def _areas(page: TiffPage) -> Iterator[tuple[int, int]]:
    """What is decoded at a time: the whole picture, and one of its tiles."""
    yield page.imagewidth, page.imagelength
    yield page.tilewidth, page.tilelength


def _check_page(page: TiffPage, file_bytes: int) -> None:
    names = {_GREY_WHITE_IS_0, _GREY, _RGB, _PALETTE, _SEPARATED, _YCBCR}
    if page.photometric not in names:
        name = getattr(page.photometric, "name", page.photometric)
        raise UnsupportedPhotoError(f"a TIFF of the colour kind {name}")
    if page.imagedepth != 1:
        raise UnsupportedPhotoError("a TIFF volume, not a photo")
    places = zip(page.dataoffsets, page.databytecounts, strict=True)
    if not page.dataoffsets or any(
        at <= 0 or length <= 0 or at + length > file_bytes for at, length in places
    ):
        raise PhotoReadError("damaged TIFF: truncated")


def _standard_depth(pixels: NDArray[Any], bits: int) -> NDArray[Any]:
    """Bring any unsigned or floating-point samples to ``uint8``, ``uint16`` or ``float32``."""
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32, copy=False)
    if pixels.dtype.kind not in "ub":
        raise UnsupportedPhotoError(f"a TIFF with {pixels.dtype} samples")
    if bits <= 16:
        return from_bits(pixels.astype(np.uint16, copy=False), bits)
    scale = 2.0**bits - 1
    return (pixels / scale).astype(np.float32)


def _without_premultiplication(pixels: NDArray[Any]) -> NDArray[Any]:
    """Colours divided by their alpha, the last channel."""
    scale = FULL_SCALE[pixels.dtype]
    alpha = pixels[:, :, -1:].astype(np.float64)
    colours = pixels[:, :, :-1] * np.divide(scale, alpha, where=alpha > 0, out=np.zeros_like(alpha))
    if pixels.dtype != np.float32:
        colours = np.minimum(np.rint(colours), scale)
    return np.concatenate([colours.astype(pixels.dtype), pixels[:, :, -1:]], axis=2)
