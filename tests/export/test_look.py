"""The table that stands for a look: near where the photo has colours, sane where it has none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates
from tests.kernels.conftest import make_grid

from fivefold.export import look
from fivefold.export.look import LOCAL_DELTA_E, apply_look, average_look, fit_look
from fivefold.kernels import reference
from fivefold.kernels.grid import BilateralGrid
from fivefold.photo import colour, profile
from fivefold.photo.files import read_photo
from fivefold.photo.image import Photo
from fivefold.runtime.enhancer import Enhancer


def gradients(height: int = 120, width: int = 160, levels: tuple[float, float] = (0, 1)) -> Photo:
    """Colours that vary over the photo, red across and green down, some noise in all."""
    y, x = np.mgrid[:height, :width] / (height, width)[0]
    random = np.random.default_rng(2).random((height, width))
    pixels = np.stack([x * height / width, y, 0.5 + 0.2 * random], axis=-1)
    low, high = levels
    return Photo(np.rint(255 * (low + (high - low) * pixels)).astype(np.uint8))


def same_everywhere(seed: int = 1) -> BilateralGrid:
    """A grid whose transforms depend on brightness, but not on the place."""
    grid = make_grid(np.random.default_rng(seed), (8, 1, 1), spread=0.08)
    return BilateralGrid(np.tile(grid.coefficients, (1, 1, 16, 16)), grid.guide)


def split_by_place(offset: float) -> BilateralGrid:
    """A grid that makes the left of the photo darker and the right brighter."""
    coefficients = BilateralGrid.identity().coefficients.copy()
    side = np.where(np.arange(16) < 8, -offset, offset).astype(np.float32)
    coefficients[[3, 7, 11]] += side
    return BilateralGrid(coefficients, BilateralGrid.identity().guide)


def test_a_look_of_colour_alone_is_met() -> None:
    """Where the place does not matter, a table of 33 nodes is off by less than can be seen."""
    table, error = fit_look(gradients(60, 80), same_everywhere())
    assert table.shape == (33, 33, 33, 3)
    assert table.dtype == np.float32
    assert error.p95_delta_e < 1.0 < error.look_delta_e
    assert error.psnr > 40
    assert not error.is_too_local


def test_the_fit_is_nearer_than_the_average() -> None:
    """For a look that follows the colours' places, the photo's own pixels are worth asking."""
    grid, photo = split_by_place(0.05), gradients()
    table, error = fit_look(photo, grid, size=17)
    before, after = look._samples(photo, grid)
    average = apply_look(average_look(grid, 17), before.reshape(-1, 3))
    off = np.abs(average - after.reshape(-1, 3)).mean()
    assert np.abs(apply_look(table, before.reshape(-1, 3)) - after.reshape(-1, 3)).mean() < off / 3
    assert error.mean_delta_e < error.look_delta_e / 3


def test_a_look_of_place_alone_is_told() -> None:
    """One colour everywhere, made dark on the left and bright on the right: no table can."""
    flat = Photo(np.full((60, 80, 3), 128, np.uint8))
    _, error = fit_look(flat, split_by_place(0.2), size=9)
    assert error.p95_delta_e > LOCAL_DELTA_E
    assert error.is_too_local
    assert not fit_look(flat, split_by_place(0.005), size=9)[1].is_too_local


def test_without_colours_of_the_photo_the_average_stands() -> None:
    """Far from the photo's few dark colours the table is the average; between, it lies between."""
    grid = split_by_place(0.05)
    photo = gradients(levels=(0.0, 0.15))
    change = fit_look(photo, grid, size=17)[0] - average_look(grid, 17)
    assert np.abs(change[:3, :3, :3]).max() > 0.03
    assert np.abs(change[14:, 14:, 14:]).max() < 0.005
    reached = np.abs(change).max(axis=-1)
    assert reached.max() <= np.abs(change[:4, :4, :4]).max() + 1e-6


def test_gaps_are_filled_smoothly() -> None:
    """Outside the photo's colours no step between nodes exceeds a tenth of the fit's range."""
    grid = split_by_place(0.1)
    change = fit_look(gradients(levels=(0.2, 0.5)), grid, size=17)[0] - average_look(grid, 17)
    outside = change[10:, 10:, 10:]
    assert np.ptp(outside) > 0.01 * np.ptp(change)
    for axis in range(3):
        assert np.abs(np.diff(outside, axis=axis)).max() < 0.1 * np.ptp(change)


