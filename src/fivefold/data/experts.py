"""The photos with experts' versions that a folder holds, whichever layout it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fivefold.data.developed import folder_of, is_developed, read_developed
from fivefold.data.fivek import EXPERTS, INPUT
from fivefold.data.pack import fivek_pairs, styled_pairs
from fivefold.data.pairs import Pair
from fivefold.errors import DataError

EXPERT_STYLES = tuple(f"expert_{letter}" for letter in EXPERTS)


@dataclass(frozen=True)
class ExpertSet:
    """Pairs by expert, and what is known about them.

    Attributes:
        pairs: Of each photo, a pair for each expert whose version is there; those of one input
            follow each other, with ``style`` ``"expert_a"`` … ``"expert_e"``.
        real_pairs: Pairs of a real expert C, none of whose photos is in ``pairs``: to judge with.
        description: What the photos are, a noun phrase.
        retouchers: Who made the experts' versions, a noun phrase.
    """

    pairs: tuple[Pair, ...]
    real_pairs: tuple[Pair, ...]
    description: str
    retouchers: str

    @property
    def experts(self) -> tuple[str, ...]:
        """The styles that there are pairs of, in the order A to E."""
        present = {pair.style for pair in self.pairs}
        return tuple(style for style in EXPERT_STYLES if style in present)


def expert_set(data: Path) -> ExpertSet:
    """Find the photos with experts' versions in a folder.

    Args:
        data: A developed FiveK set, or the study pack.

    Raises:
        DataError: If the folder is missing, is neither, or its index is damaged.
    """
    if is_developed(data):
        return _developed(data)
    if (data / "styled/styled.csv").exists():
        return _study_pack(data)
    if not data.is_dir():
        raise DataError(f"{data}: no such folder")
    raise DataError(f"{data}: holds neither a developed set nor the study pack")


def expert_pairs(data: Path, targets: Sequence[str]) -> list[Pair]:
    """The pairs of some experts.

    Raises:
        DataError: If the folder has no pair of one of them.
    """
    found = expert_set(data)
    missing = sorted(set(targets) - set(found.experts))
    if missing:
        raise DataError(f"{data}: has no versions by {', '.join(missing)}")
    return [pair for pair in found.pairs if pair.style in targets]


def _study_pack(data: Path) -> ExpertSet:
    real_pairs = fivek_pairs(data) if (data / "fivek_pairs/pairs.csv").exists() else []
    real_ids = {pair.id for pair in real_pairs}
    return ExpertSet(
        pairs=tuple(p for p in styled_pairs(data, EXPERT_STYLES) if p.id not in real_ids),
        real_pairs=tuple(real_pairs),
        description="photos with an undeveloped look, of the study pack's styled part",
        retouchers="published models of the five experts (modelled, not people)",
    )


def _developed(data: Path) -> ExpertSet:
    pairs = [
        Pair(
            id=photo.id,
            input=data / photo.pictures[INPUT].path,
            target=data / photo.pictures[letter].path,
            style=folder_of(letter),
            kind="developed",
        )
        for photo in read_developed(data).photos.values()
        if INPUT in photo.pictures
        for letter in EXPERTS
        if letter in photo.pictures
    ]
    return ExpertSet(
        pairs=tuple(pairs),
        real_pairs=(),
        description="developed originals",
        retouchers="the experts themselves",
    )
