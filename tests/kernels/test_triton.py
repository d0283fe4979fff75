"""The GPU's pass against the plain formulation and the float64 reference."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fivefold.kernels import reference
from fivefold.kernels.grid import BilateralGrid
from fivefold.model import fused_slicing
from fivefold.model.fused_slicing import Frame, can_render, fused_render
from fivefold.model.guide import GuideMap
from fivefold.model.slicing import apply_affine, slice_grid
from on_gpu import DEVICE, gpu, on_gpu_only

from .conftest import make_grid, make_pixels

__all__ = ["gpu"]

CASES = [
    ((5, 19), (8, 2, 3)),  # an usual depth
    ((3, 2), (1, 2, 3)),  # one cell deep, and fewer pixels than cells
    ((1, 1), (4, 1, 1)),
    ((2, 37), (9, 1, 2)),  # deeper than a power of two
]


def parts(guide: GuideMap) -> list[Tensor]:
    return [guide.matrix, guide.matrix_bias, guide.slopes, guide.thresholds, guide.bias]


def flat(guide: GuideMap) -> Tensor:
    return torch.cat([part.detach().flatten() for part in parts(guide)]).to(DEVICE)


def random_guide() -> GuideMap:
    guide = GuideMap()
    with torch.no_grad():
        for parameter in guide.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return guide


def random_grid(n: int, shape: tuple[int, int, int]) -> Tensor:
    grid = 0.3 * torch.randn(n, 12, *shape)
    grid[:, [0, 5, 10]] += 1
    return grid


def whole(photo: Tensor) -> Tensor:
    return torch.tensor([[0, 0, *photo.shape[2:]]] * len(photo))


@pytest.mark.parametrize(("size", "shape"), CASES)
def test_output_and_gradients_are_those_of_the_plain_formulation(
    gpu: ModuleType, size: tuple[int, int], shape: tuple[int, int, int]
) -> None:
    """Within float32 rounding, on photos of many and of fewer pixels than cells."""
    torch.manual_seed(7)
    guide, grid = random_guide(), random_grid(2, shape).requires_grad_()
    photo = torch.rand(2, 3, *size, requires_grad=True)
    weight = torch.randn_like(photo)
    expected = apply_affine(slice_grid(grid, guide(photo)), photo)
    of_photo, of_grid, *of_guide = torch.autograd.grad(
        (expected * weight).sum(), [photo, grid, *parts(guide)]
    )

    inputs = (photo.detach().to(DEVICE), grid.detach().to(DEVICE), flat(guide), whole(photo))
    close(gpu.render(*inputs), expected)
    to_photo, to_grid, to_guide = gpu.render_backward(weight.to(DEVICE), *inputs, True)
    close(to_photo, of_photo)
    close(to_grid, of_grid)
    close(to_guide, torch.cat([gradient.flatten() for gradient in of_guide]))
    without = gpu.render_backward(weight.to(DEVICE), *inputs, False)
    assert without[0].numel() == 0
    assert torch.equal(without[1], to_grid)  # the same bits every time
    assert torch.equal(without[2], to_guide)


def close(received: Tensor, expected: Tensor) -> None:
    scale = max(1.0, expected.abs().max().item())
    assert (received.cpu() - expected).abs().max() < 3e-5 * scale


def test_crops_are_sliced_where_they_lie(gpu: ModuleType) -> None:
    """A crop has its photo's pixels, and the gradients of a photo that counts only there."""
    torch.manual_seed(3)
    guide, grid = flat(random_guide()), random_grid(1, (8, 3, 2)).to(DEVICE)
    photo, weight = torch.rand(1, 3, 9, 20, device=DEVICE), torch.zeros(1, 3, 9, 20, device=DEVICE)
    rows, columns = slice(4, 8), slice(3, 16)
    weight[..., rows, columns] = 1.0
    frame = torch.tensor([[4, 3, 9, 20]])
    crop = gpu.render(photo[..., rows, columns], grid, guide, frame)
    close(crop, gpu.render(photo, grid, guide, whole(photo))[..., rows, columns].cpu())
    part = gpu.render_backward(
        weight[..., rows, columns], photo[..., rows, columns], grid, guide, frame, False
    )
    all_of_it = gpu.render_backward(weight, photo, grid, guide, whole(photo), False)
    for received, expected in zip(part[1:], all_of_it[1:], strict=True):
        close(received, expected.cpu())


