"""An encoded picture of a set, wherever its bytes lie."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from fivefold.errors import PhotoReadError
from fivefold.photo.files import read_photo
from fivefold.photo.image import Photo


@runtime_checkable
class Encoded(Protocol):
    """An encoded picture: a :class:`pathlib.Path`, or a cell of a Parquet file."""

    def read_bytes(self) -> bytes:
        """The bytes of the picture's file."""
        ...


def decode(picture: Encoded) -> Photo:
    """Decode a picture of a set.

    Raises:
        PhotoReadError: If it is missing or damaged.
        UnsupportedPhotoError: If it is a picture of a kind that is not handled.
    """
    try:
        content = picture.read_bytes()
    except OSError as error:
        raise PhotoReadError(f"{picture}: {error.strerror or error}") from error
    return read_photo(content, name=str(picture), threads=1)
