"""Finished photos made to look un-retouched, so that retouching them back can be learned.

A camera's flat output is darker, flatter and paler than what a photographer makes of it, its white
is off, and light falls unevenly. A *look* undoes a finished photo in that order: white balance,
exposure and local light in linear light with a soft shoulder at the top; then, in sRGB coding,
contrast about a pivot, a lower black, and saturation. The finished photo is the target, the
look's result the input.

A look is a function of a seed, the photo and the number of the draw, and of nothing else: training
can draw a fresh one each epoch on any machine, and every one can be made again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fivefold.photo.colour import LUMA, Colours, linear_to_srgb, srgb_to_linear

FIELD_ROWS, FIELD_COLUMNS = 3, 4
_SHOULDER = 0.8
_LUMA = np.array(LUMA)


@dataclass(frozen=True)
class Look:
    """One way for a photo to look un-retouched; the defaults leave it as it is.

    Attributes:
        exposure_ev: Stops, in linear light.
        contrast: Factor about ``pivot``, on sRGB-coded values.
        pivot: The coded value that contrast leaves alone, 0…1.
        black: How much of what contrast lifts black by is taken off again, 0…1.
        saturation: Factor about each pixel's luma.
        warmth: Gain exp(warmth) on red and exp(-warmth) on blue, in linear light.
        tint: Gain exp(-tint) on green.
        local_ev: A coarse field of stops over the photo, row by row, ``FIELD_ROWS`` ×
            ``FIELD_COLUMNS`` knots of a smooth surface; empty for even light.
    """

    exposure_ev: float = 0.0
    contrast: float = 1.0
    pivot: float = 0.4
    black: float = 0.0
    saturation: float = 1.0
    warmth: float = 0.0
    tint: float = 0.0
    local_ev: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.local_ev) not in (0, FIELD_ROWS * FIELD_COLUMNS):
            raise ValueError(
                f"local_ev must have {FIELD_ROWS * FIELD_COLUMNS} knots or none, received "
                f"{len(self.local_ev)}"
            )


@dataclass(frozen=True)
class Looks:
    """The looks that are drawn: a lowest and a highest value of each parameter.

    The defaults bring finished photos near to the mean, spread and chroma of FiveK's inputs.

    Attributes:
        local_ev: Spread (standard deviation) of the local light's knots, in stops.

    Raises:
        ValueError: If a range runs backwards, or the spread is negative.
    """

    exposure_ev: tuple[float, float] = (-2.0, 0.5)
    contrast: tuple[float, float] = (0.65, 0.95)
    pivot: tuple[float, float] = (0.3, 0.5)
    black: tuple[float, float] = (0.5, 1.0)
    saturation: tuple[float, float] = (0.5, 0.9)
    warmth: tuple[float, float] = (-0.08, 0.08)
    tint: tuple[float, float] = (-0.04, 0.04)
    local_ev: float = 0.25

    def __post_init__(self) -> None:
        for name, (low, high) in self._ranges().items():
            if low > high:
                raise ValueError(f"{name} must rise, received {low}…{high}")
        if self.local_ev < 0:
            raise ValueError(f"local_ev must not be negative, received {self.local_ev}")

    def _ranges(self) -> dict[str, tuple[float, float]]:
        return {name: value for name, value in vars(self).items() if name != "local_ev"}

    def draw(self, seed: int, photo_id: str, draw: int) -> Look:
        """The look of one photo in one draw.

        Args:
            seed: Of the whole set.
            photo_id: Which photo.
            draw: Which of its looks, from 0; training counts epochs.
        """
        key = int.from_bytes(hashlib.sha256(photo_id.encode()).digest()[:8], "big")
        random = np.random.default_rng((seed, key, draw))
        values = {
            name: round(float(random.uniform(low, high)), 4)
            for name, (low, high) in self._ranges().items()
        }
        knots = random.normal(0.0, self.local_ev, FIELD_ROWS * FIELD_COLUMNS)
        field = tuple(round(float(knot), 4) for knot in knots - knots.mean())
        return Look(**values, local_ev=field if self.local_ev else ())


def apply_look(srgb: NDArray[np.float32], look: Look) -> NDArray[np.float32]:
    """Undo a finished photo.

    Args:
        srgb: ``(H, W, 3)`` sRGB, 0…1.
        look: How.

    Returns:
        ``(H, W, 3)`` sRGB, 0…1.
    """
    gains = np.exp([look.warmth, -look.tint, -look.warmth]).astype(np.float32)
    gains *= np.float32(2.0**look.exposure_ev)
    linear = srgb_to_linear(srgb) * gains
    if look.local_ev:
        linear *= np.exp2(light_field(look.local_ev, srgb.shape[0], srgb.shape[1]))[..., None]
    coded = linear_to_srgb(_shoulder(linear))
    coded = look.pivot + look.contrast * (coded - look.pivot)
    coded -= look.black * look.pivot * (1 - look.contrast)
    luma = (coded @ _LUMA.astype(np.float32))[..., None]
    coded = luma + look.saturation * (coded - luma)
    undone: NDArray[np.float32] = np.clip(coded, 0, 1).astype(np.float32)
    return undone


def light_field(knots: tuple[float, ...], height_px: int, width_px: int) -> NDArray[np.float32]:
    """A smooth surface through knots that lie evenly over the photo, the outer ones on its edge.

    Between knots the surface follows half a cosine, along both axes.

    Returns:
        ``(height_px, width_px)``.
    """
    grid = np.asarray(knots, np.float32).reshape(FIELD_ROWS, FIELD_COLUMNS)
    rows, columns = _blend(height_px, FIELD_ROWS), _blend(width_px, FIELD_COLUMNS)
    return np.asarray(rows @ grid @ columns.T, np.float32)


def _blend(length_px: int, knots: int) -> NDArray[np.float32]:
    """``(length_px, knots)``: the weight of each knot at each pixel."""
    at = np.linspace(0, knots - 1, length_px)[:, None]
    distance = np.minimum(np.abs(at - np.arange(knots)), 1)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * distance), np.float32)


def _shoulder(linear: Colours) -> Colours:
    """Light up to 0.8 as it is, and more of it ever nearer to 1, without a kink."""
    excess = np.maximum(linear - _SHOULDER, 0) / (1 - _SHOULDER)
    soft = 1 - (1 - _SHOULDER) * np.exp(-excess)
    return np.asarray(np.where(linear > _SHOULDER, soft, linear), linear.dtype)
