"""The fixed-point path: when it runs, and that it is never off by more than one code."""

from __future__ import annotations

import numpy as np
import pytest

from fivefold import kernels
from fivefold.kernels import engine, reference
from fivefold.kernels.grid import BilateralGrid, Guide

from .conftest import Render, make_grid, make_guide

COLOURS = 4096


def colours(rng: np.random.Generator, rows: int = 16) -> np.ndarray:
    """Random colours, greys, and the corners of the colour cube, in random places."""
    width = COLOURS // rows
    pixels = rng.integers(0, 256, (rows, width, 3), dtype=np.uint8)
    greys = rng.random((rows, width)) < 0.3
    pixels[greys] = pixels[greys][:, :1]
    corners = rng.random((rows, width)) < 0.1
    pixels[corners] = 255 * (pixels[corners] > 127)
    return pixels


def worst_error(render: Render, pixels: np.ndarray, grid: BilateralGrid) -> int:
    exact = reference.render(pixels, grid).astype(int)
    return int(np.abs(render(pixels, grid).astype(int) - exact).max())


def has_vectors() -> bool:
    return kernels.instruction_set() in ("avx512", "avx2", "neon")


@pytest.mark.parametrize("seed", range(60))
def test_one_code_on_random_grids(render: Render, seed: int) -> None:
    """Grids from gentle to wild, guides from flat to steep, both kinds of knots."""
    rng = np.random.default_rng(seed)
    guide = make_guide(rng, float(rng.choice([0.01, 0.1, 0.5])), uniform=bool(seed % 2))
    shape = ((8, 16, 16), (8, 3, 40), (5, 2, 2), (1, 1, 1))[seed % 4]
    grid = make_grid(rng, shape, spread=float(rng.choice([0.02, 0.1, 0.3, 1.0, 3.0])), guide=guide)
    assert worst_error(render, colours(rng), grid) <= 1


@pytest.mark.parametrize("limit", [1.99, 2.01, 3.99, 4.01, 7.95, 8.05])
@pytest.mark.parametrize("sign", [1, -1])
def test_one_code_around_the_limits_of_formats(render: Render, limit: float, sign: int) -> None:
    """Channels whose weights and offset sum to just below and above what a format holds."""
    rng = np.random.default_rng(3)
    grid = make_grid(rng, (8, 4, 4), spread=0.0, guide=make_guide(rng, 0.02, uniform=True))
    cells = grid.coefficients.copy().reshape(3, 4, 8, 4, 4)
    weights = rng.dirichlet(np.ones(4), (3, 8, 4, 4)).transpose(0, 4, 1, 2, 3)
    cells[...] = sign * limit * weights
    # An opposite offset brings sums that have been near the limit back into the visible range.
    cells[:, 3] -= sign * (limit - 0.7)
    grid = BilateralGrid(cells.reshape(12, 8, 4, 4).astype(np.float32), grid.guide)
    assert worst_error(render, colours(rng), grid) <= 1


@pytest.mark.parametrize("direction", ["depth", "row", "column"])
@pytest.mark.parametrize("step", [0.5, 1.5, 3.5])
def test_one_code_with_abrupt_cells(render: Render, direction: str, step: float) -> None:
    """Neighbouring cells far apart along one direction, in turn above and below."""
    rng = np.random.default_rng(4)
    grid = make_grid(rng, (8, 8, 8), spread=0.05, guide=make_guide(rng, 0.02, uniform=True))
    cells = grid.coefficients.reshape(3, 4, 8, 8, 8).copy()
    axis = {"depth": 2, "column": 3, "row": 4}[direction]
    index = np.arange(8).reshape([8 if n == axis else 1 for n in range(5)])
    cells += (
        np.where(index % 2 == 0, step / 2, -step / 2) / np.array([1, 2, 4, -2])[:, None, None, None]
    )
    grid = BilateralGrid(cells.reshape(12, 8, 8, 8).astype(np.float32), grid.guide)
    assert worst_error(render, colours(rng), grid) <= 1


