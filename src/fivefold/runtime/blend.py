"""Which retoucher's style a photo gets: one, or a blend of several.

A network of several styles predicts a grid for each from one look at the photo. They share the
guide and the picture is linear in the grid, so the weighted mean of grids gives exactly the
weighted mean of the pictures, for the price of one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Blend = Mapping[str, float]
"""Weights by style; they count relative to their sum. Negative ones lead away from a style."""


def parse_blend(text: str) -> dict[str, float]:
    """A blend as people write it: ``a``, or ``a=0.5,d=0.5``.

    Raises:
        ValueError: If it is not that, or a style is named twice.
    """
    blend: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = (word.strip() for word in part.partition("="))
        try:
            weight = float(number) if equals else 1.0
        except ValueError:
            weight = math.nan
        if not name or not math.isfinite(weight):
            raise ValueError(f"expected a style, or NAME=WEIGHT,NAME=WEIGHT, received {text!r}")
        if name in blend:
            raise ValueError(f"style {name!r} is named twice in {text!r}")
        blend[name] = weight
    return blend


def blend_weights(blend: str | Blend | None, styles: Sequence[str]) -> NDArray[np.float32]:
    """The weight of each of a network's styles.

    Args:
        blend: A style, a blend or its text; the first style without it.
        styles: Those that the network has, at least one.

    Returns:
        ``(styles,)``, with a sum of 1.

    Raises:
        ValueError: For a style that the network does not have, a text that is no blend, or weights
            whose sum is 0, or so near that nothing useful can come of it.
    """
    if blend is None:
        blend = {styles[0]: 1.0}
    elif isinstance(blend, str):
        blend = parse_blend(blend)
    unknown = [name for name in blend if name not in styles]
    if unknown:
        raise ValueError(
            f"the styles are {', '.join(styles)}; there is no {', '.join(map(repr, unknown))}"
        )
    weights = np.array([blend.get(name, 0.0) for name in styles], np.float64)
    total = weights.sum()
    if not abs(total) > 1e-3 * np.abs(weights).sum():  # also refuses NaN, and no style at all
        raise ValueError(f"the weights of a blend must have a sum, received {dict(blend)}")
    shares: NDArray[np.float32] = (weights / total).astype(np.float32)
    return shares


def only_style(weights: NDArray[np.float32]) -> int | None:
    """The place of the one style that :func:`blend_weights` give all to, if it is one."""
    (given,) = weights.nonzero()
    return int(given[0]) if len(given) == 1 else None


def blended(grids: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The blend of a photo's grids.

    Args:
        grids: One for each style, ``(styles, 12, depth, height, width)``.
        weights: Of each, ``(styles,)``, with a sum of 1.

    Returns:
        ``(12, depth, height, width)``, contiguous.
    """
    style = only_style(weights)
    if style is not None:
        return np.ascontiguousarray(grids[style])
    mixed: NDArray[np.float32] = np.tensordot(weights, grids, axes=1)
    return mixed
