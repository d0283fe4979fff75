"""Figures are drawn, always the same, and touch nothing outside of themselves."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fivefold.evaluate.figures import DPI, Curve, Panel, draw_panels, draw_sheet, save_figure

mpl = pytest.importorskip("matplotlib")

PANEL = Panel(
    "training",
    "epoch",
    "loss",
    {"one": Curve([1, 2, 3], [0.3, 0.2, 0.1]), "two": Curve([1, 2, 3], [0.5, 0.4, 0.2])},
    marked=True,
)


def test_panels_show_every_curve_with_its_labels() -> None:
    """Each panel has its curves, title and axes; a name looks the same in all panels."""
    other = Panel("held out", "epoch", "loss", {"two": Curve([1], [1.0])})
    figure = draw_panels([PANEL, other], log_y=True)
    first, second = figure.axes
    assert (first.get_xlabel(), first.get_ylabel(), first.get_title("left")) == (
        "epoch",
        "loss",
        "training",
    )
    assert [line.get_label() for line in first.lines] == ["one", "two"]
    np.testing.assert_array_equal(first.lines[1].get_ydata(), [0.5, 0.4, 0.2])
    assert first.lines[1].get_color() == second.lines[0].get_color()
    assert first.lines[0].get_color() != first.lines[1].get_color()
    assert first.get_yscale() == "log"
    assert [text.get_text() for text in first.get_legend().get_texts()] == ["one", "two"]


def test_files_are_the_same_again_and_nothing_global_changes(tmp_path: Path) -> None:
    """Vector and pixel files have no date in them; matplotlib's own settings stay."""
    before = dict(mpl.rcParams)
    for name in ("a", "b"):
        save_figure(draw_panels([PANEL]), tmp_path / name, suffixes=(".svg", ".png", ".pdf"))
    assert dict(mpl.rcParams) == before
    for suffix in (".svg", ".png", ".pdf"):
        a, b = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("a", "b"))
        assert a == b, suffix


def test_sheet_shows_each_picture_in_its_place(tmp_path: Path) -> None:
    """Rows are photos, columns are what was made of them; the colours are the pictures'."""
    red, blue = np.zeros((40, 60, 3), np.uint8), np.zeros((40, 60, 3), np.uint8)
    red[..., 0], blue[..., 2] = 200, 200
    figure = draw_sheet(["untouched", "model"], {"x": [red, blue], "y": [blue, red]}, width_in=4)
    save_figure(figure, tmp_path / "sheet", suffixes=(".png", ".jpg"))
    picture = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))
    height, width = picture.shape[:2]
    assert width == 4 * DPI
    corners = [picture[y, x] for y in (height // 3, height * 5 // 6) for x in (100, width - 100)]
    assert [int(colour.argmax()) for colour in corners] == [0, 2, 2, 0]
    with pytest.raises(ValueError, match="'y' must have 2 pictures, received 1"):
        draw_sheet(["a", "b"], {"x": [red, red], "y": [red]}, width_in=4)
