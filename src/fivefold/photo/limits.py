"""How large a photo may be before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from fivefold.errors import PhotoTooLargeError

DEFAULT_MAX_PIXELS = 256_000_000  # above every camera; 0.8 GB at 8 bits, 1.5 GB at 16
MAX_FILE_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reader checks before it takes memory for pixels."""

    max_pixels: int = DEFAULT_MAX_PIXELS

    def check(self, width_px: int, height_px: int) -> None:
        """Refuse a photo that is too large.

        Raises:
            PhotoTooLargeError: If it has more than ``max_pixels``.
        """
        if width_px * height_px > self.max_pixels:
            raise PhotoTooLargeError(
                f"{width_px} × {height_px} pixels are more than the limit of {self.max_pixels}"
            )
