"""The study pack: FiveK pairs, and finished photos with labels by published models.

A folder with ``fivek_pairs/pairs.csv`` (real and reconstructed inputs with expert C's version) and
``styled/styled.csv`` (inputs with a consensus of expert-C models and five modelled experts).
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from fivefold.data.pair import Pair
from fivefold.errors import DataError

STYLED_TARGETS = ("expert_a", "expert_b", "expert_c", "expert_d", "expert_e", "fivek_c")
FOLDS = 5


def fivek_pairs(pack: Path) -> list[Pair]:
    """Every FiveK pair of the pack, target expert C; reconstructed ones carry their mask.

    Raises:
        DataError: If the index or a column is missing.
    """
    folder = pack / "fivek_pairs"
    return [
        Pair(
            id=row["id"],
            input=folder / row["input"],
            target=folder / row["expert_c"],
            mask=folder / row["mask"] if row["mask"] else None,
            style="real_c",
            kind=row["kind"],
        )
        for row in _rows(folder / "pairs.csv", ("id", "input", "expert_c", "mask", "kind"))
    ]


def styled_pairs(pack: Path, targets: Sequence[str] = STYLED_TARGETS) -> list[Pair]:
    """Every styled input with each of the asked-for labels.

    Args:
        pack: The pack's folder.
        targets: Label columns, of :data:`STYLED_TARGETS`.

    Raises:
        DataError: If the index or a column is missing.
        ValueError: For an unknown target.
    """
    unknown = sorted(set(targets) - set(STYLED_TARGETS))
    if unknown:
        raise ValueError(f"targets must be among {STYLED_TARGETS}, received {unknown}")
    folder = pack / "styled"
    return [
        Pair(
            id=row["photo"],
            input=folder / row["input"],
            target=folder / row[target],
            style=target,
            kind="styled",
        )
        for row in _rows(folder / "styled.csv", ("photo", "input", *targets))
        for target in targets
    ]


def table_pairs(index: Path) -> list[Pair]:
    """The pairs of any CSV with the columns ``photo``, ``input`` and ``label``.

    ``photo`` names the photo, for splits; the other two are files, relative to the CSV. Further
    columns are ignored, but for ``kind``.

    Raises:
        DataError: If the index or a column is missing.
    """
    return [
        Pair(
            id=row["photo"],
            input=index.parent / row["input"],
            target=index.parent / row["label"],
            style="label",
            kind=row.get("kind", "table"),
        )
        for row in _rows(index, ("photo", "input", "label"))
    ]


def fold_of(photo_id: str) -> int:
    """The cross-validation fold of a photo, 0…4, the same on every machine.

    All rows of one photo share its fold, whatever file they came from.
    """
    return hashlib.sha256(photo_id.encode()).digest()[0] % FOLDS


def _rows(index: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    try:
        with index.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = sorted(set(columns) - set(reader.fieldnames or ()))
            if missing:
                raise DataError(f"{index}: has no column {', '.join(missing)}")
            yield from reader
    except OSError as error:
        raise DataError(f"{index}: {error.strerror}") from error
