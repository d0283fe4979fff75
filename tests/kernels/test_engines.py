"""The compiled and the NumPy engine against the reference, on ordinary and on hostile input."""

from __future__ import annotations

import numpy as np
import pytest

from fivefold.kernels import reference
from fivefold.kernels.grid import BilateralGrid, Guide
from fivefold.photo.image import FULL_SCALE, Pixels

from .conftest import DTYPES, SHAPES, Render, make_grid, make_guide, make_pixels


def assert_close(result: Pixels, pixels: Pixels, grid: BilateralGrid, **where: int) -> None:
    """At most one code off, and rarely: results that fall between two codes may go either way."""
    expected = reference.render(pixels, grid, **where)
    assert result.dtype == expected.dtype
    error = np.abs(result.astype(np.float64) - expected)
    if result.dtype == np.float32:
        assert error.max() < 2e-5
    else:
        assert error.max() <= 1
        assert (error > 0).mean() < 0.06 + 3 / error.size


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SHAPES)
def test_equals_the_reference(
    render: Render, rng: np.random.Generator, name: str, dtype: type
) -> None:
    """Every type and every shape of photo, from one pixel up."""
    pixels = make_pixels(rng, *SHAPES[name], dtype)
    grid = make_grid(rng)
    assert_close(render(pixels, grid), pixels, grid)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 4, 7), (8, 1, 1), (3, 40, 2), (16, 16, 16)])
def test_any_grid_shape(
    render: Render, rng: np.random.Generator, shape: tuple[int, int, int], dtype: type
) -> None:
    """Grids of one cell, of other depths, and with more rows than the photo."""
    pixels = make_pixels(rng, 19, 45, dtype)
    grid = make_grid(rng, shape)
    assert_close(render(pixels, grid), pixels, grid)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [-1e6, -0.3, 1.0, 1e6])
def test_guide_far_out_of_range(
    render: Render, rng: np.random.Generator, bias: float, dtype: type
) -> None:
    """A guide beyond 0…1, however far, reads the end cells."""
    start = make_guide(rng)
    guide = Guide(start.matrix, start.matrix_bias, start.slopes, start.thresholds, bias)
    pixels = make_pixels(rng, 33, 65, dtype)
    grid = make_grid(rng, guide=guide)
    assert_close(render(pixels, grid), pixels, grid)


@pytest.mark.parametrize("dtype", DTYPES)
def test_uniform_knots(render: Render, rng: np.random.Generator, dtype: type) -> None:
    """Knots at i/16 are a case of their own for kernels; colours on the knots are in it."""
    ramp = np.linspace(0, 1, 65)[None, :, None] * FULL_SCALE[np.dtype(dtype)]
    pixels = np.broadcast_to(ramp, (4, 65, 3)).astype(dtype)
    grid = make_grid(rng, guide=make_guide(rng, uniform=True))
    assert grid.guide.has_uniform_knots
    assert_close(render(pixels, grid), pixels, grid)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_huge_coefficients_clip(render: Render, rng: np.random.Generator, dtype: type) -> None:
    """Coefficients of any size give clipped codes, never wrapped ones."""
    pixels = make_pixels(rng, 30, 40, dtype)
    grid = BilateralGrid.identity()
    huge = np.zeros_like(grid.coefficients)
    huge[3], huge[7], huge[11] = 1e30, -1e30, 0.5
    result = render(pixels, BilateralGrid(huge, grid.guide))
    top = int(FULL_SCALE[np.dtype(dtype)])
    assert (result[..., 0] == top).all()
    assert (result[..., 1] == 0).all()
    assert (result[..., 2] == (top + 1) // 2).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_coefficients_stay_accurate(
    render: Render, rng: np.random.Generator, dtype: type
) -> None:
    """Coefficients around ten, which no fixed-point format of a few bits holds."""
    pixels = make_pixels(rng, 30, 40, dtype)
    grid = make_grid(rng, spread=10.0)
    expected = reference.render(pixels, grid).astype(np.float64)
    error = np.abs(render(pixels, grid) - expected) / FULL_SCALE[np.dtype(dtype)]
    assert error.max() < {1: 1.01 / 255, 2: 1e-3, 4: 1e-3}[np.dtype(dtype).itemsize]


@pytest.mark.parametrize("dtype", DTYPES)
def test_strips_equal_the_whole(render: Render, rng: np.random.Generator, dtype: type) -> None:
    """A photo rendered in strips of odd heights equals the photo rendered at once, bit for bit."""
    pixels = make_pixels(rng, 61, 90, dtype)
    grid = make_grid(rng)
    whole = render(pixels, grid)
    strips, first = [], 0
    for rows in (1, 20, 3, 37):
        strip = pixels[first : first + rows]
        strips.append(render(strip, grid, first_row=first, height_px=61))
        first += rows
    assert (np.concatenate(strips) == whole).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_in_place_equals_out_of_place(
    render: Render, rng: np.random.Generator, dtype: type
) -> None:
    """With ``out=pixels`` the photo is replaced by the same result."""
    pixels = make_pixels(rng, 50, 300, dtype)
    grid = make_grid(rng)
    expected = render(pixels, grid)
    assert render(pixels, grid, out=pixels) is pixels
    assert (pixels == expected).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_width_in_place(render: Render, rng: np.random.Generator, dtype: type) -> None:
    """Whatever remains of a row after full vectors, it is right, and nothing beyond is touched."""
    grid = make_grid(rng, (8, 4, 4), spread=0.1)
    for width in (*range(1, 70), 95, 127, 129, 191, 200, 255, 256, 257, 300, 1000, 1537):
        page = make_pixels(rng, 3, width + 80, dtype)
        before = page.copy()
        photo = page[:, 5 : 5 + width]
        expected = reference.render(photo, grid)
        render(photo, grid, out=photo)
        assert np.abs(photo.astype(np.float64) - expected).max() <= (dtype is not np.float32) + 2e-5
        photo[...] = before[:, 5 : 5 + width]
        assert (page == before).all(), width


