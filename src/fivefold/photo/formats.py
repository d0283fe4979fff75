"""The file formats: how each is recognised, read and written, and what it can hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fivefold.photo import avif, heif, jpeg, jxl, netpbm, png, raw, tiff, tiff_writer, webp
from fivefold.photo.image import Photo
from fivefold.photo.limits import Limits
from fivefold.photo.png_picture import MAGIC as PNG_MAGIC
from fivefold.photo.tiff_fields import MAGICS as TIFF_MAGICS


@dataclass(frozen=True, slots=True)
class Format:
    """One file format.

    Attributes:
        recognises: Whether a file's bytes are of this format.
        read: From the file's bytes.
        encode: To the file's bytes in parts, at a quality of 1…100 and by at most so many threads;
            ``None`` if it is only read.
        suffixes: The usual one first.
        bit_depths: What it can hold, ascending.
        has_alpha: Whether it can hold transparency.
        default_quality: Where quality means something.
    """

    recognises: Callable[[bytes], bool]
    read: Callable[[bytes, Limits], Photo]
    encode: Callable[[Photo, int, int], list[bytes]] | None
    suffixes: tuple[str, ...]
    bit_depths: tuple[int, ...]
    has_alpha: bool = True
    default_quality: int = 100


FORMATS: dict[str, Format] = {
    "JPEG": Format(
        lambda data: data.startswith(jpeg.MAGIC),
        jpeg.read,
        jpeg.encode,
        (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
        (8,),
        has_alpha=False,
        default_quality=jpeg.DEFAULT_QUALITY,
    ),
    "PNG": Format(
        lambda data: data.startswith(PNG_MAGIC),
        png.read,
        lambda photo, _quality, _threads: png.encode(photo),
        (".png",),
        (8, 16),
    ),
    # Before TIFF: most cameras' files are TIFF files of a kind.
    "RAW": Format(raw.is_raw, raw.read, None, raw.SUFFIXES, (16,), has_alpha=False),
    "TIFF": Format(
        lambda data: data.startswith(TIFF_MAGICS),
        tiff.read,
        lambda photo, _quality, threads: tiff_writer.encode(photo, threads),
        (".tif", ".tiff"),
        (8, 16, 32),
    ),
    "WEBP": Format(
        webp.is_webp,
        webp.read,
        lambda photo, quality, _threads: webp.encode(photo, quality),
        (".webp",),
        (8,),
        default_quality=webp.DEFAULT_QUALITY,
    ),
    "AVIF": Format(
        lambda data: avif.is_avif(data[:32]),
        avif.read,
        avif.encode,
        (".avif",),
        (8, 16),
        default_quality=avif.DEFAULT_QUALITY,
    ),
    "HEIF": Format(
        lambda data: heif.is_heif(data[:32]),
        heif.read,
        lambda photo, quality, _threads: heif.encode(photo, quality),
        (".heic", ".heif", ".hif"),
        (8, 16),
        default_quality=heif.DEFAULT_QUALITY,
    ),
    "JXL": Format(
        jxl.is_jxl,
        jxl.read,
        jxl.encode,
        (".jxl",),
        (8, 16, 32),
        default_quality=jxl.DEFAULT_QUALITY,
    ),
    "PPM": Format(
        netpbm.is_netpbm,
        netpbm.read,
        lambda photo, _quality, _threads: netpbm.encode(photo),
        (".ppm", ".pgm", ".pbm", ".pnm"),
        (8, 16),
        has_alpha=False,
    ),
}
"""By the name that :attr:`Photo.format` has, in the order in which they are tried."""
