"""How steady a model is: the same photo, taken or saved a little differently, should end the same.

No retoucher's version is needed. A photo is varied in one way at a time, as cameras and programs
vary it; the variants differ from the photo by so much, and what the model makes of them differs
from what it makes of the photo by so much less. Both are mean CIEDE2000 differences, and their
ratio is the figure: 1 is a model that changes nothing, 0 one that always finds the same picture.

A retouch that raises contrast raises every difference, also between a photo and itself saved
worse. So of a model that tells what it decided, a third difference is taken: how far apart variant
and photo end when both get the photo's own retouch. What the model decides anew for the variant
should bring them nearer than that.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fivefold.evaluate.benchmark import Enhance, srgb_codes
from fivefold.evaluate.metrics import delta_e_2000
from fivefold.photo.colour import (
    LUMA,
    SRGB_TO_XYZ,
    XYZ_TO_SRGB,
    adaptation_matrix,
    linear_to_srgb,
    srgb_to_linear,
)
from fivefold.photo.image import Photo
from fivefold.runtime.enhancer import Enhancer

Codes = NDArray[np.uint8]

EXPOSURES_EV = (-2.0, -1.0, -0.5, 0.5, 1.0, 1.5)
TEMPERATURE_SHIFTS_K = (-800.0, -400.0, 400.0, 800.0)
SATURATIONS = (0.5, 0.75)
JPEG_QUALITIES = (40, 70, 95)
FAMILIES = ("exposure", "temperature", "saturation", "jpeg")

_DAYLIGHT_K = 6504.0  # D65
_LUMA = np.array(LUMA)


@dataclass(frozen=True)
class Steadiness:
    """How far apart one variant of a photo and the photo are, before and after the model.

    Attributes:
        photo: Its name.
        family: What was varied, one of :data:`FAMILIES`.
        variant: By how much, as people write it (``"-2 EV"``).
        before: Mean ΔE2000 between variant and photo.
        after: Mean ΔE2000 between the model's results for them.
        held: Mean ΔE2000 between the results of the photo's own retouch for both; ``None`` for a
            model that does not tell its retouch.
    """

    photo: str
    family: str
    variant: str
    before: float
    after: float
    held: float | None = None


def steadiness(enhance: Enhance, codes: Codes, name: str) -> list[Steadiness]:
    """Compare a model's results for all variants of a photo with that for the photo.

    Args:
        enhance: The model; an :class:`~fivefold.runtime.enhancer.Enhancer` tells its retouch.
        codes: ``(H, W, 3)`` 8-bit sRGB, the photo as it is.
        name: Of the photo.
    """
    own = _own_retouch(enhance, codes)
    result = _enhanced(own or enhance, codes)
    return [
        Steadiness(
            name,
            family,
            variant,
            before=delta_e_2000(varied, codes),
            after=delta_e_2000(_enhanced(enhance, varied), result),
            held=None if own is None else delta_e_2000(_enhanced(own, varied), result),
        )
        for family, variant, varied in variants(codes)
    ]


def variants(codes: Codes) -> Iterator[tuple[str, str, Codes]]:
    """All variants of a photo: family, variant, and the 8-bit pixels.

    Args:
        codes: ``(H, W, 3)`` 8-bit sRGB.
    """
    ways: tuple[tuple[str, tuple[float, ...], Callable[[Codes, float], Codes]], ...] = (
        ("{:+g} EV", EXPOSURES_EV, exposed),
        ("{:+g} K", TEMPERATURE_SHIFTS_K, shifted_in_temperature),
        ("saturation {:.0%}", SATURATIONS, saturated),
        ("quality {}", JPEG_QUALITIES, recompressed),
    )
    for family, (form, amounts, vary) in zip(FAMILIES, ways, strict=True):
        for amount in amounts:
            yield family, form.format(amount), vary(codes, amount)


def exposed(codes: Codes, exposure_ev: float) -> Codes:
    """A photo with its linear light multiplied by 2^``exposure_ev``, clipped as a sensor clips."""
    return _coded(srgb_to_linear(codes / 255) * 2.0**exposure_ev)


def shifted_in_temperature(codes: Codes, shift_k: float) -> Codes:
    """A photo with its white balance set wrong by ``shift_k`` kelvin from daylight, 6504 K.

    What was white becomes the white of a daylight illuminant (CIE 15) of that many kelvin more,
    with Bradford's adaptation; more kelvin are bluer.
    """
    white, wrong = _daylight_xyz(_DAYLIGHT_K), _daylight_xyz(_DAYLIGHT_K + shift_k)
    adaptation = adaptation_matrix(white, wrong)
    matrix = XYZ_TO_SRGB @ adaptation @ SRGB_TO_XYZ
    return _coded(srgb_to_linear(codes / 255) @ matrix.T)


def saturated(codes: Codes, factor: float) -> Codes:
    """A photo with the distance of each pixel from its luma multiplied, on coded values."""
    luma = (codes @ _LUMA)[..., None]
    return _rounded(luma + (codes - luma) * factor)


def recompressed(codes: Codes, quality: float) -> Codes:
    """A photo saved as a JPEG of ``quality``, 4:2:0, and read again."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(codes).save(file, "JPEG", quality=int(quality), subsampling="4:2:0")
    return np.array(Image.open(file))


def _daylight_xyz(temperature_k: float) -> NDArray[np.float64]:
    """The white of CIE daylight, 4000…7000 K and above, Y = 1 (CIE 15, equations 3.2 to 3.4)."""
    inverse = 1e3 / temperature_k
    if temperature_k <= 7000:
        x = 0.244063 + inverse * (0.09911 + inverse * (2.9678 - 4.6070 * inverse))
    else:
        x = 0.237040 + inverse * (0.24748 + inverse * (1.9018 - 2.0064 * inverse))
    y = -3.0 * x * x + 2.870 * x - 0.275
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _own_retouch(enhance: Enhance, codes: Codes) -> Enhance | None:
    """What the model does to this photo, as something to do to any."""
    if not isinstance(enhance, Enhancer):
        return None
    grid = enhance.predict(Photo(codes))
    return lambda photo: enhance.render(photo, grid)


def _enhanced(enhance: Enhance, codes: Codes) -> Codes:
    return srgb_codes(enhance(Photo(codes)))


def _coded(linear_rgb: NDArray[np.floating]) -> Codes:
    return _rounded(255 * linear_to_srgb(np.clip(linear_rgb, 0, 1)))


def _rounded(values: NDArray[np.floating]) -> Codes:
    codes: Codes = np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return codes