def test_a_guide_out_of_range_has_no_gradient(gpu: ModuleType) -> None:
    """Where g is clipped, the guide gets none, and the grid's last cells get all."""
    guide = GuideMap()
    with torch.no_grad():
        guide.bias.fill_(50.0)
    photo, grid = torch.rand(1, 3, 4, 6, device=DEVICE), random_grid(1, (4, 2, 2)).to(DEVICE)
    _, of_grid, of_guide = gpu.render_backward(
        torch.ones_like(photo), photo, grid, flat(guide), whole(photo), False
    )
    assert (of_guide == 0).all()
    assert (of_grid[:, :, :-1] == 0).all()
    assert of_grid[:, 3, -1].sum().item() == pytest.approx(24, rel=1e-5)


def test_a_crop_outside_its_photo_is_refused(gpu: ModuleType) -> None:
    """The message has both."""
    photo, grid = torch.rand(1, 3, 4, 4, device=DEVICE), random_grid(1, (8, 2, 2)).to(DEVICE)
    with pytest.raises(ValueError, match="4 × 4 pixels at row 1, column 0 does not lie inside"):
        gpu.render(photo, grid, flat(GuideMap()), torch.tensor([[1, 0, 4, 4]]))


@given(
    size=st.integers(1, 300),
    cells=st.integers(1, 40),
    data=st.data(),
)
def test_every_pixel_is_in_the_patch_of_its_cells(
    gpu: ModuleType, size: int, cells: int, data: st.DataObject
) -> None:
    """Edges that are calculated in whole numbers agree with exact coordinates, on any crop."""
    from fractions import Fraction
    from math import floor

    from fivefold.kernels.triton.backward import patch_edges

    first = data.draw(st.integers(0, size - 1))
    pixels = data.draw(st.integers(1, size - first))
    edges = patch_edges(torch.tensor([first]), torch.tensor([size]), pixels, cells)[0].tolist()
    assert len(edges) == cells + 2
    for x in range(pixels):
        coordinate = Fraction(2 * (first + x) + 1, 2) * Fraction(cells, size) - Fraction(1, 2)
        patch = floor(coordinate) + 1
        assert edges[patch] <= x < edges[patch + 1]


DTYPES = {
    torch.uint8: (np.uint8, 1),
    torch.uint16: (np.uint16, 1),
    torch.float16: (np.float32, 1e-3),
    torch.float32: (np.float32, 2e-6),
}


@pytest.mark.parametrize("dtype", list(DTYPES), ids=str)
def test_pixels_of_files_are_those_of_the_reference(
    gpu: ModuleType, rng: np.random.Generator, dtype: torch.dtype
) -> None:
    """At most one code off where pixels are codes, and rounding of their type elsewhere."""
    kind, tolerance = DTYPES[dtype]
    grid = make_grid(rng, (8, 3, 4), spread=0.2)
    pixels = make_pixels(rng, 3, 70, kind)
    tensor = torch.from_numpy(pixels).to(dtype)
    if dtype == torch.float16:
        pixels = tensor.float().numpy()
    out = render_pixels(gpu, tensor, grid)
    expected = reference.render(pixels, grid).astype(np.float64)
    assert np.abs(out.cpu().numpy().astype(np.float64) - expected).max() <= tolerance


def render_pixels(gpu: ModuleType, pixels: Tensor, grid: BilateralGrid, **where: int) -> Tensor:
    pixels = pixels.to(DEVICE)
    out = torch.empty_like(pixels)
    coefficients = torch.from_numpy(grid.coefficients).to(DEVICE)
    gpu.render_pixels(pixels, coefficients, gpu.pack_guide(grid.guide).to(DEVICE), out, **where)
    return out


def test_strips_are_the_whole(gpu: ModuleType, rng: np.random.Generator) -> None:
    """A strip with its place in the photo gives the same bits as the photo."""
    grid = make_grid(rng, (8, 3, 2))
    pixels = torch.from_numpy(make_pixels(rng, 7, 30, np.uint8))
    strips = [
        render_pixels(gpu, pixels[row : row + 3], grid, first_row=row, height_px=7)
        for row in (0, 3, 6)
    ]
    assert torch.equal(torch.cat(strips), render_pixels(gpu, pixels, grid))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # NumPy, that interprets