# Differences along a row up to 121/2048, by fixed_point.h, may be held in bytes.
@pytest.mark.parametrize("change", [0.004, 0.03, 0.0589, 0.0592, 0.064, 0.13])
@pytest.mark.parametrize(
    "share", [(1, 0, 0, 0), (0.5, 0.5, 0, 0), (0.3, 0.3, 0.2, 0.2), (0, 0, 0, 1)]
)
@pytest.mark.parametrize("signs", ["all", "in turn", "random"])
def test_one_code_with_small_changes_along_rows(
    render: Render, change: float, share: tuple[float, ...], signs: str
) -> None:
    """Neighbouring columns that differ by just as much as bytes hold, and by a little more."""
    rng = np.random.default_rng(7)
    grid = make_grid(rng, (8, 4, 6), spread=0.0, guide=make_guide(rng, 0.02, uniform=True))
    cells = grid.coefficients.copy().reshape(3, 4, 8, 4, 6)
    cells += rng.normal(0, 0.1, (3, 4, 8, 4, 1))
    steps = np.ones((3, 4, 8, 4, 6)) * change * np.array(share)[:, None, None, None]
    if signs == "random":
        steps *= rng.choice([-1, 1], steps.shape) * rng.uniform(0.9, 1, steps.shape)
    elif signs == "in turn":
        steps *= np.where(np.arange(8) % 2, -0.5, 0.5)[:, None, None]
    cells += np.cumsum(steps, axis=-1) - steps.sum(axis=-1, keepdims=True) / 2
    grid = BilateralGrid(cells.reshape(12, 8, 4, 6).astype(np.float32), grid.guide)
    greys = np.concatenate([colours(rng), np.full((4, 256, 3), 255, np.uint8)])
    assert worst_error(render, greys, grid) <= 1


@pytest.mark.parametrize("seed", range(12))
def test_one_code_with_gentle_rows(render: Render, seed: int) -> None:
    """Grids that change as little along rows as trained ones, and as much along their depth."""
    rng = np.random.default_rng(100 + seed)
    guide = make_guide(rng, 0.1, uniform=True)
    grid = make_grid(rng, (8, 5, 7), spread=0.02, guide=guide)
    cells = grid.coefficients[..., :1] + rng.normal(0, 0.2, (12, 8, 5, 1))
    cells = cells + np.cumsum(rng.normal(0, 0.004 * (1 + seed % 4), (12, 8, 5, 7)), axis=-1)
    grid = BilateralGrid(cells.astype(np.float32), guide)
    assert worst_error(render, colours(rng), grid) <= 1


@pytest.mark.parametrize(
    ("scale", "offset"),
    [(0.3, 0.0), (1.05, 0.1), (1.4, 0.05), (1.0, -0.3), (-1.0, 1.0), (3.0, -1.0)],
)
def test_one_code_with_any_colour_matrix(render: Render, scale: float, offset: float) -> None:
    """Guides whose curves are read below zero, beyond one, backwards and far away."""
    rng = np.random.default_rng(5)
    start = make_guide(rng, 0.05, uniform=True)
    guide = Guide(
        matrix=start.matrix * np.float32(scale),
        matrix_bias=start.matrix_bias + np.float32(offset),
        slopes=start.slopes,
        thresholds=start.thresholds,
        bias=start.bias,
    )
    assert worst_error(render, colours(rng), make_grid(rng, spread=0.1, guide=guide)) <= 1


