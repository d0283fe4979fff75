"""The splits of FiveK that published figures use, by photo id.

``lut3d``: 4,500 to train on and 498 to test (3D-LUT, AdaInt and successors). ``dpe``: 2,250 and
2,250 and 500. ``upe``: 4,500 and 500. Figures of different splits are not comparable.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

from fivefold.data.fivek import parse_ids

SPLITS = ("lut3d", "dpe", "upe")


@cache
def split_parts(split: str) -> Mapping[str, tuple[str, ...]]:
    """The parts of a published split (``"train"``, ``"test"``, …), each as sorted photo ids.

    Raises:
        ValueError: For an unknown split.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {SPLITS}, received {split!r}")
    text = resources.files(__package__).joinpath(f"{split}.txt").read_text(encoding="utf-8")
    blocks = (block.split(maxsplit=1) for block in text.split("\n\n") if block[0] != "#")
    return MappingProxyType({name: tuple(parse_ids(ids)) for name, ids in blocks})


def split_ids(split: str, part: str) -> frozenset[str]:
    """The photo ids of one part of a published split.

    Raises:
        ValueError: For an unknown split or part.
    """
    parts = split_parts(split)
    if part not in parts:
        raise ValueError(f"part of {split} must be one of {tuple(parts)}, received {part!r}")
    return frozenset(parts[part])


def part_of(photo_id: str, split: str) -> str | None:
    """The part of a published split that a photo is in; ``None`` for one that is in no part."""
    return _part_by_id(split).get(photo_id)


@cache
def _part_by_id(split: str) -> dict[str, str]:
    return {photo_id: part for part, ids in split_parts(split).items() for photo_id in ids}
