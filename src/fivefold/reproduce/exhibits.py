"""Figures 2 to 5, drawn from what the runs wrote down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fivefold.evaluate.figures import Curve, Panel, draw_panels, draw_sheet, save_figure
from fivefold.evaluate.report import Picture
from fivefold.model.weights import load_weights
from fivefold.reproduce.photos import Shown, through_the_models
from fivefold.reproduce.results import Result
from fivefold.reproduce.runs import COMBINED, SINGLE
from fivefold.reproduce.training import WEIGHTS

FIGURES = "figures"
POINTS = 10
"""How many of an epoch's 50 points a point of Figures 4 and 5 averages."""

_SHEET_WIDTH_IN = 11.0


def draw_exhibits(
    out: Path, results: Mapping[str, Result], shown: Sequence[Shown]
) -> dict[str, Picture]:
    """Draw what the runs allow, into ``out/figures``.

    Args:
        out: The study's folder.
        results: By the name of the run.
        shown: The photos of Figure 3.

    Returns:
        The exhibits by name, ``"Figure 2"`` and so on.

    Raises:
        MissingExtraError: If matplotlib is not installed.
        PhotoReadError, DataError: If a photo or weights cannot be read.
    """
    (out / FIGURES).mkdir(parents=True, exist_ok=True)
    combined = {name: results[name] for name in COMBINED if name in results}
    exhibits = {}
    if combined:
        exhibits["Figure 2"] = _learning_rate(out, combined)
        exhibits["Figure 4"] = _progress(out, combined, "loss", "L2 loss", 4)
        exhibits["Figure 5"] = _progress(out, combined, "psnr", "PSNR (dB)", 5)
    if shown and results:
        exhibits["Figure 3"] = _side_by_side(out, results, shown)
    return exhibits


def _learning_rate(out: Path, combined: Mapping[str, Result]) -> Picture:
    curves = {
        name: Curve(
            [epoch["epoch"] + 1 for epoch in result.epochs],
            [epoch["learning_rate"] for epoch in result.epochs],
        )
        for name, result in combined.items()
        if name != "combined_small"  # the same as that of combined
    }
    panel = Panel("", "epoch", "learning rate", curves, marked=True)
    save_figure(draw_panels([panel], log_y=True), out / FIGURES / "figure_2")
    return Picture(
        caption="**Figure 2.** Learning rate per epoch, as the runs logged it: fixed, and decaying "
        "exponentially.",
        file=f"{FIGURES}/figure_2.svg",
        alternative="Learning rate per epoch",
    )


def _progress(
    out: Path, combined: Mapping[str, Result], quantity: str, label: str, number: int
) -> Picture:
    seen = {name: r.training_curve(quantity, points=POINTS) for name, r in combined.items()}
    unseen = {name: r.held_out_curve(quantity) for name, r in combined.items()}
    panels = [
        Panel("training data, as the paper shows it", "epoch", label, seen),
        Panel("held-out photos", "epoch", label, unseen, marked=True),
    ]
    save_figure(draw_panels(panels), out / FIGURES / f"figure_{number}")
    whole = {"loss": "L2 loss", "psnr": "PSNR"}[quantity]
    return Picture(
        caption=f"**Figure {number}.** {whole} of the three models of all experts during training. "
        "Left: running means over the augmented training crops, network in training mode. "
        "Right: after each epoch, on whole held-out photos against every expert.",
        file=f"{FIGURES}/figure_{number}.svg",
        alternative=f"{whole} during training, on training data and on held-out photos",
    )


def _side_by_side(out: Path, results: Mapping[str, Result], shown: Sequence[Shown]) -> Picture:
    order = (*SINGLE, "combined_small", "combined", "combined_lrs")
    names = [name for name in order if name in results]
    nets = {name: load_weights(out / "runs" / name / WEIGHTS)[0] for name in names}
    rows = through_the_models(shown, nets)
    sheet = draw_sheet(
        ["untouched", *names],
        {f"{i}": row for i, row in enumerate(rows)},
        width_in=_SHEET_WIDTH_IN,
    )
    save_figure(sheet, out / FIGURES / "figure_3", suffixes=(".jpg",))
    authors = "; ".join(s.credit for s in shown if s.credit)
    return Picture(
        caption="**Figure 3.** The same untouched photos through the models, side by side."
        + (f" Photos from top to bottom: {authors}." if authors else ""),
        file=f"{FIGURES}/figure_3.jpg",
        alternative="Untouched photos and what each model makes of them",
    )
