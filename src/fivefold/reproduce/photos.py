"""Figure 3: the same untouched photos through the models, side by side."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fivefold.data.pair import Pair
from fivefold.data.pairs import PairSet
from fivefold.model.enhancer_net import EnhancerNet
from fivefold.photo.resize import area_average
from fivefold.train.score import enhanced, to_8bit

SHOWN_PX = 360  # long side of a photo in the figure
_FREE = re.compile(r"CC0|CC-BY-\d")


@dataclass(frozen=True)
class Shown:
    """A photo of Figure 3.

    Attributes:
        file: The untouched photo.
        credit: By whom, and under which licence; empty where that is not known.
    """

    file: Path
    credit: str = ""


def held_out_photos(judged: Sequence[Pair], data: Path, *, number: int = 4) -> list[Shown]:
    """Some of the photos that no run learned from, the same on every machine.

    Of the study pack only those under CC0 or CC BY are taken, one look of each.

    Args:
        judged: The held-out pairs.
        data: The set that they come from.
        number: How many.
    """
    free = _free_photos(data)
    by_photo: dict[str, Shown] = {}
    for pair in judged:
        if not isinstance(pair.input, Path):
            continue
        if free is None:
            by_photo.setdefault(pair.id, Shown(pair.input))
        elif pair.input in free:
            by_photo.setdefault(pair.id, Shown(pair.input, free[pair.input]))
    order = sorted(by_photo, key=lambda photo: hashlib.sha256(photo.encode()).digest())
    return [by_photo[photo] for photo in order[:number]]


def through_the_models(
    shown: Sequence[Shown], nets: Mapping[str, EnhancerNet]
) -> list[list[NDArray[np.uint8]]]:
    """Each photo untouched, then as every network makes it, reduced for the figure.

    Raises:
        PhotoReadError, DataError: If a photo cannot be read.
    """
    itself = [
        Pair(id=s.file.name, input=s.file, target=s.file, style="untouched", kind="shown")
        for s in shown
    ]
    photos = PairSet(itself, augment=False)
    rows = []
    for sample in (photos[i] for i in range(len(photos))):
        outputs = [sample.photo, *(enhanced(net, sample) for net in nets.values())]
        rows.append([_reduced(to_8bit(output)) for output in outputs])
    return rows


def _reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = min(1.0, SHOWN_PX / max(height, width))
    small = area_average(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
    return np.rint(small * 255).astype(np.uint8)


def _free_photos(data: Path) -> dict[Path, str] | None:
    """Credits of the pack's inputs that may be shown anywhere; ``None`` for another set."""
    styled, photos = data / "styled/styled.csv", data / "photos/photos.csv"
    if not (styled.exists() and photos.exists()):
        return None
    with photos.open(encoding="utf-8", newline="") as file:
        authors = {row["file"]: row["author"] for row in csv.DictReader(file)}
    free = {}
    with styled.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if _FREE.match(row["licence"]):
                author = authors[row["photo"].removeprefix("../photos/")]
                licence = row["licence"].split(" ")[0].replace("CC-BY-", "CC BY ")
                credit = f"{author} ({licence}; the undeveloped look is simulated)"
                free[data / "styled" / row["input"]] = credit
    return free
