"""HEIF and HEIC files, through pillow-heif (the extra ``heif``); metadata is read here.

Source: ISO/IEC 23008-12.
"""

from __future__ import annotations

import io
from types import ModuleType

import numpy as np

from fivefold.errors import (
    MissingExtraError,
    PhotoReadError,
    PhotoWriteError,
    UnsupportedPhotoError,
)
from fivefold.photo import heif_items, isobmff
from fivefold.photo.depth import from_bits, to_bits
from fivefold.photo.image import Coding, Photo
from fivefold.photo.limits import Limits
from fivefold.photo.metadata import Decoded, current_exif, exif_with_iptc, stored_channels, to_photo

MAX_SIDE_PX = 16384
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
_PRESET = "ultrafast"  # a seventh of the time of x265's usual preset for 11 % more bytes
_MORE_BITS = 10
_BYTES_PER_PIXEL = 8  # at most: four channels of 16 bits
_CHROMA = {"444": 444, "422": 422, "420": 420}
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def is_heif(head: bytes) -> bool:
    """Whether a file that starts like this is a HEIF with HEVC pictures."""
    brands = [head[8:12], *(head[i : i + 4] for i in range(16, len(head) - 3, 4))]
    return head[4:8] == b"ftyp" and any(brand in _BRANDS for brand in brands)


def _library() -> ModuleType:
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingExtraError("HEIC support", "heif") from error
    return pillow_heif


def read(data: bytes, limits: Limits) -> Photo:
    """Decode the main picture of a HEIF file; 10 and 12 bits become 16.

    Raises:
        MissingExtraError: If pillow-heif is not installed.
        PhotoReadError: If the file is truncated or damaged.
        UnsupportedPhotoError: For a sequence without a main picture, and for HDR curves.
    """
    library = _library()
    try:
        collection = isobmff.parse(data)
    except isobmff.BoxError as error:
        if data[8:12] in (b"hevc", b"hevx", b"hevm", b"hevs"):
            raise UnsupportedPhotoError("a HEIF sequence, not a photo") from error
        raise PhotoReadError(f"damaged HEIF: {error}") from error
    limits.check(*heif_items.size(collection.picture), _BYTES_PER_PIXEL)
    icc_profile = heif_items.colour_profile(collection)
    try:
        opened = library.open_heif(data, convert_hdr_to_8bit=False, hdr_to_16bit=False)
        picture = opened[opened.primary_index]
        bits = int(picture.info["bit_depth"])
        pixels = np.asarray(picture)[:, : picture.size[0]]
    except (ValueError, EOFError, SyntaxError, RuntimeError, OSError) as error:
        raise PhotoReadError(f"damaged HEIF: {error}") from error
    if picture.mode.split(";")[0] in ("RGBa", "La"):
        raise UnsupportedPhotoError("a HEIF with premultiplied transparency")
    notes = heif_items.notes(collection)
    if len(opened) > 1:
        notes = (*notes, "further pictures of the file left out")
    decoded = Decoded(
        from_bits(pixels, bits),
        icc_profile,
        heif_items.metadata(data, collection),
        Coding(str(picture.info["chroma"]) if "chroma" in picture.info else None, bits=bits),
        notes,
    )
    return to_photo(decoded, "HEIF", orientation=1)


def encode(photo: Photo, quality: int) -> list[bytes]:
    """Code an 8- or 16-bit photo as HEIC; 16 bits become 10, or 12 where it came with 12.

    Args:
        photo: ``uint8`` or ``uint16``.
        quality: 1…100, the scale of libheif's x265.

    Raises:
        MissingExtraError: If pillow-heif is not installed.
        PhotoWriteError: If it has no encoder, or for more than 16384 pixels on a side.
    """
    library = _library()
    if max(photo.width_px, photo.height_px) > MAX_SIDE_PX:
        raise PhotoWriteError(f"HEIF is written with at most {MAX_SIDE_PX} pixels on a side")
    pixels, icc_profile = stored_channels(photo)
    if pixels.shape[2] == 2:
        pixels = np.concatenate([np.repeat(pixels[:, :, :1], 3, axis=2), pixels[:, :, 1:]], axis=2)
    bits = 8 if pixels.dtype == np.uint8 else max(photo.coding.bits or 0, _MORE_BITS)
    mode = _MODES[pixels.shape[2]] + ("" if bits == 8 else f";{bits}")
    file = library.HeifFile()
    size = (photo.width_px, photo.height_px)
    picture = file.add_frombytes(mode, size, to_bits(pixels, bits).tobytes())
    if icc_profile is not None:
        picture.info["icc_profile"] = icc_profile
    exif_block = exif_with_iptc(current_exif(photo), photo.metadata.iptc)
    coded = io.BytesIO()
    try:
        file.save(
            coded,
            quality=quality,
            enc_params={"preset": _PRESET},
            chroma=_CHROMA.get(photo.coding.chroma or "", 444),
            exif=None if exif_block is None else b"Exif\0\0" + exif_block,
            xmp=photo.metadata.xmp,
            color_primaries=1,
            transfer_characteristic=13,
        )
    except (ValueError, RuntimeError) as error:
        raise PhotoWriteError(f"HEIF cannot be written here: {error}") from error
    return [coded.getvalue()]
