"""The shaders in examples/shaders compute what the reference computes.

GLSL, WGSL and HLSL run on whatever OpenGL or Vulkan the machine has (a software renderer does),
HLSL through glslang. The Metal one can be compiled by no tool here; as C++ with a small stand-in
for ``metal_stdlib`` it is compiled and run on the processor, which checks its arithmetic and not
Apple's compiler.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.export.shader_runner import NO_DEVICE, SHADERS
from tests.kernels.conftest import make_grid

from fivefold.export.grid_file import guide_block, texture_texels
from fivefold.kernels import reference
from fivefold.kernels.grid import BilateralGrid, Guide
from fivefold.photo.image import Photo
from fivefold.runtime.enhancer import Enhancer

LARGEST_DIFFERENCE = 2e-5
"""Of a value in 0…1: single precision, and divisions that a graphics processor may round."""
WIDTH, HEIGHT = 83, 61

Shade = Callable[[np.ndarray, BilateralGrid], np.ndarray]


def with_alpha(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1)


def by_graphics(language: str, pixels: np.ndarray, grid: BilateralGrid, folder: Path) -> np.ndarray:
    """Run the shader on the machine's OpenGL or WebGPU."""
    pytest.importorskip("moderngl" if language == "glsl" else "wgpu")
    given, result = folder / "given.npz", folder / "result.npy"
    texels, block = texture_texels(grid), guide_block(grid.guide)
    np.savez(given, pixels=with_alpha(pixels), texels=texels, block=block)
    runner = Path(__file__).with_name("shader_runner.py")
    command = [sys.executable, runner, language, given, result]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode == NO_DEVICE:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return np.load(result)


def by_metal_as_cpp(pixels: np.ndarray, grid: BilateralGrid, folder: Path) -> np.ndarray:
    """Compile the Metal shader as C++, and run it on the processor."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    here = Path(__file__).parent / "metal_as_cpp"
    program = folder / "metal_as_cpp"
    shader = SHADERS / "bilateral_grid.metal"
    flags = ["-std=c++17", "-O1", "-I", here, "-include", shader]
    subprocess.run([compiler, *flags, here / "main.cpp", "-o", program], check=True)
    sizes = np.array([*texture_texels(grid).shape[2::-1], *pixels.shape[1::-1]], np.int32)
    parts = (sizes, guide_block(grid.guide), texture_texels(grid), with_alpha(pixels))
    given = b"".join(part.tobytes() for part in parts)
    done = subprocess.run([program], input=given, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float32).reshape(pixels.shape)


@pytest.fixture(params=["glsl", "wgsl", "hlsl", "metal"])
def shade(request: pytest.FixtureRequest, tmp_path: Path) -> Shade:
    language: str = request.param
    if language == "metal":
        return lambda pixels, grid: by_metal_as_cpp(pixels, grid, tmp_path)
    return lambda pixels, grid: by_graphics(language, pixels, grid, tmp_path)


@pytest.mark.parametrize("shape", [(8, 16, 16), (5, 9, 7), (1, 1, 1)])
def test_a_shader_computes_what_the_reference_computes(
    shade: Shade, shape: tuple[int, int, int]
) -> None:
    """Random guides and grids of several sizes, at every pixel of a photo of odd size."""
    random = np.random.default_rng(sum(shape))
    pixels = random.random((HEIGHT, WIDTH, 3), np.float32)
    grid = make_grid(random, shape, spread=0.1)
    expected = reference.render(pixels, grid)
    assert np.abs(expected - pixels).mean() > 0.02
    assert np.abs(shade(pixels, grid) - expected).max() <= LARGEST_DIFFERENCE


def test_a_shader_shows_the_shipped_model(shade: Shade) -> None:
    """A grid that the shipped network predicted."""
    random = np.random.default_rng(3)
    coarse = random.random((5, 7, 3), np.float32)
    pixels = np.repeat(np.repeat(coarse, 13, axis=0), 12, axis=1)
    grid = Enhancer.load().predict(Photo(pixels))
    expected = reference.render(pixels, grid)
    assert np.abs(shade(pixels, grid) - expected).max() <= LARGEST_DIFFERENCE


def test_the_texels_are_the_coefficients() -> None:
    """Each has one place: layer z + depth · c, row, column, and k of red, green, blue, offset."""
    grid = make_grid(np.random.default_rng(0), (3, 4, 5))
    texels = texture_texels(grid)
    assert texels.shape == (9, 4, 5, 4)
    for c, k, z, y, x in np.ndindex(3, 4, 3, 4, 5):
        assert texels[z + 3 * c, y, x, k] == grid.coefficients[4 * c + k, z, y, x]


def test_the_guide_s_block_has_the_stated_rows() -> None:
    """576 bytes, every number of the guide in it once."""
    guide = make_grid(np.random.default_rng(1)).guide
    block = guide_block(guide)
    assert block.nbytes == 576
    assert (block[1, 2], block[1, 3]) == (guide.matrix[1, 2], guide.matrix_bias[1])
    assert (block[3 + 5, 2], block[19 + 15, 0]) == (guide.slopes[2, 5], guide.thresholds[0, 15])
    assert block[35, 0] == np.float32(guide.bias)
    assert np.count_nonzero(guide_block(Guide.identity())) == 3 + 3 + 45
