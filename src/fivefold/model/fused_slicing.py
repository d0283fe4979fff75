"""Guide, slice and apply in one operation for training, with its own gradient.

On the CPU it is compiled C++, on a GPU :mod:`fivefold.kernels.triton`.
:mod:`fivefold.model.slicing` and :mod:`fivefold.model.guide` define what it computes, and are what
runs where it cannot: on other devices, on other types, and without the compiled kernels or Triton.
"""

# ruff: noqa: ARG001 (torch.library gives the parts of an operator all of its arguments)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from fivefold.model.guide import GuideMap

try:
    import fivefold._native as _native
except ImportError:
    IS_AVAILABLE = False
else:
    IS_AVAILABLE = True

HAS_TRITON = find_spec("triton") is not None
GUIDE_NUMBERS = 9 + 3 + 2 * 3 * 16 + 1  # M, b′, a, t, b


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a crop lies in the photo that its grid was predicted for.

    Attributes:
        first_row: Row of the photo at which the crop begins.
        first_column: Column of the photo at which the crop begins.
        height_px: Rows of the photo.
        width_px: Columns of the photo.
    """

    first_row: int
    first_column: int
    height_px: int
    width_px: int


def can_render(photo: Tensor, grid: Tensor) -> bool:
    """Whether :func:`fused_render` takes these.

    On the CPU both must be float32 or both float64, on a GPU both float32.
    """
    if photo.device != grid.device or photo.dtype != grid.dtype:
        return False
    if photo.device.type == "cuda":
        return HAS_TRITON and photo.dtype == torch.float32
    is_real = photo.dtype in (torch.float32, torch.float64)
    return IS_AVAILABLE and photo.device.type == "cpu" and is_real


def fused_render(
    photo: Tensor, grid: Tensor, guide: GuideMap, frames: Sequence[Frame] | None = None
) -> Tensor:
    """The full-resolution pass O of PAPER section 2, with gradients to grid, guide and photo.

    Args:
        photo: φ, ``(N, 3, H, W)`` sRGB in 0…1; whole photos, or crops of them.
        grid: A, ``(N, 12, depth, rows, columns)``.
        guide: M, b′, a, t and b.
        frames: Where each crop lies; by default ``photo`` holds whole photos.

    Returns:
        O, ``(N, 3, H, W)`` sRGB, not clipped. It does not depend on the number of threads, and
        neither do the gradients; a GPU gives the same bits every time, too.

    Raises:
        ValueError: If a crop does not lie inside its photo, or shapes do not fit.
    """
    n, _, height, width = photo.shape
    if frames is None:
        frames = [Frame(0, 0, height, width)] * n
    places = torch.tensor(
        [[f.first_row, f.first_column, f.height_px, f.width_px] for f in frames], dtype=torch.int64
    )
    parameters = torch.cat(
        [
            p.to(photo.dtype).flatten()
            for p in (guide.matrix, guide.matrix_bias, guide.slopes, guide.thresholds, guide.bias)
        ]
    )
    output: Tensor = _render(photo, grid, parameters, places)
    return output


@torch.library.custom_op("fivefold::render", mutates_args=(), device_types="cpu")
def _render(photo: Tensor, grid: Tensor, guide: Tensor, frames: Tensor) -> Tensor:
    photo = photo.contiguous()
    output = torch.empty_like(photo)
    _native.training_forward(
        photo.numpy(),
        grid.contiguous().numpy(),
        guide.numpy(),
        frames.numpy(),
        output.numpy(),
        torch.get_num_threads(),
    )
    return output


@_render.register_kernel("cuda")
def _(photo: Tensor, grid: Tensor, guide: Tensor, frames: Tensor) -> Tensor:
    from fivefold.kernels import triton

    return triton.render(photo, grid, guide, frames)


@_render.register_fake
def _(photo: Tensor, grid: Tensor, guide: Tensor, frames: Tensor) -> Tensor:
    return torch.empty_like(photo, memory_format=torch.contiguous_format)


@torch.library.custom_op("fivefold::render_backward", mutates_args=(), device_types="cpu")
def _render_backward(
    grad_output: Tensor,
    photo: Tensor,
    grid: Tensor,
    guide: Tensor,
    frames: Tensor,
    needs_photo: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    photo, grid = photo.contiguous(), grid.contiguous()
    grad_grid, grad_guide = torch.empty_like(grid), torch.empty_like(guide)
    grad_photo = torch.empty_like(photo) if needs_photo else photo.new_empty(0)
    _native.training_backward(
        photo.numpy(),
        grid.numpy(),
        guide.numpy(),
        frames.numpy(),
        grad_output.contiguous().numpy(),
        grad_grid.numpy(),
        grad_guide.numpy(),
        grad_photo.numpy() if needs_photo else None,
        torch.get_num_threads(),
    )
    return grad_photo, grad_grid, grad_guide


@_render_backward.register_kernel("cuda")
def _(
    grad_output: Tensor,
    photo: Tensor,
    grid: Tensor,
    guide: Tensor,
    frames: Tensor,
    needs_photo: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    from fivefold.kernels import triton

    return triton.render_backward(grad_output, photo, grid, guide, frames, needs_photo)


@_render_backward.register_fake
def _(
    grad_output: Tensor,
    photo: Tensor,
    grid: Tensor,
    guide: Tensor,
    frames: Tensor,
    needs_photo: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    grad_photo = torch.empty_like(photo) if needs_photo else photo.new_empty(0)
    return grad_photo, torch.empty_like(grid), torch.empty_like(guide)


def _save(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
    needs_photo = ctx.needs_input_grad[0]
    grad_photo, grad_grid, grad_guide = _render_backward(
        grad_output, *ctx.saved_tensors, needs_photo
    )
    return grad_photo if needs_photo else None, grad_grid, grad_guide, None


_render.register_autograd(_backward, setup_context=_save)
