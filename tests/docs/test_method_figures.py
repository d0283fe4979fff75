"""The figures of the explanation are what the code draws."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from doc_blocks import ROOT

pytest.importorskip("matplotlib")
sys.path.insert(0, str(ROOT / "docs/figures"))

import draw

FIGURES = ROOT / "docs/figures"


def test_the_script_draws_every_figure_of_the_page(tmp_path: Path) -> None:
    """What it writes, what is committed and what the page shows are the same files."""
    draw.main(tmp_path)
    drawn = {path.name for path in tmp_path.iterdir()}
    committed = {path.name for path in FIGURES.iterdir() if path.is_file()} - {"draw.py"}
    page = (ROOT / "docs/method.md").read_text(encoding="utf-8")
    assert drawn == committed == set(re.findall(r"\(figures/([\w.]+)\)", page))
    for path in tmp_path.iterdir():
        assert path.stat().st_size > 10_000


def test_colours_tell_lighter_from_darker() -> None:
    """No change is white, lighter leans to red, darker to blue; beyond the scale nothing grows."""
    row = np.array([[0.0, 0.5, -0.5, draw.MOST_STOPS, 9.0]])
    none, lighter, darker, most, beyond = draw.as_colours(row)[0].tolist()
    assert none == [255, 255, 255]
    assert lighter[0] > lighter[2]
    assert darker[2] > darker[0]
    assert most == beyond