def test_the_shipped_model_s_look_never_turns_greys_around() -> None:
    """From black to white the table of a real photo does not get darker by more than noise."""
    photo = read_photo(Path(__file__).parents[2] / "examples/coast.jpg")
    table, error = fit_look(photo, Enhancer.load().predict(photo), size=17)
    greys = table[np.arange(17), np.arange(17), np.arange(17)].mean(axis=1)
    assert np.diff(greys).min() > -0.01
    assert greys[-1] - greys[0] > 0.5
    assert error.mean_delta_e < error.look_delta_e


@pytest.mark.parametrize("size", [2, 3, 17])
def test_nothing_to_do_gives_the_identity(size: int) -> None:
    """Every size; the error is nothing, and so is the look."""
    table, error = fit_look(gradients(), BilateralGrid.identity(), size=size)
    axis = np.linspace(0, 1, size)
    expected = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    assert np.abs(table - expected).max() < 1e-5
    assert error.p95_delta_e < 0.01
    assert error.psnr > 90
    assert not error.is_too_local


def test_the_average_is_the_mean_over_all_places() -> None:
    """Of a photo of one colour, whose pixels stand at the cells' centres."""
    grid = make_grid(np.random.default_rng(8), spread=0.02)
    shade = np.array([0.25, 0.5, 0.75], np.float32)
    pixels = np.broadcast_to(shade, (16, 16, 3)).copy()
    expected = reference.render(pixels, grid, clip=False).mean(axis=(0, 1))
    assert np.abs(average_look(grid, 5)[1, 2, 3] - expected).max() < 1e-5


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 9))
def test_looking_up_is_trilinear_interpolation(seed: int, size: int) -> None:
    """As SciPy interpolates, the cube's corners and colours outside it included."""
    random = np.random.default_rng(seed)
    table = random.random((size, size, size, 3), np.float32)
    colours = random.uniform(-0.2, 1.2, (50, 3)).astype(np.float32)
    colours[:2] = [[0, 0, 0], [1, 1, 1]]
    places = np.clip(colours, 0, 1).T * (size - 1)
    expected = [map_coordinates(table[..., c], places, order=1) for c in range(3)]
    assert np.abs(apply_look(table, colours) - np.stack(expected, axis=1)).max() < 1e-5


def test_a_photo_in_another_space_gives_the_table_of_its_srgb_colours() -> None:
    """The same scene in linear light and in sRGB gives the same table."""
    linear = profile.build_rgb(profile.SRGB_COLORANTS, profile.parametric_curve(1.0), "linear")
    scene = gradients(40, 50).pixels.astype(np.float32) / 255
    coded = colour.srgb_to_linear(scene).astype(np.float32)
    grid = same_everywhere()
    expected, _ = fit_look(Photo(scene), grid, size=9)
    received, _ = fit_look(Photo(coded, icc_profile=linear), grid, size=9)
    assert np.abs(received - expected).max() < 2e-3


def test_the_pixels_compared_are_the_real_enhancement_s() -> None:
    """Rendered row by row and thinned out, they are those of the whole photo."""
    random = np.random.default_rng(4)
    pixels = random.random((37, 1300, 3), np.float32)
    grid = make_grid(random, spread=0.05)
    before, after = look._samples(Photo(pixels), grid)
    columns = np.unique(np.linspace(0, 1299, 512).astype(int))
    assert np.array_equal(before, pixels[:, columns])
    assert np.abs(after - reference.render(pixels, grid)[:, columns]).max() < 1e-5


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (2, 1)])
def test_tiny_photos_have_a_look(shape: tuple[int, int]) -> None:
    """Even one row, whose pixels then serve for both fit and measure."""
    _, error = fit_look(Photo(np.full((*shape, 3), 90, np.uint8)), same_everywhere(), size=5)
    assert error.mean_delta_e < 1
    assert error.pixels >= 1


@pytest.mark.parametrize("size", [-1, 1, 66])
def test_other_sizes_are_refused(size: int) -> None:
    """With what was expected and received."""
    with pytest.raises(ValueError, match=f"2 to 65, received {size}"):
        fit_look(gradients(), same_everywhere(), size=size)