def test_a_pixel_that_is_not_a_number_leaves_others_alone(
    gpu: ModuleType, rng: np.random.Generator
) -> None:
    """NaN and infinity index nothing outside of the grid."""
    grid = make_grid(rng, (8, 2, 2))
    pixels = torch.from_numpy(make_pixels(rng, 2, 20, np.float32))
    broken = pixels.clone()
    broken[0, 3], broken[1, 7], broken[1, 9] = float("nan"), float("inf"), -float("inf")
    received, expected = render_pixels(gpu, broken, grid), render_pixels(gpu, pixels, grid)
    same = torch.ones(2, 20, dtype=torch.bool)
    same[0, 3] = same[1, 7] = same[1, 9] = False
    assert torch.equal(received.cpu()[same], expected.cpu()[same])


def test_other_pixels_are_refused(gpu: ModuleType, rng: np.random.Generator) -> None:
    """What is no type of a photo is the caller's mistake."""
    with pytest.raises(TypeError, match=r"received torch\.int32"):
        render_pixels(gpu, torch.zeros(2, 2, 3, dtype=torch.int32), make_grid(rng))


def test_training_takes_it_for_float32_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other types, mixed devices and machines without Triton take the plain formulation."""

    def on(device: str, dtype: torch.dtype = torch.float32) -> Tensor:
        return type("Fake", (), {"device": torch.device(device), "dtype": dtype})()  # type: ignore[return-value]

    monkeypatch.setattr(fused_slicing, "HAS_TRITON", True)
    assert can_render(on("cuda"), on("cuda"))
    assert not can_render(on("cuda"), on("cpu"))
    assert not can_render(on("cuda", torch.float64), on("cuda", torch.float64))
    monkeypatch.setattr(fused_slicing, "HAS_TRITON", False)
    assert not can_render(on("cuda"), on("cuda"))


@on_gpu_only
def test_training_on_a_gpu_has_the_gradients_of_the_cpu(gpu: ModuleType) -> None:
    """The operator dispatches to the GPU, forward and backward, on crops of several photos."""
    torch.manual_seed(5)
    frames = [Frame(0, 13, 90, 120), Frame(20, 0, 61, 99)]
    guide, grid, photo = random_guide(), random_grid(2, (8, 16, 16)), torch.rand(2, 3, 40, 80)
    weight = torch.randn_like(photo)
    results = []
    for device in ("cpu", "cuda"):
        on_device = GuideMap().to(device)
        on_device.load_state_dict(guide.state_dict())
        inputs = [photo.to(device).requires_grad_(), grid.to(device).requires_grad_()]
        output = fused_render(*inputs, on_device, frames)
        wanted = [*inputs, *parts(on_device)]
        results.append([output, *torch.autograd.grad((output * weight.to(device)).sum(), wanted)])
    for on_cpu, on_gpu in zip(*results, strict=True):
        close(on_gpu.detach(), on_cpu.detach())


COMPILE = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from fivefold.kernels.triton import backward, forward

FLOATS = "tables guide photo grad_output patches grad_g grad_photo sums".split()
KINDS = {
    **dict.fromkeys(FLOATS, "*fp32"),
    **dict.fromkeys(("edges_x", "edges_y"), "*i32"),
    **dict.fromkeys(("pixels", "out"), "*u8"),
    "frames": "*i64",
}
SIZES = dict(WIDTH=16, HEIGHT=16, DEPTH=8, LEVELS=8)
PASS = dict(FULL_SCALE=255.0, CLIP=True, ROUND=True, BLOCK=256)
for kernel, constants in (
    (forward._render, {**SIZES, **PASS}),
    (backward._backward_patch, {**SIZES, "NEEDS_PHOTO": True, "BLOCK": 32}),
    (backward._backward_guide, {"PIXELS": 4096, "BLOCK": 128}),
):
    names = kernel.arg_names
    kinds = {n: "constexpr" if n in constants else KINDS.get(n, "i32") for n in names}
    if kernel is backward._backward_guide:
        kinds["pixels"] = "i32"
    values = {(names.index(n),): v for n, v in constants.items() if n in names}
    source = ASTSource(fn=kernel, signature=kinds, constexprs=values)
    options = {"num_stages": 1, "enable_fp_fusion": True}
    compiled = triton.compile(source, target=GPUTarget("cuda", 80, 32), options=options)
    assert compiled.asm["cubin"]
"""


def test_kernels_compile_for_a_gpu_that_is_not_there(gpu: ModuleType, tmp_path: Path) -> None:
    """Triton makes machine code of all three for NVIDIA's Ampere."""
    surroundings = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    surroundings["TRITON_CACHE_DIR"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", COMPILE],
        env=surroundings,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
