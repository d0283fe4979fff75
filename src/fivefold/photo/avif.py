"""AVIF files: pixels by libavif, metadata in the items around them.

Source: AV1 Image File Format 1.1, ISO/IEC 23008-12.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import PhotoReadError, PhotoWriteError, UnsupportedPhotoError
from fivefold.photo import exif, heif_items, isobmff
from fivefold.photo.depth import from_bits, to_bits
from fivefold.photo.image import Coding, Photo
from fivefold.photo.limits import Limits
from fivefold.photo.metadata import Decoded, current_exif, exif_with_iptc, stored_channels, to_photo

MAX_SIDE_PX = 65536
_SPEED = 9  # of 0…10; an eighth of the time of libavif's usual 6 for 7 % more bytes
_MORE_BITS = 10
_CHROMA = {(False, False): "444", (True, False): "422", (True, True): "420"}


def is_avif(head: bytes) -> bool:
    """Whether a file that starts like this is an AVIF."""
    is_generic = head[8:12] in (b"mif1", b"msf1") and b"avif" in head[16:]
    return head[4:8] == b"ftyp" and (head[8:12] in (b"avif", b"avis") or is_generic)


def read(data: bytes, limits: Limits) -> Photo:
    """Decode a still AVIF file; 10 and 12 bits become 16.

    Raises:
        PhotoReadError: If it is truncated or damaged.
        UnsupportedPhotoError: For a sequence, and for HDR curves.
    """
    import imagecodecs

    collection = _checked_items(data, limits, is_whole=True)
    bits, chroma = _sample_layout(collection.picture)
    icc_profile = heif_items.colour_profile(collection)
    metadata = heif_items.metadata(data, collection)
    if metadata.exif is not None and not exif.is_block(metadata.exif):
        # libavif refuses the whole picture for this; without its name the item means nothing.
        data = data.replace(b"\0Exif\0", b"\0free\0", 1)
    try:
        pixels = imagecodecs.avif_decode(data, 0)
    except imagecodecs.AvifError as error:
        raise PhotoReadError(f"damaged AVIF: {error}") from error
    decoded = Decoded(
        heif_items.turned(from_bits(pixels, bits), collection.picture),
        icc_profile,
        metadata,
        Coding(chroma, bits=bits),
        heif_items.notes(collection),
    )
    return to_photo(decoded, "AVIF", orientation=1)


def check_start(start: bytes, limits: Limits) -> None:
    """Refuse, by its first bytes, a file that :func:`read` would refuse.

    Raises:
        PhotoReadError: If they end before the picture is described.
        UnsupportedPhotoError: As :func:`read` does.
    """
    heif_items.colour_profile(_checked_items(start, limits, is_whole=False))


def _checked_items(data: bytes, limits: Limits, *, is_whole: bool) -> isobmff.Collection:
    if data[8:12] == b"avis":
        raise UnsupportedPhotoError("an animated AVIF, not a photo")
    try:
        collection = isobmff.parse(data, is_whole=is_whole)
    except isobmff.BoxError as error:
        raise PhotoReadError(f"damaged AVIF: {error}") from error
    bits, _ = _sample_layout(collection.picture)
    limits.check(*heif_items.size(collection.picture), 4 if bits == 8 else 8)
    return collection


def _sample_layout(picture: isobmff.Item) -> tuple[int, str | None]:
    """Bits per channel and chroma subsampling, from the codec's configuration (AV1-ISOBMFF 2.3)."""
    configuration = picture.property_of(b"av1C")
    if configuration is None or len(configuration) < 3:
        pixi = picture.property_of(b"pixi")
        return (pixi[5] if pixi is not None and len(pixi) > 5 else 8), None
    flags = configuration[2]
    bits = 8 if not flags & 0x40 else 12 if flags & 0x20 else 10
    return bits, _CHROMA.get((bool(flags & 8), bool(flags & 4)))


def encode(photo: Photo, quality: int, threads: int) -> list[bytes]:
    """Code an 8- or 16-bit photo as AVIF; 16 bits become 10, or 12 where it came with 12.

    Args:
        photo: ``uint8`` or ``uint16``.
        quality: 1…100, libavif's scale; 100 is lossless.
        threads: How many threads libavif may use.

    Raises:
        PhotoWriteError: For more than 65536 pixels on a side.
    """
    import imagecodecs

    if max(photo.width_px, photo.height_px) > MAX_SIDE_PX:
        raise PhotoWriteError(f"AVIF holds at most {MAX_SIDE_PX} pixels on a side")
    pixels, icc_profile = stored_channels(photo)
    bits = 8 if pixels.dtype == np.uint8 else max(photo.coding.bits or 0, _MORE_BITS)
    has_chroma = quality < 100 and photo.coding.chroma in _CHROMA.values()
    coded = imagecodecs.avif_encode(
        _squeezed(to_bits(pixels, bits)),
        quality,
        speed=_SPEED,
        numthreads=threads,
        bitspersample=bits,
        pixelformat=photo.coding.chroma if has_chroma else "444",
        primaries=1 if icc_profile is None else 2,
        transfer=13 if icc_profile is None else 2,
    )
    exif_block = exif_with_iptc(current_exif(photo), photo.metadata.iptc)
    if exif_block is not None and not exif.is_block(exif_block):
        exif_block = None  # with it, libavif would refuse the file
    return heif_items.with_metadata(bytes(coded), exif_block, photo.metadata.xmp, icc_profile)


def _squeezed(pixels: NDArray[np.generic]) -> NDArray[np.generic]:
    return pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
