"""What is done with a photo that was sent: enhanced, asked for its grid, or made visible."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from fivefold.errors import MissingExtraError, PhotoError
from fivefold.photo.files import check_photo_start, encode_photo, read_photo
from fivefold.photo.formats import FORMATS
from fivefold.photo.image import Metadata, Photo, Pixels
from fivefold.photo.resize import area_average
from fivefold.runtime.batch import noted
from fivefold.runtime.enhancer import Enhancer, neutral
from fivefold.web import grid_format
from fivefold.web.parameters import MEDIA_TYPES, Look, check_bit_depth
from fivefold.web.problems import of_photo
from fivefold.web.uploads import Upload
from fivefold.web.workshop import Job

_PREVIEW_QUALITY = 92


@dataclass(frozen=True, slots=True)
class Answer:
    """A file to send back.

    Attributes:
        content: Its bytes.
        media_type: What kind of file.
        name: What to call it, or ``None`` for what nobody saves.
        pixels: How many pixels the photo had.
    """

    content: bytes
    media_type: str
    name: str | None
    pixels: int


class Jobs:
    """The service's work, for use in worker threads.

    Args:
        max_pixels: Larger photos are refused.
        threads: How many threads decoding and coding one photo may use.
    """

    def __init__(self, max_pixels: int, threads: int) -> None:
        self._max_pixels = max_pixels
        self._threads = threads

    def enhance(self, upload: Upload, look: Look, job: Job) -> Answer:
        """The photo enhanced at full resolution, with its profile and metadata.

        Raises:
            ProblemError: If it cannot be read, or not be written as asked for.
            AbandonedError: If nobody waits for it.
        """
        photo = self._read(upload)
        file_format = _format_of(photo, look.format)
        check_bit_depth(file_format.lower(), look.bit_depth)
        job.go_on()
        grid = look.enhancer.predict(photo)
        job.go_on()
        is_ours = photo.pixels.flags.writeable
        enhanced = look.enhancer.render(photo, grid, strength=look.strength, in_place=is_ours)
        if look.note:
            enhanced = noted(enhanced, look.enhancer, look.strength)
        job.go_on()
        content = self._encode(enhanced, file_format, look.quality, look.bit_depth)
        return Answer(
            content,
            MEDIA_TYPES[file_format],
            enhanced_name(upload.name, file_format),
            photo.width_px * photo.height_px,
        )

    def predict(self, upload: Upload, enhancer: Enhancer, job: Job) -> Answer:
        """The photo's grid, packed as :mod:`fivefold.web.grid_format` says.

        Raises:
            ProblemError: If it cannot be read.
            AbandonedError: If nobody waits for it.
        """
        photo = self._read(upload)
        job.go_on()
        grid = enhancer.predict(photo)
        if photo.is_greyscale:
            grid = neutral(grid)  # as the enhancer's own rendering does
        return Answer(
            grid_format.pack_grid(grid),
            grid_format.MEDIA_TYPE,
            None,
            photo.width_px * photo.height_px,
        )

    def preview(self, upload: Upload, max_side_px: int, job: Job) -> Answer:
        """The photo as it came, in a format that every browser shows, without metadata.

        Raises:
            ProblemError: If it cannot be read.
            AbandonedError: If nobody waits for it.
        """
        photo = replace(self._read(upload), metadata=Metadata())
        pixels = photo.width_px * photo.height_px
        job.go_on()
        photo = _reduced(photo, max_side_px)
        job.go_on()
        file_format = "JPEG" if photo.alpha is None else "PNG"
        content = self._encode(photo, file_format, _PREVIEW_QUALITY, 8)
        return Answer(content, MEDIA_TYPES[file_format], None, pixels)

    def check(self, upload: Upload, job: Job) -> Answer:
        """What kind of photo a file is, by its first bytes.

        Raises:
            ProblemError: If they tell that it cannot be read.
            AbandonedError: If nobody waits for it.
        """
        job.go_on()
        try:
            file_format = check_photo_start(
                upload.content, name=upload.name, max_pixels=self._max_pixels
            )
        except (PhotoError, MissingExtraError) as error:
            raise of_photo(error) from error
        content = json.dumps({"format": file_format.lower()}).encode()
        return Answer(content, "application/json", None, 0)

    def _read(self, upload: Upload) -> Photo:
        try:
            return read_photo(
                upload.content,
                name=upload.name,
                max_pixels=self._max_pixels,
                threads=self._threads,
            )
        except (PhotoError, MissingExtraError) as error:
            raise of_photo(error) from error

    def _encode(
        self, photo: Photo, file_format: str, quality: int | None, bit_depth: int | None
    ) -> bytes:
        try:
            return encode_photo(
                photo,
                format=file_format,
                quality=quality,
                bit_depth=bit_depth,
                threads=self._threads,
            )
        except (PhotoError, MissingExtraError) as error:
            raise of_photo(error) from error


def enhanced_name(name: str, file_format: str) -> str:
    """What an enhanced photo is called: ``IMG_1.HEIC`` as JPEG becomes ``IMG_1_enhanced.jpg``."""
    path = PurePosixPath(name)
    known = FORMATS[file_format].suffixes
    suffix = path.suffix if path.suffix.lower() in known else known[0]
    return f"{path.stem}_enhanced{suffix}"


def _format_of(photo: Photo, stated: str | None) -> str:
    if stated is not None:
        return stated.upper()
    if photo.format in MEDIA_TYPES:
        return photo.format
    return "TIFF" if photo.format == "RAW" else "PNG"


def _reduced(photo: Photo, max_side_px: int) -> Photo:
    ratio = max_side_px / max(photo.width_px, photo.height_px)
    if ratio >= 1:
        return photo
    height = max(1, round(photo.height_px * ratio))
    width = max(1, round(photo.width_px * ratio))

    def reduce(plane: Pixels) -> Pixels:
        return np.rint(area_average(plane, height, width) * 255).astype(np.uint8)

    alpha = None if photo.alpha is None else reduce(photo.alpha[..., None])[..., 0]
    return replace(photo, pixels=reduce(photo.pixels), alpha=alpha)
