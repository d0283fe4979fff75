"""16-bit photos, and whatever else runs in double precision: exact after rounding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fivefold import kernels
from fivefold.kernels import reference
from fivefold.kernels.grid import BilateralGrid, Guide
from fivefold.photo.image import FULL_SCALE, Pixels

from .conftest import ENGINES, Render, make_grid, make_guide, make_pixels


def unrounded(pixels: Pixels, grid: BilateralGrid, **where: int) -> np.ndarray:
    """The reference in codes, clipped, before it rounds."""
    full_scale = FULL_SCALE[pixels.dtype]
    photo = pixels.astype(np.float64) / full_scale
    g = reference.guide_map(photo, grid.guide)
    sliced = reference.slice_grid(grid.coefficients, g, **where)
    return np.clip(reference.apply_affine(sliced, photo), 0, 1) * full_scale


def doubt(pixels: Pixels, grid: BilateralGrid) -> float:
    """How far, in codes, some hundred roundings of 2^-53 can move a result.

    Those of the guide move it along the grid's depth, those of the coordinates along its width and
    height; the others concern the sum itself.
    """
    guide = grid.guide
    u = np.abs(guide.matrix).sum(1) + np.abs(guide.matrix_bias)
    terms = np.abs(guide.slopes) * (u[:, None] + np.abs(guide.thresholds)) / 3
    depth = grid.depth * (abs(guide.bias) + 1 + float(terms.sum()))
    cells = grid.coefficients.astype(np.float64).reshape(3, 4, *grid.coefficients.shape[1:])
    largest = float(np.abs(cells).sum(1).max())
    roundings = 100 * depth + 10 * sum(grid.coefficients.shape[2:]) + 100
    return FULL_SCALE[pixels.dtype] * 2.0**-53 * roundings * 2 * largest


def assert_exact(render: Render, pixels: Pixels, grid: BilateralGrid, **where: int) -> None:
    """Every sample is the reference's, but those that fall between two codes as nearly as doubt."""
    codes = unrounded(pixels, grid, **where)
    result = render(pixels, grid, **where)
    tie = np.abs(codes - np.floor(codes) - 0.5)
    wrong = (result != np.rint(codes)) & (tie > doubt(pixels, grid))
    assert not wrong.any(), (int(wrong.sum()), float(tie[wrong].max()))
    assert np.abs(result - codes).max() <= 0.5 + doubt(pixels, grid)


