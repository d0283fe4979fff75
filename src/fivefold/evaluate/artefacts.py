"""Damage that an enhancer may do to a photo, found without a retoucher's version to compare with.

Each figure compares a photo with its own result, and each has a value that an untouched photo
gets: 0, or 1 for the cells. They are made for what bilateral grids are known for: haloes and
reversed edges where the guide crosses a cell, the grid itself showing through in smooth skies,
highlights that clip, skies and skin that change their hue, and whites that turn grey or pink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fivefold.evaluate.benchmark import Enhance
from fivefold.photo.colour import LUMA, linear_to_xyz, srgb_to_linear, xyz_to_lab
from fivefold.photo.image import FULL_SCALE, Photo

Codes = NDArray[np.uint8]

GRID_CELLS = 16
_LUMA = np.array(LUMA, np.float32)
_EDGE_CODES = 2.0  # a luminance step that is there: above the noise of an 8-bit photo
_HIGHEST, _LOWEST = 254, 1
_WHITE = 250
_LEAST_CHROMA = 12.0  # below, a hue is a matter of rounding
_SKY_HUES = (220.0, 290.0)  # degrees in CIE L*a*b*, from cyan to ultramarine
_SKIN_HUES = (25.0, 75.0)
_RAMP_LENGTH = 4096


@dataclass(frozen=True)
class Artefacts:
    """What was done to one photo; all but ``cells`` are 0 for an untouched one.

    Attributes:
        reversed_edges: Part of the photo's edges that run the other way in the result, 0…1.
        new_clipping: Part of all pixels where a channel is at the end of its range and was not
            before, 0…1.
        cells: How much sharper the gain bends along the grid's lines than between them; 1 where
            nothing of the grid is to be seen.
        sky_hue: Mean turn of the hue of blue pixels in degrees, without sign; NaN if there are
            none.
        skin_hue: Likewise of pixels with a hue that skin has.
        lost_white: By how many codes of 255 the darkest channel of white pixels, whose channels all
            were 250 or more, falls below 250 on the mean; NaN if there are none.
    """

    reversed_edges: float
    new_clipping: float
    cells: float
    sky_hue: float
    skin_hue: float
    lost_white: float


def artefacts(photo: Codes, result: Codes) -> Artefacts:
    """Look for damage in a result.

    Args:
        photo: ``(H, W, 3)`` 8-bit sRGB, sides of 64 pixels or more.
        result: What was made of it, of the same shape.

    Raises:
        ValueError: If the shapes differ or a side is shorter.
    """
    if photo.shape != result.shape:
        raise ValueError(f"shapes must be equal, received {photo.shape} and {result.shape}")
    if min(photo.shape[:2]) < 4 * GRID_CELLS:
        raise ValueError(f"sides must be {4 * GRID_CELLS} pixels or more, received {photo.shape}")
    before, after = photo @ _LUMA, result @ _LUMA
    turn, hue = _hue_turn(photo, result)
    return Artefacts(
        reversed_edges=_reversed_edges(before, after),
        new_clipping=_new_clipping(photo, result),
        cells=_cell_energy(before, after),
        sky_hue=_mean_within(turn, hue, _SKY_HUES),
        skin_hue=_mean_within(turn, hue, _SKIN_HUES),
        lost_white=_lost_white(photo, result),
    )


@dataclass(frozen=True)
class RampFaults:
    """What a model does to smooth 16-bit ramps, the worst of all ramps.

    Attributes:
        reversed_steps: Longest way that the luminance runs backwards along a ramp, as a part of
            the full range, 0…1.
        largest_step: Largest step between neighbours as a multiple of the mean one: bands show
            where it is high.
    """

    reversed_steps: float
    largest_step: float


def ramp_faults(enhance: Enhance) -> RampFaults:
    """Give a model a grey, a blue and a skin-coloured 16-bit ramp and look for bands.

    Args:
        enhance: The model.
    """
    worst_back, worst_step = 0.0, 0.0
    for colour in ((1.0, 1.0, 1.0), (0.45, 0.65, 1.0), (1.0, 0.75, 0.6)):
        ramp = np.linspace(0, 1, _RAMP_LENGTH)[:, None] * np.array(colour)
        pixels = np.rint(np.broadcast_to(ramp, (256, _RAMP_LENGTH, 3)) * 65535).astype(np.uint16)
        result = enhance(Photo(pixels)).pixels[128]
        luminance = (result / FULL_SCALE[result.dtype]) @ _LUMA.astype(np.float64)
        backwards = np.maximum.accumulate(luminance) - luminance
        steps = np.abs(np.diff(luminance))
        worst_back = max(worst_back, float(backwards.max()))
        worst_step = max(worst_step, float(steps.max() / max(steps.mean(), 1e-12)))
    return RampFaults(worst_back, worst_step)


def _reversed_edges(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Part of the edges across which the result's luminance steps the other way."""
    edges = reversed_count = 0
    for axis in (0, 1):
        step = _step(before, axis)
        new = _step(after, axis)
        there = np.abs(step) > _EDGE_CODES
        edges += int(there.sum())
        reversed_count += int((there & (step * new < 0) & (np.abs(new) > _EDGE_CODES)).sum())
    return reversed_count / edges if edges else 0.0


