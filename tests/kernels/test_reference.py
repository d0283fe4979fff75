"""The reference against the formulas of PAPER section 2, written out pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from fivefold.kernels import reference
from fivefold.kernels.grid import BilateralGrid, Guide
from fivefold.photo.image import FULL_SCALE, Pixels

from .conftest import DTYPES, SHAPES, make_grid, make_guide, make_pixels


def tent(u: float) -> float:
    return max(1.0 - abs(u), 0.0)


def naive_guide(colour: np.ndarray, guide: Guide) -> float:
    total = 0.0
    for c in range(3):
        u = sum(float(guide.matrix[c, k]) * float(colour[k]) for k in range(3))
        u += float(guide.matrix_bias[c])
        total += sum(
            float(a) * max(u - float(t), 0.0)
            for a, t in zip(guide.slopes[c], guide.thresholds[c], strict=True)
        )
    return min(max(guide.bias + total / 3.0, 0.0), 1.0)


def naive_output(pixels: Pixels, grid: BilateralGrid) -> np.ndarray:
    """O before clipping and rounding, by the triple sum over every cell of the grid."""
    height, width, _ = pixels.shape
    photo = pixels.astype(np.float64) / FULL_SCALE[pixels.dtype]
    cells = grid.coefficients.astype(np.float64)
    _, depth, rows, columns = cells.shape
    output = np.empty(photo.shape)
    for y in range(height):
        for x in range(width):
            colour = photo[y, x]
            # A coordinate beyond the outermost centres reads the edge cell, as clamped indices do.
            at_x = min(max((x + 0.5) * columns / width - 0.5, 0), columns - 1)
            at_y = min(max((y + 0.5) * rows / height - 0.5, 0), rows - 1)
            at_z = min(max(depth * naive_guide(colour, grid.guide) - 0.5, 0), depth - 1)
            transform = np.zeros(12)
            for i in range(columns):
                for j in range(rows):
                    for k in range(depth):
                        weight = tent(at_x - i) * tent(at_y - j) * tent(at_z - k)
                        transform += weight * cells[:, k, j, i]
            for c in range(3):
                output[y, x, c] = transform[4 * c + 3] + transform[4 * c : 4 * c + 3] @ colour
    return output


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (7, 5)])
def test_equals_the_triple_loop(
    rng: np.random.Generator, size: tuple[int, int], dtype: type
) -> None:
    """Guide, slice and apply equal the sums of the paper, on photos around the grid's size."""
    pixels = make_pixels(rng, *size, dtype)
    grid = make_grid(rng, (4, 3, 5))
    photo = pixels.astype(np.float64) / FULL_SCALE[pixels.dtype]
    g = reference.guide_map(photo, grid.guide)
    output = reference.apply_affine(reference.slice_grid(grid.coefficients, g), photo)
    assert np.abs(output - naive_output(pixels, grid)).max() < 1e-12


@pytest.mark.parametrize("bias", [-40.0, -0.2, 1.2, 40.0])
def test_guide_beyond_its_range_reads_the_end_cells(rng: np.random.Generator, bias: float) -> None:
    """However far g is out of 0…1, the nearest cell along the depth counts alone."""
    guide = make_guide(rng, steepness=0.0)
    guide = Guide(guide.matrix * 0.1, guide.matrix_bias * 0, guide.slopes, guide.thresholds, bias)
    grid = make_grid(rng, (4, 2, 2), guide=guide)
    pixels = make_pixels(rng, 6, 6, np.float32)
    end = 0 if bias < 0 else 3
    flat = BilateralGrid(np.ascontiguousarray(grid.coefficients[:, end : end + 1]), guide)
    both = [reference.render(pixels, each, clip=False) for each in (grid, flat)]
    assert np.abs(both[0] - both[1]).max() < 1e-6


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SHAPES)
def test_identity_grid_changes_nothing(rng: np.random.Generator, name: str, dtype: type) -> None:
    """The identity grid returns every sample as it was, because slice weights sum to one."""
    pixels = make_pixels(rng, *SHAPES[name], dtype)
    result = reference.render(pixels, BilateralGrid.identity())
    assert np.abs(result.astype(np.float64) - pixels).max() <= (1e-7 if dtype is np.float32 else 0)


def test_centres_of_pixels_and_cells_coincide() -> None:
    """With as many pixels as cells, pixel n lies at coordinate n."""
    assert reference.grid_coordinates(16, 16).tolist() == list(range(16))
    assert reference.grid_coordinates(2, 1).tolist() == [-0.25, 0.25]


def test_float_output_is_clipped_only_on_request(rng: np.random.Generator) -> None:
    """``clip=False`` keeps what lies beyond 0…1 in float pictures."""
    pixels = make_pixels(rng, 9, 9, np.float32)
    grid = make_grid(rng, spread=2.0)
    free = reference.render(pixels, grid, clip=False)
    assert free.min() < 0
    assert free.max() > 1
    assert (reference.render(pixels, grid) == free.clip(0, 1)).all()
