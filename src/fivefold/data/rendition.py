"""One picture of a photo, from its original file to the small sRGB picture that is trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.data.dng import develop_linear
from fivefold.photo.colour import linear_to_srgb
from fivefold.photo.files import read_photo
from fivefold.photo.image import FULL_SCALE
from fivefold.photo.model_space import to_srgb
from fivefold.photo.profile import Curve, build_rgb, matrix_profile, parametric_curve

_SRGB_CURVE = Curve((2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0.0, 0.0))
# Linear ProPhoto RGB (ROMM, ISO 22028-2) to XYZ relative to D50.
_PROPHOTO_TO_XYZ = (
    (0.79767, 0.13519, 0.03135),
    (0.28804, 0.71187, 0.00009),
    (0.0, 0.0, 0.82491),
)


@dataclass(frozen=True)
class Size:
    """How large a rendition becomes: one of its sides is given, and nothing is enlarged.

    Attributes:
        long_side_px: Of the longer side.
        short_side_px: Of the shorter side.

    Raises:
        ValueError: If not exactly one is given, or it is no length.
    """

    long_side_px: int | None = None
    short_side_px: int | None = None

    def __post_init__(self) -> None:
        given = [s for s in (self.long_side_px, self.short_side_px) if s is not None]
        if len(given) != 1 or given[0] < 1:
            raise ValueError(
                "one of long_side_px and short_side_px must be given and be at least 1, received "
                f"{self.long_side_px} and {self.short_side_px}"
            )

    def of(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Width and height of the rendition of a picture of this size."""
        side = self.long_side_px or self.short_side_px
        assert side is not None
        own = max(width_px, height_px) if self.long_side_px else min(width_px, height_px)
        scale = min(1.0, side / own)
        return max(1, round(width_px * scale)), max(1, round(height_px * scale))

    @property
    def shortest_long_side_px(self) -> int:
        """A picture whose long side is this or more has detail to spare for the reduction."""
        return 2 * (self.long_side_px or 2 * (self.short_side_px or 0))


@dataclass(frozen=True)
class Original:
    """A picture at its full size, decoded to light.

    Attributes:
        linear: ``(H, W, 3)``, 0…1, linear light of the space that ``icc_profile`` codes.
        curves: From coded values to that light, for each channel.
        icc_profile: ``None`` for sRGB.
        file_px_per_px: Pixels of the file that are one here, along a side.
    """

    linear: NDArray[np.float32]
    curves: tuple[Curve, Curve, Curve]
    icc_profile: bytes | None
    file_px_per_px: int = 1

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height as decoded."""
        return self.linear.shape[1], self.linear.shape[0]

    @property
    def full_size_px(self) -> tuple[int, int]:
        """Width and height of the picture that the file holds."""
        return self.size_px[0] * self.file_px_per_px, self.size_px[1] * self.file_px_per_px

    def turned(self, quarter_turns: int) -> Original:
        """The same picture turned counter-clockwise."""
        return replace(self, linear=np.rot90(self.linear, quarter_turns))

    def cropped(self, width_px: int, height_px: int) -> Original:
        """The middle of the picture; the same picture where it is no larger than that."""
        left = max(0, self.linear.shape[1] - width_px) // 2
        top = max(0, self.linear.shape[0] - height_px) // 2
        return replace(self, linear=self.linear[top : top + height_px, left : left + width_px])

    def reduced(self, width_px: int, height_px: int) -> NDArray[np.float32]:
        """The picture at another size, in sRGB.

        Light is averaged, not coded values, so that fine detail keeps its brightness; the kernel
        (Hamming) is positive, so that it rings at no edge. The profile then gives sRGB,
        relative colorimetric, and what lies outside is clipped.

        Returns:
            ``(height_px, width_px, 3)`` sRGB, 0…1.
        """
        if (width_px, height_px) != self.size_px:
            channels = [_resize(self.linear[..., c], (width_px, height_px)) for c in range(3)]
        else:
            channels = [self.linear[..., c] for c in range(3)]
        if self.icc_profile is None:
            srgb = linear_to_srgb(np.stack(channels, axis=-1))
        else:
            coded = [c.to_coded(x) for c, x in zip(self.curves, channels, strict=True)]
            srgb = to_srgb(np.stack(coded, axis=-1).astype(np.float32), self.icc_profile)
        return np.clip(srgb, 0, 1).astype(np.float32)


def open_original(path: Path, size: Size) -> Original:
    """Read a DNG, an expert's TIFF, or any other picture, upright and in full size.

    A 16-bit TIFF without a profile is taken for ProPhoto RGB, as FiveK's are; any other picture
    without one for sRGB.

    Args:
        path: The file; a name that ends in ``.dng`` is developed.
        size: What it will be reduced to.

    Raises:
        PhotoReadError: If the file is missing or damaged.
        UnsupportedPhotoError: If it is a picture of a kind that is not handled.
        MissingExtraError: If LibRaw is needed and not installed.
    """
    srgb = (_SRGB_CURVE, _SRGB_CURVE, _SRGB_CURVE)
    if path.suffix.lower() == ".dng":
        linear, file_px_per_px = develop_linear(
            path, shortest_long_side_px=size.shortest_long_side_px
        )
        return Original(linear, srgb, None, file_px_per_px)
    photo = read_photo(path, threads=1)
    icc_profile = photo.icc_profile
    if icc_profile is None and photo.format == "TIFF" and photo.bit_depth == 16:
        icc_profile = prophoto_profile()
    parsed = matrix_profile(icc_profile) if icc_profile is not None else None
    # Colours coded by tables have no curve to light: their coded values are averaged instead.
    straight = Curve((1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    curves = parsed.curves if parsed else (straight,) * 3 if icc_profile else srgb
    linear = np.empty(photo.pixels.shape, np.float32)
    for i, curve in enumerate(curves):
        linear[..., i] = _to_linear(photo.pixels[..., i], curve)
    return Original(linear, curves, icc_profile)


def _to_linear(coded: NDArray[Any], curve: Curve) -> NDArray[np.float32]:
    """Light of one channel; integers go through a table of all their codes."""
    if coded.dtype == np.float32:
        return curve.to_linear(coded).astype(np.float32)
    codes = np.linspace(0, 1, int(FULL_SCALE[coded.dtype]) + 1)
    table: NDArray[np.float32] = curve.to_linear(codes).astype(np.float32)
    light: NDArray[np.float32] = table[coded]
    return light


def prophoto_profile() -> bytes:
    """A profile of ProPhoto RGB (ROMM RGB, gamma 1.8, white D50)."""
    return build_rgb(_PROPHOTO_TO_XYZ, parametric_curve(1.8), "ProPhoto RGB")


def _resize(channel: NDArray[np.float32], size_px: tuple[int, int]) -> NDArray[np.float32]:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(channel), mode="F")
    return np.asarray(picture.resize(size_px, Image.Resampling.HAMMING), np.float32)
