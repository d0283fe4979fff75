"""One batch to one number: predict the grids, render the photos, compare with the targets."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fivefold.data.pairs import Sample
from fivefold.model.enhancer_net import EnhancerNet
from fivefold.train.loss import grid_roughness, masked_mse, root


class Objective(nn.Module):
    """The loss of a network on a batch of photos of any sizes.

    Args:
        net: The network.
        loss: ``"mse"``, the mean of the photos' mean squared errors, or ``"rms"``, of their roots.
        grid_smoothness: Weight of the grid's roughness in what is minimised.
    """

    def __init__(self, net: EnhancerNet, loss: str = "mse", grid_smoothness: float = 0.0) -> None:
        super().__init__()
        self.net = net
        self.loss = loss
        self.grid_smoothness = grid_smoothness

    def forward(self, samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
        """What to minimise, and the mean squared error of each photo, ``(N,)``.

        Grids are predicted for all thumbnails together and in the precision that is set for the
        run; the full-resolution pass is made photo by photo, always in float32.
        """
        device = next(self.net.parameters()).device
        grids = self.net.predict(torch.stack([s.thumbnail for s in samples]).to(device))
        with torch.autocast(device.type, enabled=False):
            by_photo = grids.float().reshape(len(samples), -1, *grids.shape[1:])
            styles = [self.net.style_index(s.pair.style) for s in samples]
            grids = by_photo[range(len(samples)), styles]
            errors = torch.stack(
                [
                    masked_mse(
                        self.net.render(s.photo[None].to(device), grid[None])[0],
                        s.target.to(device),
                        s.mask.to(device),
                    )
                    for s, grid in zip(samples, grids, strict=True)
                ]
            )
            objective = (errors if self.loss == "mse" else root(errors)).mean()
            if self.grid_smoothness:
                objective = objective + self.grid_smoothness * grid_roughness(grids)
        return objective, errors.detach()
