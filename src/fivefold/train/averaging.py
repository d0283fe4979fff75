"""A running average of the weights, which generalises better than the last step's."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

Net = TypeVar("Net", bound=nn.Module)


class WeightAverage(Generic[Net]):
    """An exponential average of a network's weights; batch statistics are taken as they are.

    Args:
        net: The network that learns.
        decay: How much of the average a step keeps, 0…1. Early steps keep less, so that the
            start is soon forgotten.
    """

    def __init__(self, net: Net, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be 0…1, received {decay}")
        self.net: Net = copy.deepcopy(net).eval().requires_grad_(requires_grad=False)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, net: Net) -> None:
        """Take in the weights after one more step."""
        self.steps += 1
        keep = min(self.decay, self.steps / (self.steps + 10))
        for average, value in zip(self.net.parameters(), net.parameters(), strict=True):
            average.lerp_(value, 1 - keep)
        for kept, current in zip(self.net.buffers(), net.buffers(), strict=True):
            kept.copy_(current)
