"""The compiled pass for training against the plain PyTorch formulation of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from fivefold.model import fused_slicing
from fivefold.model.fused_slicing import Frame, can_render, fused_render
from fivefold.model.guide import GuideMap
from fivefold.model.slicing import apply_affine, slice_grid

pytestmark = pytest.mark.skipif(not fused_slicing.IS_AVAILABLE, reason="no compiled kernels")


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.manual_seed(7)
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def make_guide(dtype: torch.dtype) -> GuideMap:
    guide = GuideMap().to(dtype)
    with torch.no_grad():
        for parameter in guide.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return guide


def make_grid(n: int, shape: tuple[int, int, int], dtype: torch.dtype) -> Tensor:
    grid = 0.3 * torch.randn(n, 12, *shape, dtype=dtype)
    grid[:, [0, 5, 10]] += 1
    return grid.requires_grad_()


def plain_render(photo: Tensor, grid: Tensor, guide: GuideMap) -> Tensor:
    return apply_affine(slice_grid(grid, guide(photo)), photo)


def gradients(output: Tensor, weight: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    return list(torch.autograd.grad((output * weight).sum(), inputs))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 3e-5)])
@pytest.mark.parametrize(
    ("size", "shape"),
    [((1, 1), (8, 16, 16)), ((70, 270), (8, 16, 16)), ((33, 5), (1, 2, 3)), ((9, 40), (4, 1, 1))],
)
def test_equals_the_plain_formulation(
    size: tuple[int, int], shape: tuple[int, int, int], dtype: torch.dtype, tolerance: float
) -> None:
    """Output and all gradients, on photos around the size of the grid and of a run of pixels."""
    guide, grid = make_guide(dtype), make_grid(2, shape, dtype)
    photo = torch.rand(2, 3, *size, dtype=dtype, requires_grad=True)
    inputs = [photo, grid, *guide.parameters()]
    expected, result = plain_render(photo, grid, guide), fused_render(photo, grid, guide)
    assert (result - expected).abs().max() < tolerance * expected.abs().max()
    weight = torch.randn_like(photo)
    for name, one, other in zip(
        ("photo", "grid", "matrix", "matrix_bias", "slopes", "thresholds", "bias"),
        gradients(result, weight, inputs),
        gradients(expected, weight, inputs),
        strict=True,
    ):
        scale = max(1.0, other.abs().max().item())
        assert (one - other).abs().max() < tolerance * scale, name


def test_gradients_are_those_of_the_output() -> None:
    """Finite differences in float64 agree with the backward pass, for every input."""
    guide, grid = make_guide(torch.float64), make_grid(2, (3, 2, 2), torch.float64)
    photo = torch.rand(2, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    parameters = [p.detach().clone().requires_grad_() for p in guide.parameters()]

    def render(photo: Tensor, grid: Tensor, *parameters: Tensor) -> Tensor:
        flat = torch.cat([p.flatten() for p in parameters])
        return fused_slicing._render(photo, grid, flat, frames)

    frames = torch.tensor([[0, 0, 3, 4], [5, 1, 9, 7]])
    assert torch.autograd.gradcheck(render, (photo, grid, *parameters), eps=1e-7, atol=1e-5)


def test_operator_is_registered_correctly() -> None:
    """PyTorch's own checks of schema, fake tensors and autograd registration pass."""
    guide, grid = make_guide(torch.float32), make_grid(1, (8, 4, 4), torch.float32)
    flat = torch.cat([p.detach().flatten() for p in guide.parameters()]).requires_grad_()
    photo = torch.rand(1, 3, 10, 12)
    frames = torch.tensor([[0, 0, 10, 12]])
    torch.library.opcheck(fused_slicing._render, (photo, grid, flat, frames))


def test_crops_are_sliced_where_they_lie() -> None:
    """A crop with its frame gives the same pixels as the whole photo, and the same gradients."""
    guide, grid = make_guide(torch.float64), make_grid(2, (8, 5, 6), torch.float64)
    photo = torch.rand(2, 3, 60, 80, dtype=torch.float64)
    corners = [(0, 13), (37, 48)]
    whole = fused_render(photo, grid, guide)
    expected = torch.stack(
        [whole[n, :, y : y + 23, x : x + 32] for n, (y, x) in enumerate(corners)]
    )
    crops = torch.stack([photo[n, :, y : y + 23, x : x + 32] for n, (y, x) in enumerate(corners)])
    result = fused_render(crops, grid, guide, [Frame(y, x, 60, 80) for y, x in corners])
    assert (result - expected).abs().max() < 1e-14
    weight = torch.randn_like(crops)
    inputs = [grid, *guide.parameters()]
    for one, other in zip(
        gradients(result, weight, inputs), gradients(expected, weight, inputs), strict=True
    ):
        assert (one - other).abs().max() < 1e-12


@pytest.mark.parametrize("most", ["portable", "avx2"])
def test_threads_and_processor_do_not_change_the_bits(most: str) -> None:
    """Any number of threads and any instruction set give the same output and gradients."""
    import fivefold._native as native

    guide, grid = make_guide(torch.float32), make_grid(3, (8, 16, 16), torch.float32)
    photo = torch.rand(3, 3, 90, 300, requires_grad=True)
    weight = torch.randn_like(photo)
    inputs = [photo, grid, *guide.parameters()]

    def run() -> list[Tensor]:
        output = fused_render(photo, grid, guide)
        return [output, *gradients(output, weight, inputs)]

    expected = run()
    torch.set_num_threads(1)
    native.limit_instruction_set(most)
    try:
        result = run()
    finally:
        native.limit_instruction_set("avx512")
    assert all(torch.equal(one, other) for one, other in zip(result, expected, strict=True))


def test_guide_out_of_range_has_no_gradient() -> None:
    """Where g is clipped, the guide's parameters get no gradient, and the grid still does."""
    guide, grid = make_guide(torch.float32), make_grid(1, (8, 4, 4), torch.float32)
    with torch.no_grad():
        guide.bias.fill_(50.0)
    photo = torch.rand(1, 3, 20, 20)
    output = fused_render(photo, grid, guide)
    of_grid, *of_guide = gradients(output, torch.ones_like(photo), [grid, *guide.parameters()])
    assert all((gradient == 0).all() for gradient in of_guide)
    assert (of_grid[:, :, :-1] == 0).all()
    assert of_grid[:, 3, -1].sum().item() == pytest.approx(400, rel=1e-5)


def test_what_it_cannot_take() -> None:
    """Other types and devices are left to the plain formulation; bad crops are refused."""
    photo, grid = torch.rand(1, 3, 4, 4), make_grid(1, (8, 4, 4), torch.float32)
    assert can_render(photo, grid)
    assert not can_render(photo.half(), grid.half())
    assert not can_render(photo.double(), grid)
    assert not can_render(photo.to("meta"), grid.to("meta"))
    with pytest.raises(ValueError, match="inside"):
        fused_render(photo, grid, GuideMap(), [Frame(1, 0, 4, 4)])
