"""A photo as people have it: pixels, their colour profile, and everything written about them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]

FULL_SCALE: dict[np.dtype[np.generic], float] = {
    np.dtype(np.uint8): 255.0,
    np.dtype(np.uint16): 65535.0,
    np.dtype(np.float32): 1.0,
}


@dataclass(frozen=True, slots=True)
class Metadata:
    r"""What a file says about its photo, as the raw bytes that it was said in.

    Attributes:
        exif: A TIFF-structured block (``II*\0…`` or ``MM\0*…``), without the ``Exif\0\0``
            prefix of JPEG. Its orientation is 1 (upright) once the pixels have been turned.
        xmp: An XMP packet, UTF-8.
        iptc: An IPTC-IIM record, without Photoshop's wrapping.
        xmp_extension: What JPEG files keep of an XMP packet beyond 64 KiB.
        photoshop: Photoshop's other image resources (paths, guides, …), without previews.
        density_dpi: Pixels per inch across and down, as JFIF and PNG state them for printing.
        texts: Keyword and text of PNG's text chunks; a JPEG comment has the keyword ``Comment``.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    xmp_extension: bytes | None = None
    photoshop: bytes | None = None
    density_dpi: tuple[float, float] | None = None
    texts: tuple[tuple[str, str], ...] = ()


class Coding(NamedTuple):
    """How a file coded its pixels, so that they can be coded the same way again.

    Attributes:
        chroma: Chroma subsampling (``"444"``, ``"422"``, ``"420"``, …), where there is one.
        is_lossless: The file kept every pixel, in a format that has both ways.
        bits: Bits of one channel in the file, where the format has others than 8, 16 and 32.
    """

    chroma: str | None = None
    is_lossless: bool = False
    bits: int | None = None


@dataclass(frozen=True, slots=True)
class Photo:
    """Pixels, upright, with the facts needed to write them back as they came.

    Attributes:
        pixels: ``(H, W, 3)``, RGB, ``uint8`` (0…255), ``uint16`` (0…65535) or ``float32`` (0…1),
            coded as ``icc_profile`` says. A greyscale photo has three equal channels.
        alpha: ``(H, W)`` of the same type as ``pixels``, not premultiplied, or ``None``.
        icc_profile: The RGB colour profile of ``pixels``; ``None`` means sRGB.
        metadata: EXIF, XMP and IPTC.
        is_greyscale: The photo came with one channel, and goes back to one.
        format: The file format that it came in (``"JPEG"``, ``"PNG"``, ``"TIFF"``, ``"WEBP"``), or
            ``None`` for a photo made in memory.
        grey_icc_profile: The one-channel profile that a greyscale photo came with;
            ``icc_profile`` then has the same curve.
        coding: How that file coded the pixels.
        notes: What reading the file changed or left out, in words for a person.

    Raises:
        TypeError: For a pixel type other than the three.
        ValueError: For a wrong shape.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    icc_profile: bytes | None = None
    metadata: Metadata = field(default_factory=Metadata)
    is_greyscale: bool = False
    format: str | None = None
    grey_icc_profile: bytes | None = None
    coding: Coding = field(default_factory=Coding)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.dtype not in FULL_SCALE:
            raise TypeError(
                f"pixels must be uint8, uint16 or float32, received {self.pixels.dtype}"
            )
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or 0 in self.pixels.shape:
            raise ValueError(f"pixels must be (H, W, 3), received shape {self.pixels.shape}")
        if self.alpha is not None:
            if self.alpha.shape != self.pixels.shape[:2]:
                raise ValueError(
                    f"alpha must be {self.pixels.shape[:2]}, received shape {self.alpha.shape}"
                )
            if self.alpha.dtype != self.pixels.dtype:
                raise TypeError(
                    f"alpha must be {self.pixels.dtype} as the pixels, received {self.alpha.dtype}"
                )

    def __repr__(self) -> str:
        """One line, whatever the pixels are."""
        facts = [f"{self.pixels.shape} {self.pixels.dtype}"]
        if self.format is not None:
            facts.append(self.format)
        if self.is_greyscale:
            facts.append("greyscale")
        if self.alpha is not None:
            facts.append("with alpha")
        facts.append("no profile" if self.icc_profile is None else "with a profile")
        return f"<Photo {', '.join(facts)}>"

    @property
    def width_px(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @property
    def bit_depth(self) -> int:
        """Bits of one channel: 8, 16, or 32 for floating point."""
        return int(self.pixels.dtype.itemsize * 8)

    def with_pixels(self, pixels: Pixels) -> Photo:
        """The same photo with other colours; everything else is kept."""
        return replace(self, pixels=pixels)


def check_photo(photo: object) -> None:
    """Refuse what is no photo where one is taken, such as a bare array.

    Raises:
        TypeError: For anything but a :class:`Photo`.
    """
    if not isinstance(photo, Photo):
        raise TypeError(f"expected a Photo, received {type(photo).__name__}")
