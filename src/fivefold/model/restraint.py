"""R, the restraint: how much a photo is to be changed at all. Not of the paper.

A network that learned from what cameras give brightens and strengthens every photo, also one that
somebody has finished. Their colours tell the two apart: finished photos reach black and white, and
are more colourful. So a few statistics of the thumbnail's colours decide on a share of each style,
0…1, and its grid goes only so far from the identity.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from fivefold.kernels.grid import identity_coefficients
from fivefold.model.excesses import mean_excesses
from fivefold.photo.colour import LUMA

_DARK = (0.01, 0.02, 0.04, 0.07)
_LEVELS = (0.02, 0.04, 0.07, 0.1, 0.15, 0.22, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.92, 0.96, 0.98,
           0.99)  # fmt: skip
_DIFFERENCES = (0.0, 0.05, 0.12, 0.25, 0.45)
_SURE = 30.0  # its sigmoid is 1 in float32


class Restraint(nn.Module):
    """s = sigmoid(judgement of the colours' statistics), one share for each style.

    The statistics are the means, over a photo's pixels, of by how much luma and each channel lie
    above or below fixed levels, and of by how much one channel exceeds another. With the adaptation
    they are taken twice: in usual light, and with all photos equally bright, as a finished photo is
    also one when it was made darker. Training starts where every style is given nearly whole; only
    the first is ever held back, as whoever asks for another style by its name wants to see it.

    Args:
        styles: How many grids are predicted for a photo.
        views: How many versions of a photo's pixels are looked at.
        width: Features between the statistics and the shares.
    """

    directions: Tensor
    offsets: Tensor
    identity: Tensor

    def __init__(self, styles: int = 1, views: int = 1, width: int = 64) -> None:
        super().__init__()
        directions, offsets = _measures()
        self.register_buffer("directions", directions)  # (measures, 3, 1, 1)
        self.register_buffer("offsets", offsets)  # (measures,)
        self.register_buffer("identity", torch.from_numpy(identity_coefficients(1, 1, 1)))
        measures = views * len(offsets)
        self.normalisation = nn.BatchNorm1d(measures, affine=False, eps=1e-8, momentum=0.01)
        self.judgement = nn.Sequential(
            nn.Dropout(0.5),
            nn.Linear(measures, width),
            nn.ReLU(),
            nn.Dropout(0.4),
            nn.Linear(width, styles),
        )
        last = self.judgement[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.weight[1:] = 0.0
            last.bias.fill_(_SURE)
            last.bias[0] = 2.0

    def shares(self, *views: Tensor) -> Tensor:
        """From ``(N, 3, rows, columns)`` sRGB in 0…1, once a view, to ``(N, styles)`` in 0…1."""
        means = [mean_excesses(view, self.directions, self.offsets) for view in views]
        statistics = torch.cat(means, 1) if len(means) > 1 else means[0]
        shares: Tensor = torch.sigmoid(self.judgement(self.normalisation(statistics)))
        return shares

    def forward(self, grid: Tensor, *views: Tensor) -> Tensor:
        """Hold grids back.

        Args:
            grid: ``(N·styles, 12, depth, rows, columns)``.
            views: Pixels of the photos, ``(N, 3, rows, columns)`` sRGB in 0…1.

        Returns:
            Grids of the same shape, between the identity and what they were.
        """
        share = self.shares(*views).reshape(len(grid), 1, 1, 1, 1)
        return self.identity + share * (grid - self.identity)


def _measures() -> tuple[Tensor, Tensor]:
    """Directions in RGB and what is added to them, such that every measure reaches 1."""
    channels = torch.eye(3)
    rows = []
    for direction in (torch.tensor(LUMA), *channels):
        rows += [(direction / (1 - level), -level / (1 - level)) for level in _LEVELS]
        rows += [(-direction / level, 1.0) for level in _DARK]
    for more, less in itertools.permutations(channels, 2):
        rows += [((more - less) / (1 - level), -level / (1 - level)) for level in _DIFFERENCES]
    directions = torch.stack([direction for direction, _ in rows])
    return directions[:, :, None, None], torch.tensor([added for _, added in rows])
