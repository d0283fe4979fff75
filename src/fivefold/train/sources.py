"""What a run learns from and what it is scored on: two sets of pairs that share no photo."""

from __future__ import annotations

from pathlib import Path

from fivefold.data.pack import fivek_pairs, fold_of, styled_pairs, table_pairs
from fivefold.data.pairs import Pair
from fivefold.train.config import Source, TrainConfig


def training_and_held_out_pairs(config: TrainConfig, data: Path) -> tuple[list[Pair], list[Pair]]:
    """The pairs that a run learns from (repeated as it says), and those that it is scored on.

    What is scored are the FiveK pairs of the held-out folds, each once. Their photos are left out
    of every source, by id.

    Raises:
        DataError: If an index or a column is missing.
    """
    held_out = [p for p in fivek_pairs(data) if fold_of(p.id) in config.held_out_folds]
    never = {pair.id for pair in held_out}
    training = [
        pair
        for source in config.sources
        for pair in _pairs_of(source, data)
        for _ in range(source.repeat)
        if pair.id not in never
    ]
    return training, held_out


def _pairs_of(source: Source, data: Path) -> list[Pair]:
    if source.kind == "fivek_pairs":
        return fivek_pairs(data)
    if source.kind == "styled":
        return styled_pairs(data, source.targets)
    return table_pairs(data / source.index)
