"""What a run learns from and what it is scored on: two sets of pairs that share no photo."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from fivefold.data.experts import expert_pairs
from fivefold.data.folders import pictures_in
from fivefold.data.pack import fivek_pairs, fold_of, styled_pairs, table_pairs
from fivefold.data.pair import Pair
from fivefold.data.sets import open_set
from fivefold.data.simulate import Looks
from fivefold.data.splits import part_of
from fivefold.data.versions import styles_of, to_pairs
from fivefold.errors import DataError
from fivefold.train.config import Source, TrainConfig


def training_and_held_out_pairs(config: TrainConfig, data: Path) -> tuple[list[Pair], list[Pair]]:
    """The pairs that a run learns from (repeated as it says), and those that it is scored on.

    What is scored are the FiveK pairs of the held-out folds, and the sources' pairs of the photos
    that the published split holds out, each once. Their photos are left out of every source, by id.

    Raises:
        DataError: If an index or a column is missing.
    """
    held_out = []
    if config.held_out_folds:
        held_out = [p for p in fivek_pairs(data) if fold_of(p.id) in config.held_out_folds]
    never = {pair.id for pair in held_out}
    available = [
        (pair, source.repeat) for source in config.sources for pair in _pairs_of(source, data)
    ]
    if config.held_out_split:
        outside = {p.id for p, _ in available if is_held_out(p.id, config.held_out_split)}
        scored = _chosen(outside, config.held_out_photos)
        held_out += [pair for pair, _ in available if pair.id in scored - never]
        never |= outside
    learned = _chosen({pair.id for pair, _ in available} - never, config.training_photos)
    training = [pair for pair, repeat in available if pair.id in learned for _ in range(repeat)]
    return training, held_out


def is_held_out(photo_id: str, split: str) -> bool:
    """Whether a photo is of a published split's test part, or, outside FiveK, of fold 0."""
    part = part_of(photo_id, split)
    return fold_of(photo_id) == 0 if part is None else part == "test"


def _chosen(ids: Iterable[str], number: int) -> set[str]:
    """So many of the ids, the same on every machine; all of them for 0."""
    ordered = sorted(ids, key=lambda photo_id: hashlib.sha256(photo_id.encode()).digest())
    return set(ordered[: number or None])


def _pairs_of(source: Source, data: Path) -> list[Pair]:
    pairs = _own_pairs_of(source, data)
    return [replace(pair, style=source.style) for pair in pairs] if source.style else pairs


def _own_pairs_of(source: Source, data: Path) -> list[Pair]:
    if source.kind == "fivek_pairs":
        return fivek_pairs(data)
    if source.kind == "styled":
        return styled_pairs(data, source.targets)
    if source.kind == "experts":
        return expert_pairs(data / source.index, source.targets)
    if source.kind == "table":
        return table_pairs(data / source.index)
    if source.kind == "finished":
        return _finished_pairs(data / source.index)
    return _set_pairs(data / source.index, source.targets)


def _finished_pairs(folder: Path) -> list[Pair]:
    pairs = [
        Pair(
            id=path.relative_to(folder).with_suffix("").as_posix(),
            input=path,
            target=path,
            style="finished",
            kind="simulated",
            looks=Looks(),
        )
        for path in pictures_in(folder)
    ]
    if not pairs:
        raise DataError(f"{folder}: holds no photo")
    return pairs


def _set_pairs(path: Path, styles: Sequence[str]) -> list[Pair]:
    photos = open_set(path).photos
    missing = sorted(set(styles) - set(styles_of(photos)))
    if missing:
        raise DataError(f"{path}: has no versions {', '.join(missing)}")
    return to_pairs(photos, styles or None)
