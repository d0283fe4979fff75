"""The way from a photo's own colour space to the model's, and back without loss.

The model was trained on sRGB. A photo in a wider space (Display P3, Adobe RGB, ProPhoto) comes to
*extended* sRGB: floating point, where a colour that sRGB cannot show has channels below 0 or above
1. The transfer function is mirrored about 0 and continued above 1, so this is a one-to-one map of
every colour. The grid's affine transforms are then applied to these values as to any others (only
the guide is clipped), and the result goes back through the inverse map into the photo's own space,
where its gamut is the only limit. Nothing is clipped on the way, so that an identity grid returns
every 8-bit pixel as it was, and 16-bit ones to one code or, where single precision ends first, to
3e-7 of full linear light (in a space of pure gamma a channel near zero takes many codes for that).

That holds for profiles of three curves and a matrix, which is all that cameras, phones and editors
write. A profile with tables goes through LittleCMS both ways: its colours are limited to what the
tables hold, and come back to within the tables' accuracy. One with a table in only one direction
cannot take the photo back; the result is then sRGB.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import UnsupportedPhotoError
from fivefold.photo import colour, compiled_space, profile
from fivefold.photo.image import FULL_SCALE, Pixels

_NO_CHANGE = 2.5e-3  # of a matrix; the rounding with which profiles state sRGB's primaries


@dataclass(frozen=True, slots=True)
class MatrixSpace:
    """A colour space of three curves and a matrix.

    Attributes:
        curves: From coded to linear red, green and blue; one object thrice where they are equal.
        matrix: Linear RGB of this space to linear sRGB; ``None`` where they are the same.
        icc_profile: The profile that this came from.
    """

    curves: tuple[profile.Curve, profile.Curve, profile.Curve]
    matrix: NDArray[np.float64] | None
    icc_profile: bytes

    @property
    def result_profile(self) -> bytes | None:
        """The profile of what :meth:`from_model` returns."""
        return self.icc_profile

    def to_model(self, pixels: Pixels) -> NDArray[np.float32]:
        """Pixels ``(H, W, 3)`` of any type to extended sRGB."""
        if pixels.dtype != np.float32 and compiled_space.is_available():
            return compiled_space.to_model(pixels, self.curves, self.matrix)
        linear = self._by_channel(_linear_light, pixels)
        if self.matrix is not None:
            linear = linear @ self.matrix.T.astype(np.float32)
        return colour.linear_to_srgb(linear).astype(np.float32, copy=False)

    def from_model(self, srgb: NDArray[np.float32], dtype: np.dtype[Any]) -> Pixels:
        """Extended sRGB ``(H, W, 3)`` to pixels of a type, rounded and held in this gamut.

        Floating-point pixels are not held in 0…1.
        """
        back = None if self.matrix is None else np.linalg.inv(self.matrix).astype(np.float64)
        if dtype != np.float32 and compiled_space.is_available():
            return compiled_space.from_model(srgb, dtype, self.curves, back)
        linear = colour.srgb_to_linear(srgb)
        if back is not None:
            linear = linear @ back.T.astype(np.float32)
        coded = self._by_channel(profile.Curve.to_coded, linear)
        return _as_pixels(coded, dtype)

    def _by_channel(
        self, function: Callable[[profile.Curve, NDArray[Any]], NDArray[Any]], values: NDArray[Any]
    ) -> NDArray[Any]:
        """Apply each channel's curve; all at once where they are the same."""
        first, *others = self.curves
        if all(other is first for other in others):
            return function(first, values)
        return np.stack([function(c, values[..., i]) for i, c in enumerate(self.curves)], axis=-1)


@dataclass(frozen=True, slots=True)
class TableSpace:
    """A colour space that only LittleCMS can compute.

    Attributes:
        icc_profile: Its profile.
        has_way_back: The profile also says how to code colours.
    """

    icc_profile: bytes
    has_way_back: bool

    @property
    def result_profile(self) -> bytes | None:
        """The profile of what :meth:`from_model` returns; ``None`` (sRGB) without a way back."""
        return self.icc_profile if self.has_way_back else None

    def to_model(self, pixels: Pixels) -> NDArray[np.float32]:
        """Pixels ``(H, W, 3)`` of any type to sRGB."""
        coded = (pixels / FULL_SCALE[pixels.dtype]).astype(np.float32, copy=False)
        return _by_littlecms(coded, self.icc_profile, profile.srgb())

    def from_model(self, srgb: NDArray[np.float32], dtype: np.dtype[Any]) -> Pixels:
        """The model's colours ``(H, W, 3)`` to pixels of a type, held in this gamut."""
        if self.has_way_back:
            srgb = _by_littlecms(srgb, profile.srgb(), self.icc_profile)
        return _as_pixels(srgb, dtype)


ModelSpace = MatrixSpace | TableSpace


def model_space(icc_profile: bytes | None) -> ModelSpace | None:
    """What takes pixels coded by a profile to the model and back.

    Args:
        icc_profile: An RGB profile. Anything else means sRGB, as it does to other programs.

    Returns:
        ``None`` for sRGB, whose pixels the model takes as they are.
    """
    if icc_profile is None or profile.colour_space(icc_profile) != "RGB":
        return None
    if profile.is_srgb(icc_profile):
        return None
    shaper = profile.matrix_profile(icc_profile)
    if shaper is None:
        return TableSpace(icc_profile, has_way_back="B2A0" in profile.tags(icc_profile))
    matrix = colour.D50_XYZ_TO_SRGB @ shaper.matrix
    is_same = np.abs(matrix - np.eye(3)).max() < _NO_CHANGE
    red, green, blue = shaper.curves
    curves = (red, red, red) if red == green == blue else shaper.curves
    return MatrixSpace(curves, None if is_same else matrix, icc_profile)


def to_srgb(pixels: NDArray[np.float32], icc_profile: bytes | None) -> NDArray[np.float32]:
    """Colours ``(H, W, 3)``, 0…1, coded by a photo's own profile, as extended sRGB.

    Raises:
        UnsupportedPhotoError: If the profile cannot be used.
    """
    space = model_space(icc_profile)
    return pixels if space is None else space.to_model(pixels)


def _by_littlecms(
    coded: NDArray[np.float32], from_profile: bytes, to_profile: bytes
) -> NDArray[np.float32]:
    """Convert between two RGB profiles, relative colorimetric."""
    import imagecodecs

    try:
        converted: NDArray[np.float32] = imagecodecs.cms_transform(
            np.ascontiguousarray(coded),
            from_profile,
            to_profile,
            colorspace="rgb",
            outcolorspace="rgb",
            intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        )
    except imagecodecs.CmsError as error:
        raise UnsupportedPhotoError(f"a colour profile that cannot be used: {error}") from error
    return converted


def _linear_light(curve: profile.Curve, coded: NDArray[Any]) -> NDArray[Any]:
    """One channel in linear light; integers by a table of all their values."""
    if coded.dtype == np.float32:
        return curve.to_linear(coded)
    codes = np.arange(np.iinfo(coded.dtype).max + 1) / FULL_SCALE[coded.dtype]
    return np.take(curve.to_linear(codes).astype(np.float32), coded)


def _as_pixels(coded: NDArray[Any], dtype: np.dtype[Any]) -> Pixels:
    if dtype == np.float32:
        return coded.astype(np.float32, copy=False)
    scale = np.float32(FULL_SCALE[dtype])
    result: Pixels = np.empty(coded.shape, dtype)
    np.rint(np.clip(coded, 0, 1) * scale, out=result, casting="unsafe")
    return result
