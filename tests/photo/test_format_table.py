"""The page of formats is what the code does now."""

from __future__ import annotations

from pathlib import Path

import pytest
from format_table import page


def test_the_page_is_fresh_and_nothing_is_lost():
    """``docs/formats.md`` is what ``tests/photo/format_table.py`` prints, without a lost cell."""
    pytest.importorskip("pillow_heif")
    pytest.importorskip("rawpy")
    made = page()
    assert "LOST" not in made
    docs = Path(__file__).parents[2] / "docs" / "formats.md"
    assert docs.read_text(encoding="utf-8") == made
