"""A fuzz target for JPEGs decoded in pieces; needs atheris, and stops at the first surprise.

    python tests/fuzz/fuzz_jpeg.py CORPUS -max_total_time=600

``CORPUS`` is a folder of JPEGs to start from. Whatever an input is, several threads must make of it
what one makes: the same pixels, or the same complaint.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["fivefold.photo"]):
    from fivefold.errors import PhotoError
    from fivefold.photo import jpeg
    from fivefold.photo.files import read_photo


def outcome(data: bytes, threads: int) -> tuple[str, bytes]:
    """What an input comes out as."""
    try:
        photo = read_photo(data, max_pixels=100_000, threads=threads)
    except PhotoError as error:
        return f"{type(error).__name__}: {error}", b""
    return str(photo.pixels.shape), photo.pixels.tobytes()


def compare(data: bytes) -> None:
    """Read an input both ways."""
    if data.startswith(jpeg.MAGIC):
        assert outcome(data, 3) == outcome(data, 1)


if __name__ == "__main__":
    jpeg._LEAST_PIXELS_FOR_PIECES = 0
    atheris.Setup(sys.argv, compare)
    atheris.Fuzz()
