"""N, the adaptation: light and balance are brought near the usual before anything is judged.

Not of the paper. As an eye gets used to the light, the thumbnail of a photo that is darker,
brighter or more tinted than photos usually are is brought part of the way back, the network
predicts a grid for that, and the grid is turned into one for the photo as it is. So the same scene,
exposed or balanced a little differently, ends more nearly the same.

Light is changed by gains of the coded channels: by what a stop does to the middle of a photo of
usual brightness, while black stays black. They combine with the grid's affine transforms exactly.
What is too bright is darkened by φ ↦ φ·(1 − m·(1 − y)) with its luma y; white stays white.
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fivefold.kernels.grid import GUIDE_KNOTS
from fivefold.model.excesses import mean_excesses
from fivefold.model.guide import GuideMap
from fivefold.photo.colour import LUMA, srgb_to_linear

_USUAL_LIGHT = -3.8  # log2 of linear luma, mean over a photo; that of photos from cameras
_LEEWAY = (1.0, 0.5)  # stops below and above it that need no adapting
_DARKENING = 0.2  # m for each stop above
_BALANCING = 0.25  # how much of a cast is taken away
_LEVEL = -3.2  # where photos are compared with each other

_LEVELS = (0.0, 0.02, 0.04, 0.07, 0.1, 0.15, 0.22, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_CODED_STOP = 0.34  # ln of the gain of a stop, as sRGB's coding has it at 0.3


class Light(NamedTuple):
    """What is done to a photo before it is judged; N photos.

    Attributes:
        brightening: ``(N, 1)``, gain for exposure alone; 1 or more.
        gains: ``(N, 3)``, for exposure and balance, one for each channel.
        darkening: ``(N, 1)``, m in 0…1.
        levelling: ``(N, 1)``, gain that makes all photos equally bright.
    """

    brightening: Tensor
    gains: Tensor
    darkening: Tensor
    levelling: Tensor


class Adaptation(nn.Module):
    """From a thumbnail to one in usual light, and from its grid back to the photo's.

    Nothing in it learns. It knows the guide, which says how bright a depth of the grid is, as it
    was at :meth:`follow`.

    Args:
        depth: d, the cells of the grid along the guide.
    """

    directions: Tensor
    offsets: Tensor
    light: Tensor
    light_offset: Tensor
    balance: Tensor
    luma: Tensor
    channels: Tensor
    is_offset: Tensor
    knots: Tensor
    places: Tensor
    brightnesses: Tensor
    depth_slopes: Tensor
    first_depth: Tensor

    def __init__(self, depth: int = 8) -> None:
        super().__init__()
        self.depth = depth
        luma = torch.tensor(LUMA)
        seen = torch.stack([luma, *torch.eye(3)])  # luma and the channels
        measures = len(seen) * len(_LEVELS)
        directions = seen.repeat_interleave(len(_LEVELS), 0)[:, :, None, None]
        self.register_buffer("directions", directions)  # (measures, 3, 1, 1)
        self.register_buffer("offsets", -torch.tensor(_LEVELS).repeat(len(seen)))  # (measures,)

        # Stops are a piecewise linear function of the coded value, so that their mean over the
        # photo is a sum of the means of what lies above each level.
        (start, weights), (_, channel) = _stops(0.002), _stops(0.01)
        self.register_buffer("light", functional.pad(weights, (0, measures - len(weights)))[None])
        self.register_buffer("light_offset", torch.tensor([start]))
        cast = torch.kron(torch.eye(3) - 1 / 3, channel)  # from the mean of the channels
        balance = -_BALANCING * _CODED_STOP * functional.pad(cast, (len(_LEVELS), 0))
        self.register_buffer("balance", balance)  # (3, measures)
        self.register_buffer("luma", luma[None])

        # Of the grid's 12 coefficients, gains are those of the channels, and none the offsets'.
        self.register_buffer("channels", torch.eye(4, 3).repeat(3, 1))
        self.register_buffer("is_offset", torch.eye(4)[3].repeat(3).reshape(12, 1, 1))
        self.register_buffer("knots", torch.arange(GUIDE_KNOTS) / GUIDE_KNOTS)
        self.register_buffer("places", torch.arange(float(depth)))
        self.register_buffer("brightnesses", torch.zeros(depth))
        self.register_buffer("depth_slopes", torch.zeros(GUIDE_KNOTS, 1))
        self.register_buffer("first_depth", torch.zeros(()))
        self.follow(GuideMap())

    @torch.no_grad()
    def follow(self, guide: GuideMap) -> None:
        """Take over how bright the depths of the grid are, on grey."""
        grey = torch.linspace(0, 1, 64 * GUIDE_KNOTS + 1)
        photo = grey.reshape(1, 1, -1, 1).repeat(1, 3, 1, 1).to(guide.bias.device)
        depths = guide(photo).flatten().cpu().cummax(0).values * self.depth - 0.5
        brightnesses = np.interp(self.places.cpu(), depths, grey)
        self.brightnesses.copy_(torch.from_numpy(brightnesses))
        slopes = depths[::64].diff() * GUIDE_KNOTS
        self.depth_slopes.copy_(slopes.diff(prepend=slopes.new_zeros(1))[:, None])
        self.first_depth.copy_(depths[0])

    def judge(self, pixels: Tensor) -> Light:
        """How dark, bright and tinted photos are, from ``(N, 3, rows, columns)`` sRGB in 0…1."""
        with _full_precision(pixels.device):
            means = mean_excesses(pixels, self.directions, self.offsets)
            stops = functional.linear(means, self.light, self.light_offset)
            too_dark = torch.relu(_USUAL_LIGHT - _LEEWAY[0] - stops)
            too_bright = torch.relu(stops - (_USUAL_LIGHT + _LEEWAY[1]))
            brighter = _CODED_STOP * too_dark
            return Light(
                brightening=torch.exp(brighter),
                gains=torch.exp(functional.linear(means, self.balance) + brighter),
                darkening=_DARKENING * too_bright,
                levelling=torch.exp(_CODED_STOP * (_LEVEL - stops)),
            )

    def forward(self, thumbnail: Tensor, light: Light) -> Tensor:
        """The thumbnail in usual light, ``(N, 3, 256, 256)``."""
        with _full_precision(thumbnail.device):
            brighter = _exposed(thumbnail, light.gains)
            luma = (self.luma @ brighter.flatten(2)).reshape(len(brighter), 1, *brighter.shape[2:])
            return brighter * (1 - light.darkening[:, :, None, None] * (1 - luma))

    def level(self, pixels: Tensor, light: Light) -> Tensor:
        """Pixels exposed such that all photos are equally bright, of the same shape."""
        with _full_precision(pixels.device):
            return _exposed(pixels, light.levelling)

    def undo(self, grid: Tensor, light: Light) -> Tensor:
        """Turn grids for photos in usual light into grids for the photos as they are.

        Args:
            grid: ``(N·styles, 12, depth, rows, columns)``.
            light: What :meth:`judge` found, of N photos.

        Returns:
            Grids of the same shape. A depth holds what the grid in usual light has where a grey of
            the depth's brightness comes to lie, combined with the transform to usual light there.
        """
        n, depth, cells = len(light.gains), self.depth, grid.shape[3] * grid.shape[4]
        with _full_precision(grid.device):
            brighter = 1 - torch.relu(1 - light.brightening * self.brightnesses)  # (N, depth)
            factors = 1 - light.darkening * (1 - brighter)
            above = torch.relu((brighter * factors)[:, :, None] - self.knots)
            reads = above @ self.depth_slopes + self.first_depth  # (N, depth, 1), in cells
            reads = (depth - 1) - torch.relu((depth - 1) - torch.relu(reads))
            apart = torch.relu(reads - self.places) + torch.relu(self.places - reads)
            shares = torch.relu(1 - apart)  # (N, depth, depth)

            gains = functional.linear(light.gains, self.channels)  # (N, 12)
            gains = gains.reshape(n, 12, 1, 1) * factors.reshape(n, 1, depth, 1) + self.is_offset
            whole = gains * shares.reshape(n, 1, depth, depth)
            whole = whole.reshape(n, 1, 12, depth, depth)
            undone = whole @ grid.to(whole.dtype).reshape(n, -1, 12, depth, cells)
            return undone.reshape(grid.shape)


def _exposed(pixels: Tensor, gains: Tensor) -> Tensor:
    return 1 - torch.relu(1 - pixels * gains[:, :, None, None])  # beyond white there is nothing


def _full_precision(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Within it, mixed precision leaves operations alone: light is compared with light."""
    if torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return contextlib.nullcontext()


def _stops(floor: float) -> tuple[float, Tensor]:
    """Stops, log2(linear light + ``floor``), of a coded value v, piecewise linear.

    Returns:
        Those of 0, and the weight of max(v − level, 0) for each level.
    """
    levels = np.array([*_LEVELS, 1.0])
    light = srgb_to_linear(np.repeat(levels[:, None], 3, axis=1))[:, 0]
    stops = np.log2(light + floor)
    slopes = np.diff(stops) / np.diff(levels)
    return float(stops[0]), torch.from_numpy(np.diff(slopes, prepend=0.0)).float()