def _step(luma: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """The step over two pixels, which noise of a single one does not turn round."""
    ahead = np.take(luma, range(2, luma.shape[axis]), axis)
    behind = np.take(luma, range(luma.shape[axis] - 2), axis)
    return np.asarray(ahead - behind, np.float32)


def _new_clipping(photo: Codes, result: Codes) -> float:
    def clipped(codes: Codes) -> NDArray[np.bool_]:
        return np.asarray(((codes >= _HIGHEST) | (codes <= _LOWEST)).any(axis=2))

    return float(np.mean(clipped(result) & ~clipped(photo)))


def _lost_white(photo: Codes, result: Codes) -> float:
    darkest = result.min(axis=2)[photo.min(axis=2) >= _WHITE]
    return float(np.maximum(_WHITE - darkest.astype(int), 0).mean()) if len(darkest) else np.nan


def _cell_energy(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """How much more the gain bends on the lines through the cells' centres than elsewhere.

    Between those lines the grid is interpolated linearly along x and y; on them it has kinks.
    """
    gain = np.log((after + 4) / (before + 4))
    ratios = []
    for axis in (0, 1):
        profile = np.abs(np.diff(gain, n=2, axis=axis)).mean(axis=1 - axis)
        size = gain.shape[axis]
        centres = (np.arange(GRID_CELLS) + 0.5) / GRID_CELLS * size - 0.5
        on_line = np.zeros(len(profile), bool)
        for centre in centres:
            # profile[i] bends about pixel i + 1.
            on_line[max(0, int(np.floor(centre)) - 1) : int(np.ceil(centre))] = True
        between = profile[~on_line].mean()
        ratios.append(float(profile[on_line].mean() / between) if between > 0 else 1.0)
    return max(ratios)


def _hue_turn(photo: Codes, result: Codes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of the pixels with a hue before and after: the turn without sign, and the hue, in degrees."""
    lab, new = (
        xyz_to_lab(linear_to_xyz(srgb_to_linear(codes / 255))).reshape(-1, 3)
        for codes in (photo, result)
    )
    coloured = np.hypot(lab[:, 1], lab[:, 2]) > _LEAST_CHROMA
    coloured &= np.hypot(new[:, 1], new[:, 2]) > _LEAST_CHROMA
    hue, turned = (
        np.degrees(np.arctan2(values[coloured, 2], values[coloured, 1])) % 360
        for values in (lab, new)
    )
    turn = np.abs((turned - hue + 180) % 360 - 180)
    return np.asarray(turn, np.float64), np.asarray(hue, np.float64)


def _mean_within(
    turn: NDArray[np.float64], hue: NDArray[np.float64], hues: tuple[float, float]
) -> float:
    within = (hue >= hues[0]) & (hue <= hues[1])
    return float(turn[within].mean()) if within.any() else float("nan")
