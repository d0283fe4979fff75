"""The experts' versions that a set holds, and who made them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fivefold.data.pair import Pair
from fivefold.data.sets import open_set
from fivefold.data.versions import EXPERT_STYLES, styles_of, to_pairs
from fivefold.errors import DataError

MODELLED = "styled"  # the rendition of photos whose experts are published models
REAL_C = "real_c"  # the style of a real expert's versions beside modelled ones


@dataclass(frozen=True)
class ExpertSet:
    """Pairs by expert, and what is known about them.

    Attributes:
        kind: What the set was taken for, in words.
        pairs: Of each photo, a pair for each expert whose version is there; those of one input
            follow each other, with ``style`` ``"expert_a"`` … ``"expert_e"``.
        real_pairs: Pairs of a real expert C, none of whose photos is in ``pairs``: to judge with.
        modelled: Whether the experts' versions are the work of published models, not of people.
    """

    kind: str
    pairs: tuple[Pair, ...]
    real_pairs: tuple[Pair, ...]
    modelled: bool

    @property
    def experts(self) -> tuple[str, ...]:
        """The styles that there are pairs of, in the order A to E."""
        present = {pair.style for pair in self.pairs}
        return tuple(style for style in EXPERT_STYLES if style in present)


def expert_set(path: Path) -> ExpertSet:
    """Open a set, and find the experts' versions in it.

    Args:
        path: Of any set that :func:`fivefold.data.sets.open_set` opens.

    Raises:
        DataError: If it is no set, is damaged, or has no expert's version.
    """
    opened = open_set(path)
    present = styles_of(opened.photos)
    experts = [style for style in present if style in EXPERT_STYLES]
    if not experts:
        raise DataError(f"{path}: is {opened.kind} without versions by any of the experts A to E")
    real_pairs = to_pairs(opened.photos, [REAL_C]) if REAL_C in present else []
    real_ids = {pair.id for pair in real_pairs}
    pairs = [pair for pair in to_pairs(opened.photos, experts) if pair.id not in real_ids]
    return ExpertSet(
        kind=opened.kind,
        pairs=tuple(pairs),
        real_pairs=tuple(real_pairs),
        modelled=any(pair.kind == MODELLED for pair in pairs),
    )


def expert_pairs(path: Path, experts: Sequence[str]) -> list[Pair]:
    """The pairs of some experts.

    Raises:
        DataError: If the set has no pair of one of them.
    """
    found = expert_set(path)
    missing = sorted(set(experts) - set(found.experts))
    if missing:
        raise DataError(f"{path}: has no versions by {', '.join(missing)}")
    return [pair for pair in found.pairs if pair.style in experts]