@pytest.mark.parametrize("most", [0.9991, 1.0, 1.4997, 1.49993, 1.49999, 1.5001])
@pytest.mark.parametrize("curve", [0, 1, 2])
def test_one_code_where_curves_end(render: Render, most: float, curve: int) -> None:
    """White and its neighbours where a curve's input just reaches what a word holds."""
    rng = np.random.default_rng(8)
    start = make_guide(rng, 0.05, uniform=True)
    matrix = np.eye(3, dtype=np.float32)
    matrix[curve] = rng.dirichlet(np.ones(3)) * (most - 0.96)
    matrix[curve, curve] += 0.96
    guide = Guide(matrix, np.zeros(3, np.float32), start.slopes, start.thresholds, -0.1)
    whites = rng.integers(240, 256, (16, 256, 3), dtype=np.uint8)
    whites[:8] = 255
    assert worst_error(render, whites, make_grid(rng, spread=0.1, guide=guide)) <= 1


@pytest.mark.parametrize("slopes", [(1.4, 1.4, -1.4), (-1.5, -1.0, 4.0)])
@pytest.mark.parametrize("turn", [0, 1, 2])
def test_one_code_where_curves_cancel(
    render: Render, slopes: tuple[float, float, float], turn: int
) -> None:
    """Curves that alone or in pairs pass the range of a word, and others that take it back."""
    rng = np.random.default_rng(6)
    start = Guide.identity()
    curves = np.zeros((3, 16), np.float32)
    curves[:, 0] = np.roll(slopes, turn)
    guide = Guide(start.matrix, start.matrix_bias, curves, start.thresholds, bias=0.3)
    assert worst_error(render, colours(rng), make_grid(rng, spread=0.1, guide=guide)) <= 1


def test_gentle_grids_are_rarely_off(render: Render, rng: np.random.Generator) -> None:
    """Of the results of an ordinary grid, fewer than 2 % differ from the exact ones at all."""
    grid = make_grid(rng, spread=0.05, guide=make_guide(rng, 0.02, uniform=True))
    pixels = colours(rng, rows=64)
    assert (render(pixels, grid) != reference.render(pixels, grid)).mean() < 0.02


@pytest.mark.skipif(not has_vectors(), reason="no fixed-point kernel for this processor")
class TestChoice:
    """Which arithmetic is chosen."""

    def test_an_ordinary_grid_runs_in_fixed_point(self, rng: np.random.Generator) -> None:
        """8-bit pixels take the fast path; other types do not have one."""
        for uniform in (True, False):
            grid = make_grid(rng, spread=0.1, guide=make_guide(rng, 0.05, uniform=uniform))
            assert kernels.path_name(np.uint8, grid) == "int16"
            assert kernels.path_name(np.uint16, grid) == "float64"
            assert kernels.path_name(np.float32, grid) == "float64"

    def test_grids_that_do_not_fit_run_in_doubles(self, rng: np.random.Generator) -> None:
        """Coefficients of eight and more, and guides so steep that depths would be inexact."""
        guide = make_guide(rng, 0.05, uniform=True)
        assert kernels.path_name(np.uint8, make_grid(rng, spread=9.0, guide=guide)) == "float64"
        steep = Guide(
            guide.matrix, guide.matrix_bias, guide.slopes * 1e5, guide.thresholds, guide.bias
        )
        assert kernels.path_name(np.uint8, make_grid(rng, spread=0.1, guide=steep)) == "float64"

    def test_deep_grids_run_in_doubles(self, rng: np.random.Generator) -> None:
        """More depths than a register holds."""
        grid = make_grid(rng, (9, 4, 4), spread=0.1)
        assert kernels.path_name(np.uint8, grid) == "float64"

    def test_without_compiled_kernels(
        self, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The slower engine says so."""
        monkeypatch.setattr(engine, "NATIVE_MISSING", "left out by a test")
        assert kernels.path_name(np.uint8, make_grid(rng)) == "numpy"
        assert kernels.instruction_set() == "none"
        assert kernels.engine_name() == "numpy"


def test_unknown_instruction_sets_are_named() -> None:
    """The limit for tests and benchmarks takes the names of instruction sets only."""
    native = pytest.importorskip("fivefold._native")
    with pytest.raises(ValueError, match="received sse9"):
        native.limit_instruction_set("sse9")
