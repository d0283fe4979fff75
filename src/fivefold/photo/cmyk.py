"""CMYK pixels to sRGB, through the profile that they come with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import UnsupportedPhotoError
from fivefold.photo import profile


def to_srgb(inks: NDArray[Any], icc_profile: bytes | None) -> NDArray[Any]:
    """Convert ink amounts to sRGB by LittleCMS, relative colorimetric.

    Args:
        inks: ``(H, W, 4)`` ``uint8`` or ``uint16``, full scale for full ink.
        icc_profile: The profile of these inks.

    Returns:
        ``(H, W, 3)`` of the same type. Colours outside sRGB are clipped.

    Raises:
        UnsupportedPhotoError: Without a CMYK profile, as the colours are then anyone's guess.
    """
    import imagecodecs

    icc_profile = check_profile(icc_profile)
    converted: NDArray[Any] = imagecodecs.cms_transform(
        np.ascontiguousarray(inks),
        icc_profile,
        imagecodecs.cms_profile("srgb"),
        colorspace="cmyk",
        outcolorspace="rgb",
        outdtype=inks.dtype,
    )
    return converted


def check_profile(icc_profile: bytes | None) -> bytes:
    """The profile of CMYK pixels, if it is one.

    Raises:
        UnsupportedPhotoError: Without a CMYK profile.
    """
    if icc_profile is None or profile.colour_space(icc_profile) != "CMYK":
        raise UnsupportedPhotoError("CMYK without a colour profile; convert it to RGB first")
    return icc_profile
