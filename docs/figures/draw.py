"""Draws the figures of docs/method.md from the shipped model and one example photo.

``python docs/figures/draw.py`` puts them beside itself, or into the folder that is named.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fivefold.evaluate.figures import Curve, Panel, draw_panels, draw_sheet, save_figure
from fivefold.kernels import reference
from fivefold.kernels.grid import BilateralGrid, Guide
from fivefold.photo.files import read_photo
from fivefold.photo.image import Photo
from fivefold.photo.resize import area_average, thumbnail
from fivefold.runtime.enhancer import Enhancer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
PHOTO = HERE.parents[1] / "examples" / "coast.jpg"
WIDTH_PX = 480
ROW = 0.37  # of the height: where it goes from the dark slope to the bright sea
MOST_STOPS = 1.5
LUMA = np.array([0.2126, 0.7152, 0.0722])

Float64 = NDArray[np.float64]


def main(folder: Path = HERE) -> None:
    """Draw all figures.

    Args:
        folder: Where to.
    """
    photo = small(read_photo(PHOTO))
    grid = Enhancer.load(threads=1).predict(photo)
    save_figure(inputs(photo, grid), folder / "inputs", suffixes=(".jpg",))
    save_figure(guide_curves(grid.guide), folder / "guide", suffixes=(".svg",))
    save_figure(slices(grid), folder / "grid", suffixes=(".jpg",))
    save_figure(outputs(photo, grid), folder / "outputs", suffixes=(".jpg",))
    save_figure(along_a_row(photo, grid), folder / "slicing", suffixes=(".svg",))


def small(photo: Photo) -> Photo:
    """The photo at the size of a figure: the reference takes its time."""
    height_px = round(WIDTH_PX * photo.height_px / photo.width_px)
    return Photo(as_picture(area_average(photo.pixels, height_px, WIDTH_PX)))


def as_picture(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """8-bit codes of values in 0…1; one channel becomes three equal ones."""
    if values.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=2)
    return np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)


def stops(after: Float64, before: Float64) -> Float64:
    """How much lighter, in stops of the coded luminance; black counts as one code."""
    least = 1 / 255
    return np.log2(np.maximum(after, least) / np.maximum(before, least))


def as_colours(lighter: Float64) -> NDArray[np.uint8]:
    """Orange where it becomes lighter, blue where darker, white where nothing changes."""
    part = np.clip(lighter / MOST_STOPS, -1, 1)[..., None]
    orange, blue = np.array([0.84, 0.37, 0.0]), np.array([0.0, 0.45, 0.70])
    return as_picture(1 - np.abs(part) * (1 - np.where(part > 0, orange, blue)))


def inputs(photo: Photo, grid: BilateralGrid) -> Figure:
    """What is known of a photo before its grid: the photo, its thumbnail, its guide."""
    reduced = as_picture(thumbnail(photo.pixels))
    shown = np.full_like(photo.pixels, 255)  # the square as it is, on white
    left = (shown.shape[1] - reduced.shape[1]) // 2
    top = (shown.shape[0] - reduced.shape[0]) // 2
    shown[top : top + reduced.shape[0], left : left + reduced.shape[1]] = reduced
    guide = reference.guide_map(photo.pixels / 255, grid.guide)
    titles = ["photo", "thumbnail", "guide"]
    return draw_sheet(titles, {"": [photo.pixels, shown, as_picture(guide)]}, width_in=8)


def outputs(photo: Photo, grid: BilateralGrid) -> Figure:
    """What the sliced transforms do to the luminance, and the result."""
    values = photo.pixels / 255
    sliced = reference.slice_grid(grid.coefficients, reference.guide_map(values, grid.guide))
    output = np.clip(reference.apply_affine(sliced, values), 0, 1)
    change = as_colours(stops(output @ LUMA, values @ LUMA))
    return draw_sheet(
        ["what slicing changes", "result"], {"": [change, as_picture(output)]}, width_in=8
    )


def guide_curves(guide: Guide) -> Figure:
    """The three curves ρ_c, and the guide of greys."""
    u = np.linspace(0, 1, 257)
    curves = {}
    for c, name in enumerate("123"):
        knees = np.maximum(u[:, None] - guide.thresholds[c], 0)
        curves[f"ρ{name}"] = Curve(u.tolist(), (knees @ guide.slopes[c]).tolist())
    greys = reference.guide_map(np.repeat(u[:, None], 3, axis=1), guide)
    guided = {"g of a grey": Curve(u.tolist(), greys.tolist())}
    return draw_panels(
        [
            Panel("The learned curves", "u", "ρ(u)", curves),
            Panel("What they make of greys", "grey", "g", guided),
        ]
    )


def slices(grid: BilateralGrid) -> Figure:
    """For each depth, how much lighter its cells make a grey that reads there."""
    pictures = []
    for k in range(grid.depth):
        grey = (k + 0.5) / grid.depth
        rows = grid.coefficients[:, k].reshape(3, 4, *grid.coefficients.shape[2:])
        output = np.tensordot(LUMA, rows[:, :3].sum(axis=1) * grey + rows[:, 3], axes=1)
        cells = as_colours(stops(output, np.full_like(output, grey)))
        pictures.append(cells.repeat(16, axis=0).repeat(24, axis=1))
    return draw_sheet([f"k = {k}" for k in range(grid.depth)], {"": pictures}, width_in=10)


def along_a_row(photo: Photo, grid: BilateralGrid) -> Figure:
    """The guide along one row, and what the cells do there, with it and without."""
    values = photo.pixels / 255.0
    row = int(ROW * len(values))
    g = reference.guide_map(values, grid.guide)
    flat = np.repeat(grid.coefficients.mean(axis=1, keepdims=True), grid.depth, axis=1)
    changes = {}
    for name, cells in (("sliced by the guide", grid.coefficients), ("mean of all depths", flat)):
        sliced = reference.slice_grid(cells, g[row : row + 1], first_row=row, height_px=len(values))
        output = reference.apply_affine(sliced, values[row : row + 1])
        change = stops(np.clip(output[0], 0, 1) @ LUMA, values[row] @ LUMA)
        changes[name] = Curve(list(range(len(change))), change.tolist())
    guide = {"guide": Curve(list(range(g.shape[1])), g[row].tolist())}
    return draw_panels(
        [
            Panel("How much lighter one row becomes", "x (pixels)", "stops", changes),
            Panel("The guide along it", "x (pixels)", "g", guide),
        ]
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
