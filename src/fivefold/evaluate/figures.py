"""Figures in one quiet style, as vectors and as pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 150
_STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#777777",
    "axes.labelcolor": "#333333",
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "text.color": "#222222",
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "svg.hashsalt": "fivefold",  # the same figure gives the same file
}
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9")  # told apart by all eyes
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)))


@dataclass(frozen=True)
class Curve:
    """One line of a figure.

    Attributes:
        x: Where, as long as ``y``.
        y: How much.
    """

    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        title: What is shown.
        x_label: With its unit.
        y_label: With its unit.
        curves: By the name that the legend gives them, in the order of the legend.
        marked: Draw the points, which are few.
    """

    title: str
    x_label: str
    y_label: str
    curves: Mapping[str, Curve]
    marked: bool = False


def draw_panels(panels: Sequence[Panel], *, log_y: bool = False, share_y: bool = False) -> Figure:
    """Curves in axes beside each other; a name has the same colour and dashes in all of them.

    Args:
        panels: From left to right.
        log_y: Use a logarithmic vertical axis.
        share_y: Give all panels the same vertical axis.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    with _styled():
        figure = _new_figure((3.7 * len(panels) + 0.6 * (len(panels) == 1), 3.0))
        axes = figure.subplots(1, len(panels), squeeze=False, sharey=share_y)[0]
        names = list(dict.fromkeys(name for panel in panels for name in panel.curves))
        for panel, ax in zip(panels, axes, strict=True):
            _draw(panel, ax, names)
            if log_y:
                ax.set_yscale("log")
                ax.grid(which="minor", visible=False)
        axes[0].legend()
    return figure


def draw_sheet(
    columns: Sequence[str], rows: Mapping[str, Sequence[NDArray[np.uint8]]], *, width_in: float
) -> Figure:
    """Photos side by side, a row for each photo.

    Args:
        columns: What each column shows.
        rows: By label: a ``(H, W, 3)`` 8-bit sRGB picture for each column, all of one size.
        width_in: Width of the figure, in inches.

    Raises:
        MissingExtraError: If matplotlib is not installed.
        ValueError: If a row does not have a picture for each column.
    """
    for label, pictures in rows.items():
        if len(pictures) != len(columns):
            raise ValueError(
                f"{label!r} must have {len(columns)} pictures, received {len(pictures)}"
            )
    cell_in = width_in / len(columns)
    shapes = [pictures[0].shape for pictures in rows.values()]
    heights_in = [cell_in * shape[0] / shape[1] for shape in shapes]
    with _styled():
        figure = _new_figure((width_in, sum(heights_in) + 0.3))
        grid = figure.subplots(len(rows), len(columns), squeeze=False, height_ratios=heights_in)
        for row, pictures in zip(grid, rows.values(), strict=True):
            for ax, picture in zip(row, pictures, strict=True):
                ax.imshow(picture, interpolation="antialiased")
                ax.set_axis_off()
        for ax, title in zip(grid[0], columns, strict=True):
            ax.set_title(title, fontsize=8, loc="center")
        figure.set_layout_engine("constrained", w_pad=0.01, h_pad=0.01, wspace=0, hspace=0)
    return figure


def save_figure(figure: Figure, stem: Path, *, suffixes: Sequence[str] = (".svg", ".png")) -> None:
    """Write a figure beside ``stem``, once for each suffix, without a date.

    Args:
        figure: Of this module.
        stem: The files' path without its suffix.
        suffixes: Of ``.svg``, ``.pdf``, ``.png`` and ``.jpg``.
    """
    with _styled():
        for suffix in suffixes:
            options: dict[str, Any] = {"dpi": DPI}
            if suffix == ".svg":
                options["metadata"] = {"Date": None}
            elif suffix == ".pdf":
                options["metadata"] = {"CreationDate": None}
            elif suffix == ".jpg":
                options["pil_kwargs"] = {"quality": 85, "subsampling": 0}
            figure.savefig(stem.with_name(stem.name + suffix), **options)


def _draw(panel: Panel, ax: Axes, names: Sequence[str]) -> None:
    for name, curve in panel.curves.items():
        place = names.index(name)
        ax.plot(
            curve.x,
            curve.y,
            label=name,
            color=_COLOURS[place % len(_COLOURS)],
            linestyle=_DASHES[place % len(_DASHES)],
            marker="o" if panel.marked else None,
            markersize=3,
        )
    ax.set_title(panel.title)
    ax.set_xlabel(panel.x_label)
    ax.set_ylabel(panel.y_label)


def _new_figure(size_in: tuple[float, float]) -> Figure:
    """A figure that belongs to no window and to no global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=size_in, layout="constrained")


def _styled() -> Any:
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise MissingExtraError("matplotlib", "reproduce") from error
    style: Any = _STYLE
    return mpl.rc_context(style)
