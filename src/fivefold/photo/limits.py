"""How large a photo may be before it is refused, and before it takes memory."""

from __future__ import annotations

from typing import NamedTuple

from fivefold.errors import PhotoReadError, PhotoTooLargeError

DEFAULT_MAX_PIXELS = 256_000_000  # above every camera; 0.8 GB at 8 bits, 1.5 GB at 16
DEFAULT_MAX_MEMORY_BYTES = 4 << 30
MAX_FILE_BYTES = 4 << 30
MAX_PARTS = 100_000  # chunks, segments or boxes of one file; photos have some dozens


class Limits(NamedTuple):
    """What a reader checks before it takes memory for pixels.

    Attributes:
        max_pixels: The most that a photo may have.
        max_memory_bytes: The most that its decoded pixels may take.
    """

    max_pixels: int = DEFAULT_MAX_PIXELS
    max_memory_bytes: int = DEFAULT_MAX_MEMORY_BYTES

    def check(self, width_px: int, height_px: int, bytes_per_pixel: int) -> None:
        """Refuse a photo that is too large.

        Raises:
            PhotoTooLargeError: If it is above either limit.
        """
        if width_px * height_px > self.max_pixels:
            raise PhotoTooLargeError(
                f"{width_px} × {height_px} pixels are more than the limit of {self.max_pixels}"
            )
        if width_px * height_px * bytes_per_pixel > self.max_memory_bytes:
            raise PhotoTooLargeError(
                f"{width_px} × {height_px} pixels of {bytes_per_pixel} bytes take more than the "
                f"limit of {self.max_memory_bytes} bytes"
            )


def check_parts(count: int, name: str) -> None:
    """Refuse a file that is cut into so many parts that only their headers fill it.

    Raises:
        PhotoReadError: Above the limit.
    """
    if count > MAX_PARTS:
        raise PhotoReadError(f"damaged {name}: more than {MAX_PARTS} parts")
