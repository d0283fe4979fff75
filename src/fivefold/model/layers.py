"""The two layer recipes that the low-resolution network is made of."""

from __future__ import annotations

from torch import nn


def convolution(
    channels_in: int,
    channels_out: int,
    *,
    stride: int = 1,
    normalised: bool = True,
    rectified: bool = True,
) -> nn.Sequential:
    """A 3×3 convolution with zero padding, then batch normalisation and σ where asked for.

    With normalisation the convolution has no bias of its own: the normalisation's shift is b.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=not normalised)
    ]
    if normalised:
        layers.append(nn.BatchNorm2d(channels_out))
    if rectified:
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def fully_connected(
    features_in: int, features_out: int, *, normalised: bool = True, rectified: bool = True
) -> nn.Sequential:
    """A fully connected layer, then batch normalisation and σ where asked for."""
    layers: list[nn.Module] = [nn.Linear(features_in, features_out, bias=not normalised)]
    if normalised:
        layers.append(nn.BatchNorm1d(features_out))
    if rectified:
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)
