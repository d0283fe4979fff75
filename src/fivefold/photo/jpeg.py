"""JPEG files, decoded and coded by libjpeg-turbo; metadata segments are kept as they are."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import simplejpeg

from fivefold.errors import PhotoReadError, PhotoWriteError, UnsupportedPhotoError
from fivefold.photo import appended, exif, jpeg_strips, reused
from fivefold.photo.image import Coding, Photo, Pixels
from fivefold.photo.jpeg_segments import (
    Header,
    is_complete,
    jfif_segment,
    metadata_segments,
    parse_header,
    picture_alone,
)
from fivefold.photo.limits import Limits
from fivefold.photo.metadata import (
    Decoded,
    current_exif,
    stored_channels,
    to_photo,
)

MAGIC = b"\xff\xd8\xff"
MAX_SIDE_PX = 65500
# Below this, starting threads costs more than they save.
_LEAST_PIXELS_FOR_PIECES = 1 << 20

# Complaints of libjpeg about the file around the picture, not about the picture.
_HARMLESS = (
    "extraneous bytes",
    "Invalid SOS parameters",
    "unknown JFIF revision",
    "Adobe color",
    "ICC marker",
)


def read(data: bytes, limits: Limits, threads: int) -> Photo:
    """Decode a JPEG file.

    Args:
        data: The file.
        limits: On its pixels.
        threads: How many may decode a large one at a time.

    Raises:
        PhotoReadError: If it is truncated or damaged.
        UnsupportedPhotoError: For 12-bit samples, and for CMYK without a profile.
    """
    header = _checked(parse_header(data), limits)
    pixels, chroma = _decode(data, header, threads)
    icc_profile = header.icc_profile
    xmp = header.metadata.xmp
    notes = appended.notes(
        xmp, has_gain_map=header.has_gain_map, has_more_pictures=header.has_more_pictures
    )
    metadata = replace(header.metadata, xmp=appended.without_promises(xmp))
    if header.components == 4:
        from fivefold.photo import cmyk

        if header.has_adobe_marker:
            np.subtract(255, pixels, out=pixels)
        pixels = cmyk.to_srgb(pixels, icc_profile)
        icc_profile, notes = None, (*notes, "CMYK converted to sRGB")
    orientation = exif.orientation(metadata.exif) if metadata.exif else 1
    decoded = Decoded(pixels, icc_profile, metadata, Coding(chroma), notes)
    return to_photo(decoded, "JPEG", orientation)


def check_start(start: bytes, limits: Limits) -> None:
    """Refuse, by its first bytes, a file that :func:`read` would refuse.

    Raises:
        PhotoReadError: If they end before the picture begins.
        UnsupportedPhotoError: As :func:`read` does.
    """
    _checked(parse_header(start), limits)


def _checked(header: Header, limits: Limits) -> Header:
    limits.check(header.width_px, header.height_px, max(3, header.components))
    if header.precision != 8:
        raise UnsupportedPhotoError(f"JPEG with {header.precision} bits per channel")
    if header.components not in (1, 3, 4):
        raise UnsupportedPhotoError(f"JPEG with {header.components} channels")
    if header.components == 4:
        from fivefold.photo import cmyk

        cmyk.check_profile(header.icc_profile)
    return header


def _decode(data: bytes, header: Header, threads: int) -> tuple[Pixels, str | None]:
    colour_space = {1: "GRAY", 3: "RGB", 4: "CMYK"}[header.components]
    try:
        chroma = _chroma(data)
        if chroma is None:
            return _decode_unusual(data, colour_space), None
        try:
            # Without a complaint every pixel is written, and nothing is left of another picture.
            memory = reused.pictures.empty((header.height_px, header.width_px, header.components))
            if threads > 1 and header.height_px * header.width_px >= _LEAST_PIXELS_FOR_PIECES:
                from fivefold.photo import jpeg_pieces

                if jpeg_pieces.decode(data, colour_space, memory, threads):
                    return memory, chroma
            pixels = simplejpeg.decode_jpeg(data, colour_space, buffer=memory)
        except ValueError as error:
            if not _is_harmless(error) or not is_complete(data):
                raise
            # Once more without what it complains of: stray bytes before the scan, bad segments.
            data = picture_alone(data)
            try:
                pixels = simplejpeg.decode_jpeg(data, colour_space)
            except ValueError as second:
                if not _is_harmless(second):
                    raise
                pixels = simplejpeg.decode_jpeg(data, colour_space, strict=False)
    except ValueError as error:
        reason = str(error).split("(): ")[-1]
        if "Premature end" in reason:
            reason = "truncated"
        raise PhotoReadError(f"damaged JPEG: {reason}") from error
    return pixels, chroma


def _is_harmless(error: ValueError) -> bool:
    return any(words in str(error) for words in _HARMLESS)


def _chroma(data: bytes) -> str | None:
    """Chroma subsampling, or ``None`` where it is none of the usual ones."""
    try:
        *_, chroma = simplejpeg.decode_jpeg_header(data, strict=False)
    except ValueError as error:
        if "subsampling level" in str(error):
            return None
        raise
    return str(chroma)


def _decode_unusual(data: bytes, colour_space: str) -> Pixels:
    """Decode a file whose sampling factors libjpeg knows but TurboJPEG's interface does not."""
    import imagecodecs

    if not is_complete(data):
        raise PhotoReadError("damaged JPEG: truncated")
    names = {"GRAY": "GRAYSCALE", "RGB": "RGB", "CMYK": "CMYK"}
    try:
        pixels = imagecodecs.jpeg8_decode(data, outcolorspace=names[colour_space])
    except imagecodecs.Jpeg8Error as error:
        raise PhotoReadError("damaged JPEG: it cannot be decoded") from error
    return pixels


def encode(photo: Photo, quality: int, threads: int) -> list[bytes | memoryview]:
    """Code an 8-bit photo without alpha as JPEG.

    Chroma subsampling follows the photo's own file; 4:4:4 where it had none.

    Args:
        photo: ``uint8``, ``alpha`` ignored.
        quality: 1…100, libjpeg's scale.
        threads: How many parts of the picture are coded at a time.

    Raises:
        PhotoWriteError: For more than 65500 pixels on a side.
    """
    if max(photo.width_px, photo.height_px) > MAX_SIDE_PX:
        raise PhotoWriteError(f"JPEG holds at most {MAX_SIDE_PX} pixels on a side")
    pixels, icc_profile = stored_channels(photo, with_alpha=False)
    chroma = photo.coding.chroma if photo.coding.chroma not in (None, "Gray") else "444"
    colour_space = "RGB"
    if pixels.shape[2] == 1:
        colour_space = chroma = "Gray"
    pieces = jpeg_strips.encode(pixels, quality, colour_space.upper(), chroma, threads=threads)
    coded = memoryview(pieces[0])
    after_jfif = 2
    if pieces[0][2:4] == b"\xff\xe0":
        after_jfif = 4 + struct.unpack_from(">H", coded, 4)[0]
    metadata = replace(photo.metadata, exif=current_exif(photo))
    segments = metadata_segments(metadata, icc_profile)
    jfif = jfif_segment(metadata.density_dpi)
    return [coded[:2], jfif, *segments, coded[after_jfif:], *pieces[1:]]