@st.composite
def grids(draw: st.DrawFn) -> BilateralGrid:
    """Gentle and wild grids of all shapes, with guides of both kinds of knots, in range and out."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    start = make_guide(
        rng, draw(st.sampled_from([0.0, 0.02, 0.3, 3.0])), uniform=draw(st.booleans())
    )
    guide = Guide(
        matrix=start.matrix * np.float32(draw(st.sampled_from([0.3, 1.0, -1.0, 3.0]))),
        matrix_bias=start.matrix_bias + np.float32(draw(st.floats(-1, 1))),
        slopes=start.slopes,
        thresholds=start.thresholds,
        bias=draw(st.floats(-0.5, 0.5)),
    )
    shape = draw(st.tuples(st.integers(1, 17), st.integers(1, 20), st.integers(1, 40)))
    return make_grid(rng, shape, spread=draw(st.sampled_from([0.0, 0.05, 0.3, 2.0])), guide=guide)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(grid=grids(), seed=st.integers(0, 2**32 - 1), width=st.integers(1, 300))
def test_16_bits_equal_the_rounded_reference(
    render: Render, grid: BilateralGrid, seed: int, width: int
) -> None:
    """Whatever the grid, the guide and the photo, no 16-bit sample differs from the reference."""
    pixels = make_pixels(np.random.default_rng(seed), 9, width, np.uint16)
    assert_exact(render, pixels, grid)
    assert_exact(render, pixels, grid, first_row=20, height_px=50)


@pytest.mark.parametrize("uniform", [True, False])
def test_an_ordinary_photo_has_no_doubtful_sample(
    render: Render, rng: np.random.Generator, uniform: bool
) -> None:
    """Of a hundred thousand pixels not one sample differs, nor would any tie excuse it."""
    guide = make_guide(rng, 0.05, uniform=uniform)
    grid = make_grid(rng, spread=0.1, guide=guide)
    pixels = make_pixels(rng, 100, 1000, np.uint16)
    assert doubt(pixels, grid) < 1e-6
    assert (render(pixels, grid) == reference.render(pixels, grid)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("side", [-1, 1])
def test_results_next_to_a_tie(
    render: Render, rng: np.random.Generator, side: int, dtype: type
) -> None:
    """Where every result is a ten-millionth of a code off the middle, each falls on its side."""
    # Of 8 bits, photos run in double precision where a grid has more depths than fixed point takes.
    grid = BilateralGrid.identity(9 if dtype is np.uint8 else 8, 5, 4)
    cells = grid.coefficients.copy()
    half = np.float32(0.5 / FULL_SCALE[np.dtype(dtype)])
    cells[[3, 7, 11]] = np.nextafter(half, np.float32(side))
    grid = BilateralGrid(cells, make_guide(rng, uniform=True))
    pixels = make_pixels(rng, 40, 70, dtype)
    if dtype is np.uint8 and kernels.path_name(np.uint8, grid) != "float64":
        pytest.skip("8-bit photos run in single precision here")
    offset = float(cells[3, 0, 0, 0]) * FULL_SCALE[np.dtype(dtype)] - 0.5
    assert 1e-9 < side * offset < 1e-7
    top = int(FULL_SCALE[np.dtype(dtype)])
    expected = np.minimum(pixels.astype(np.int64) + (side > 0), top)
    assert (render(pixels, grid) == expected).all()


def test_colours_on_the_knots_and_cells_on_the_pixels(
    render: Render, rng: np.random.Generator
) -> None:
    """Where a guide turns, or a pixel sits on a cell's centre, either side's numbers do."""
    pixels = np.repeat(np.arange(0, 65536, 4096, dtype=np.uint16)[None, :, None], 3, axis=2)
    pixels = np.concatenate([pixels, pixels + 4095], axis=1).repeat(32, axis=0)
    guide = make_guide(rng, 0.5, uniform=True)
    plain = Guide(
        np.eye(3, dtype=np.float32), guide.matrix_bias * 0, guide.slopes, guide.thresholds, 0.0
    )
    assert_exact(render, pixels, make_grid(rng, (8, 32, 32), guide=plain))


def test_the_bias_has_single_precision(render: Render, rng: np.random.Generator) -> None:
    """A bias that float32 does not hold is rounded alike for all engines and the reference."""
    start = make_guide(rng, 0.02, uniform=True)
    guide = Guide(start.matrix, start.matrix_bias, start.slopes, start.thresholds, 0.1)
    assert guide.bias == float(np.float32(0.1)) != 0.1
    grid = make_grid(rng, spread=2.0, guide=guide)
    assert_exact(render, make_pixels(rng, 60, 300, np.uint16), grid)
    with pytest.raises(ValueError, match="received 1e\\+300"):
        Guide(start.matrix, start.matrix_bias, start.slopes, start.thresholds, 1e300)


def test_all_engines_agree(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 16-bit photo does not depend on the processor that it was enhanced on."""
    native = pytest.importorskip("fivefold._native")
    grid = make_grid(rng, guide=make_guide(rng, uniform=True))
    pixels = make_pixels(rng, 60, 400, np.uint16)
    results = []
    for name in ENGINES[1:]:
        native.limit_instruction_set(name)
        results.append(kernels.render(pixels, grid))
    native.limit_instruction_set(ENGINES[-1])
    monkeypatch.setattr(kernels.engine, "NATIVE_MISSING", "left out by a test")
    results.append(kernels.render(pixels, grid))
    for result in results[1:]:
        assert (result == results[0]).all()
