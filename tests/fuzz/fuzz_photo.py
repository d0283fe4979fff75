"""A fuzz target for the readers of photos; needs atheris, and stops at the first surprise.

    python tests/fuzz/fuzz_photo.py CORPUS -max_total_time=600

``CORPUS`` is a folder of photos to start from. Anything but a photo or a ``PhotoError`` is a
finding; atheris keeps the input that led to it.
"""

from __future__ import annotations

import contextlib
import sys

import atheris

with atheris.instrument_imports(include=["fivefold.photo"]):
    from fivefold.errors import PhotoError
    from fivefold.photo.files import encode_photo, read_photo


def read(data: bytes) -> None:
    """Read an input, and write what was read to the format that it came in."""
    with contextlib.suppress(PhotoError):
        photo = read_photo(data, max_pixels=100_000)
        if photo.format in ("JPEG", "PNG", "TIFF", "WEBP", "PPM"):
            encode_photo(photo, threads=1)


if __name__ == "__main__":
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
