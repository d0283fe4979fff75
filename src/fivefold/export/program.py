"""The whole system as an exported PyTorch program (``torch.export``): photo in, photo out.

The file needs PyTorch to run, but not fivefold. Height and width are free.
"""

from __future__ import annotations

import io
from pathlib import Path

import torch
from torch import Tensor, nn

from fivefold.errors import TrainingError
from fivefold.model.enhancer_net import THUMBNAIL_SIZE_PX, EnhancerNet
from fivefold.model.slicing import apply_affine, slice_grid
from fivefold.model.weights import load_weights
from fivefold.photo.atomic import write_atomically
from fivefold.runtime.blend import Blend, blend_weights

SUFFIX = ".pt2"
LARGEST_DIFFERENCE = 1e-5
"""How far a value in 0…1 may lie from what the network gives before it is exported."""

_TRIAL_SIZES_PX = ((67, 301), (300, 201))


class PhotoEnhancer(nn.Module):
    """Thumbnail, prediction, guide, slice and apply, by PyTorch's own operators alone.

    Args:
        net: A trained network.
        blend: ``(styles,)``, how much of each of its styles is given.
    """

    blend: Tensor

    def __init__(self, net: EnhancerNet, blend: Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("blend", blend)

    def forward(self, photo: Tensor) -> Tensor:
        """From ``(1, 3, H, W)`` sRGB in 0…1 to the same, enhanced and held in 0…1."""
        grids = self.net.predict(area_thumbnail(photo))  # (styles, 12, depth, 16, 16)
        grid = torch.einsum("s,scdhw->cdhw", self.blend, grids)[None]
        transforms = slice_grid(grid, self.net.guide(photo))  # (1, 12, H, W)
        return apply_affine(transforms, photo).clamp(0, 1)


def area_thumbnail(photo: Tensor) -> Tensor:
    """The thumbnail that :mod:`fivefold.photo.resize` defines, as two products of matrices.

    Args:
        photo: ``(N, 3, H, W)``.

    Returns:
        ``(N, 3, 256, 256)``.
    """
    rows, columns = (_overlaps(photo, length) for length in photo.shape[2:])
    return rows @ (photo @ columns.T)


def _overlaps(like: Tensor, length: int) -> Tensor:
    """How much of each thumbnail cell every pixel covers, ``(256, length)``; a row sums to one.

    In units of 1/256 pixel every edge of cells and pixels is a whole number.
    """
    starts = torch.arange(THUMBNAIL_SIZE_PX, device=like.device)[:, None] * length
    pixels = torch.arange(length, device=like.device) * THUMBNAIL_SIZE_PX
    stops = torch.minimum(starts + length, pixels + THUMBNAIL_SIZE_PX)
    return (stops - torch.maximum(starts, pixels)).clamp(min=0).to(like.dtype) / length


def photo_program(
    net: EnhancerNet, expert: str | Blend | None = None
) -> torch.export.ExportedProgram:
    """The network and all around it as an exported program.

    Args:
        net: A trained network.
        expert: The style or blend that it gives, where the network has several; the first without.

    Returns:
        A program that takes ``photo``, ``(1, 3, H, W)`` ``float32`` with sides from 2 pixels up,
        and returns the same, enhanced.
    """
    free = torch.export.Dim.AUTO
    return torch.export.export(
        _enhancer(net, expert).eval(),
        (torch.rand(1, 3, *_TRIAL_SIZES_PX[0]),),
        dynamic_shapes={"photo": {2: free, 3: free}},
    )


def _enhancer(net: EnhancerNet, expert: str | Blend | None) -> PhotoEnhancer:
    return PhotoEnhancer(net, _shares(net, expert))


def _shares(net: EnhancerNet, expert: str | Blend | None) -> Tensor:
    """How much of each of a network's styles is given, ``(styles,)``."""
    return torch.from_numpy(blend_weights(expert, net.config.style_names))


def export_program(weights: Path, target: Path, expert: str | Blend | None = None) -> int:
    """Write a run's weights as a program, after loading it back and comparing.

    Args:
        weights: ``weights.safetensors`` of a run.
        target: The ``.pt2`` file; replaced whole.
        expert: The style or blend that it gives, where the network has several; the first without.

    Returns:
        The file's size in bytes.

    Raises:
        DataError: If the weights cannot be read.
        TrainingError: If the program computes something else, or cannot be written.
        ValueError: If the network does not have the style.
    """
    net, _ = load_weights(weights)
    file = io.BytesIO()
    torch.export.save(photo_program(net, expert), file)
    file.seek(0)
    difference = _difference(net, expert, torch.export.load(file))
    if not difference <= LARGEST_DIFFERENCE:
        raise TrainingError(
            f"{weights}: the exported program differs by {difference:.2g}, more than "
            f"{LARGEST_DIFFERENCE:g}"
        )
    try:
        write_atomically(target, [file.getbuffer()])
    except OSError as error:
        raise TrainingError(f"{target}: {error.strerror or error}") from error
    return len(file.getbuffer())


@torch.no_grad()
def _difference(
    net: EnhancerNet, expert: str | Blend | None, program: torch.export.ExportedProgram
) -> float:
    """The largest difference between network and program on random photos."""
    shares = _shares(net, expert)
    random = torch.Generator().manual_seed(0)
    enhance = program.module()
    largest = 0.0
    for size in _TRIAL_SIZES_PX:
        photo = torch.rand(1, 3, *size, generator=random)
        grids = net.predict(area_thumbnail(photo))
        pictures = torch.cat([net.render(photo, grid[None]) for grid in grids])
        expected = torch.einsum("s,schw->chw", shares, pictures).clamp(0, 1)
        largest = max(largest, float((enhance(photo) - expected).abs().max()))
    return largest
