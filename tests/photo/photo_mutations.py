"""Damaged files by seed, and a process that reads them.

Run as ``python photo_mutations.py FORMAT FIRST COUNT``: reads that many mutations of small files
of the format and prints a line for each that is neither a photo nor a ``PhotoError``, or takes too
long. Memory is limited, so that one that takes too much is an error too.
"""

from __future__ import annotations

import sys
import time
import traceback
from dataclasses import replace

import numpy as np
from photo_samples import (
    IPTC,
    PROFILES,
    XMP,
    cmyk_profile,
    exif_block,
    made_dng,
    pillow_file,
    random_photo,
    smooth_photo,
)

from fivefold.errors import PhotoError
from fivefold.photo.files import encode_photo, read_photo
from fivefold.photo.image import Metadata, Photo

FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF", "JXL", "PPM", "RAW")
MAX_PIXELS = 1_000_000
MAX_SECONDS = 10.0
MAX_MEMORY_BYTES = 3 << 30


def originals(file_format: str) -> list[bytes]:
    """Sound files of a format: small, with all their metadata, in several layouts."""
    if file_format == "RAW":
        return [made_dng()]
    metadata = Metadata(exif_block(), XMP, IPTC)
    described = {"metadata": metadata, "icc_profile": PROFILES["Display P3"]}
    if file_format in ("JXL", "PPM"):
        del described["icc_profile"]
    photos = [
        replace(smooth_photo((40, 56)), **described),
        replace(random_photo((19, 23), grey=True), metadata=metadata),
    ]
    if file_format not in ("JPEG", "PPM"):
        photos.append(replace(random_photo((17, 21), alpha=True), **described))
    if file_format in ("PNG", "TIFF"):
        photos.append(replace(random_photo((21, 18), np.uint16), **described))
    files = [encode_photo(photo, format=file_format) for photo in photos]
    return files + _by_pillow(file_format, photos[0])


def _by_pillow(file_format: str, photo: Photo) -> list[bytes]:
    from PIL import Image

    image = Image.fromarray(photo.pixels)
    if file_format == "JPEG":
        inks = image.convert("CMYK")
        return [
            pillow_file(image, "JPEG", progressive=True),
            pillow_file(inks, "JPEG", icc_profile=cmyk_profile()),
        ]
    if file_format == "PNG":
        return [pillow_file(image.convert("P"), "PNG", transparency=3)]
    if file_format == "TIFF":
        return [pillow_file(image, "TIFF", compression=c) for c in ("tiff_lzw", "jpeg", "packbits")]
    return []


def mutated(whole: bytes, seed: int) -> bytes:
    """A damaged copy: bits and bytes changed, numbers made extreme, parts cut, moved, doubled."""
    rng = np.random.default_rng(seed)
    data = bytearray(whole)
    for _ in range(int(rng.integers(1, 5))):
        if not data:
            break
        # Heads and tails hold the structure: half of all damage is done there.
        span = len(data) if rng.random() < 0.5 else min(len(data), 600)
        at = int(rng.integers(0, span))
        if rng.random() < 0.2:
            at = len(data) - 1 - at
        kind = rng.integers(0, 8)
        length = int(rng.integers(1, 40))
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            data[at] = int(rng.integers(0, 256))
        elif kind == 2:
            extreme = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]
            data[at : at + 4] = extreme[int(rng.integers(0, 4))]
        elif kind == 3:
            del data[at:]
        elif kind == 4:
            del data[at : at + length]
        elif kind == 5:
            data[at:at] = rng.bytes(length)
        elif kind == 6:
            data[at:at] = data[at : at + length * 8]
        else:
            other = int(rng.integers(0, len(data)))
            data[at : at + length] = data[other : other + length]
    return bytes(data)


def check(file_format: str, first: int, count: int) -> list[str]:
    """Read mutations; the complaints, each with the seed that repeats it."""
    files = originals(file_format)
    complaints = []
    for seed in range(first, first + count):
        data = mutated(files[seed % len(files)], seed)
        start_s = time.monotonic()
        try:
            photo = read_photo(data, max_pixels=MAX_PIXELS)
            assert photo.pixels.shape[0] * photo.pixels.shape[1] <= MAX_PIXELS
        except PhotoError as error:
            if "\n" in str(error) or len(str(error)) > 300:
                complaints.append(f"{file_format} {seed}: not one line: {error}")
        except BaseException:
            complaints.append(f"{file_format} {seed}: {traceback.format_exc()}")
        took_s = time.monotonic() - start_s
        if took_s > MAX_SECONDS:
            complaints.append(f"{file_format} {seed}: took {took_s:.1f} s")
    return complaints


def main() -> None:
    """Check what the command line asks for."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    for complaint in check(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])):
        sys.stdout.write(complaint + "\n")


if __name__ == "__main__":
    main()
