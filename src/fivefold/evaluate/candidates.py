"""Trained models as what the benchmark scores: from photo to photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fivefold.evaluate.benchmark import Enhance
from fivefold.photo.image import FULL_SCALE, Photo
from fivefold.photo.model_space import to_srgb
from fivefold.photo.resize import thumbnail
from fivefold.runtime.blend import Blend, blend_weights
from fivefold.runtime.enhancer import Enhancer

CHECKPOINT_SUFFIX = ".safetensors"


def open_candidate(
    model: Path | str, expert: str | Blend | None = None, *, threads: int | None = None
) -> Enhance:
    """A bundle or the weights of a training run, by the name of the file.

    Args:
        model: A ``.safetensors`` file of weights; anything else is taken for a bundle, by path or
            by the name of one that came with the package.
        expert: Its style or blend of styles; the first without it.
        threads: How many threads a bundle may use.

    Raises:
        BundleError: If the bundle is missing or damaged.
        DataError: If the weights are.
        ValueError: If the model does not have the style.
    """
    if str(model).endswith(CHECKPOINT_SUFFIX):
        return checkpoint(Path(model), expert)
    return Enhancer.load(model, expert=expert, threads=threads)


def checkpoint(weights: Path, expert: str | Blend | None = None) -> Enhance:
    """The network of a training run, as PyTorch computes it.

    Args:
        weights: Written by :func:`fivefold.model.weights.save_weights`.
        expert: The network's style or blend of styles; the first without it.

    Returns:
        From photo to 8-bit sRGB photo.

    Raises:
        DataError: If the file is missing, damaged, or holds another network.
        ValueError: If the network does not have the style.
    """
    import torch

    from fivefold.model.weights import load_weights

    net, _ = load_weights(weights)
    shares = torch.from_numpy(blend_weights(expert, net.config.style_names))

    def enhance(photo: Photo) -> Photo:
        coded = (photo.pixels / FULL_SCALE[photo.pixels.dtype]).astype(np.float32)
        srgb = to_srgb(coded, photo.icc_profile)
        small, full = (
            torch.from_numpy(np.moveaxis(picture, 2, 0)[None].copy())
            for picture in (thumbnail(srgb), srgb)
        )
        with torch.inference_mode():
            grid = torch.tensordot(shares, net.predict(small), 1)[None]
            result = net.render(full, grid)[0].numpy()
        codes = np.rint(np.clip(np.moveaxis(result, 0, 2), 0, 1) * 255)
        return Photo(codes.astype(np.uint8))

    return enhance
