"""What ships is what its card and the documentation say."""

from __future__ import annotations

from pathlib import Path

from fivefold.runtime.bundle import Bundle
from fivefold.runtime.enhancer import find_bundle

MOST_BYTES = 8_000_000


def test_the_card_beside_the_bundle_is_the_one_in_it() -> None:
    """So that whoever has either reads the same."""
    path = find_bundle(None)
    assert Bundle.read(path).card == path.with_suffix(".md").read_text(encoding="utf-8")


def test_the_bundle_is_small_and_fast() -> None:
    """It has at most 8 MB and a guide that the compiled kernels have a faster way for."""
    path = Path(find_bundle(None))
    assert path.stat().st_size <= MOST_BYTES
    assert Bundle.read(path).guide.has_uniform_knots