@pytest.mark.parametrize("dtype", DTYPES)
def test_views_of_a_bigger_array(render: Render, rng: np.random.Generator, dtype: type) -> None:
    """Crops, mirrored and transposed photos render as their copies, and nothing else is touched."""
    big = make_pixels(rng, 80, 120, dtype)
    grid = make_grid(rng)
    for view in (big[10:50, 20:90], big[::-1], big[:, ::2], big.transpose(1, 0, 2), big[..., ::-1]):
        expected = render(view.copy(), grid)
        assert (render(view, grid) == expected).all()
    untouched = big.copy()
    crop = big[10:50, 20:90]
    expected = render(crop.copy(), grid)
    render(crop, grid, out=crop)
    assert (crop == expected).all()
    crop[...] = untouched[10:50, 20:90]
    assert (big == untouched).all()
    mirrored = np.empty_like(big)[:, ::-1]
    assert (render(big, grid, out=mirrored) == render(big, grid)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_do_not_change_the_result(
    render: Render, rng: np.random.Generator, dtype: type
) -> None:
    """One thread and several give the same bits."""
    pixels = make_pixels(rng, 100, 131, dtype)
    grid = make_grid(rng)
    one = render(pixels, grid, threads=1)
    for threads in (2, 3, 16):
        assert (render(pixels, grid, threads=threads) == one).all()


def test_pixels_that_are_not_numbers_leave_others_alone(
    render: Render, rng: np.random.Generator
) -> None:
    """NaN and infinite samples neither crash nor change any other pixel."""
    pixels = make_pixels(rng, 9, 21, np.float32)
    grid = make_grid(rng)
    expected = render(pixels, grid)
    bad = pixels.copy()
    bad[4, 7], bad[0, 0], bad[8, 20] = np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        result = render(bad, grid)
    ordinary = np.isfinite(bad)
    assert (result[ordinary] == expected[ordinary]).all()


def test_float_output_beyond_the_range(render: Render, rng: np.random.Generator) -> None:
    """``clip=False`` keeps float results beyond 0…1; by default they are held inside."""
    pixels = make_pixels(rng, 20, 20, np.float32)
    grid = make_grid(rng, spread=2.0)
    free = render(pixels, grid, clip=False)
    assert np.abs(free - reference.render(pixels, grid, clip=False)).max() < 1e-4
    assert free.min() < 0
    assert (render(pixels, grid) == free.clip(0, 1)).all()


def test_strength_blends_pictures(render: Render, rng: np.random.Generator) -> None:
    """``with_strength`` of the grid is the blend of untouched and enhanced picture."""
    pixels = make_pixels(rng, 20, 20, np.float32)
    grid = make_grid(rng)
    full = render(pixels, grid, clip=False)
    half = render(pixels, grid.with_strength(0.5), clip=False)
    assert np.abs(half - (pixels + full) / 2).max() < 1e-5


def test_mistakes_are_named(render: Render, rng: np.random.Generator) -> None:
    """Wrong types, shapes, strips and outputs are refused with what was received."""
    grid = make_grid(rng)
    pixels = make_pixels(rng, 8, 8, np.uint8)
    with pytest.raises(TypeError, match="float64"):
        render(pixels.astype(np.float64), grid)
    for shape in ((8, 8), (8, 8, 4), (0, 8, 3)):
        with pytest.raises(ValueError, match="shape"):
            render(np.zeros(shape, np.uint8), grid)
    for where in ({"first_row": 1}, {"first_row": -1}, {"height_px": 7}):
        with pytest.raises(ValueError, match="do not lie inside"):
            render(pixels, grid, **where)
    with pytest.raises(ValueError, match="threads"):
        render(pixels, grid, threads=0)
    with pytest.raises(TypeError, match="uint16"):
        render(pixels, grid, out=np.empty((8, 8, 3), np.uint16))
    with pytest.raises(ValueError, match=r"\(8, 9, 3\)"):
        render(pixels, grid, out=np.empty((8, 9, 3), np.uint8))
    with pytest.raises(ValueError, match="overlap"):
        render(pixels[:4], grid, out=pixels[1:5])
    pixels.flags.writeable = False
    with pytest.raises(ValueError, match="writeable"):
        render(pixels, grid, out=pixels)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_grids_that_are_not_numbers_are_refused(bad: float) -> None:
    """NaN and infinite coefficients or guides never reach a kernel."""
    coefficients = BilateralGrid.identity().coefficients.copy()
    coefficients[0, 0, 0, 0] = bad
    with pytest.raises(ValueError, match="finite"):
        BilateralGrid(coefficients, Guide.identity())
    start = Guide.identity()
    slopes = start.slopes.copy()
    slopes[2, 3] = bad
    with pytest.raises(ValueError, match="finite"):
        Guide(start.matrix, start.matrix_bias, slopes, start.thresholds)
