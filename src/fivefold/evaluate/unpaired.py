"""A model judged on photos that nobody retouched for it: steadiness, changes, artefacts."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import PhotoError
from fivefold.evaluate.artefacts import Artefacts, RampFaults, artefacts, ramp_faults
from fivefold.evaluate.benchmark import Enhance, srgb_codes, write_table
from fivefold.evaluate.bootstrap import Interval, mean_interval
from fivefold.evaluate.metrics import delta_e_2000
from fivefold.evaluate.steadiness import FAMILIES, Steadiness, steadiness
from fivefold.photo.files import read_photo
from fivefold.photo.image import Photo
from fivefold.photo.resize import area_average

_STEADINESS_SIDE_PX = 512
"""Long side to which photos are reduced to see how steady a model is: its figures are means over
pixels, and there are sixteen results a photo."""
_ALL = "all"


@dataclass(frozen=True)
class PhotoFacts:
    """What was seen of one photo.

    Attributes:
        name: Of the file.
        change: Mean ΔE2000 between the photo and its result.
        artefacts: Damage.
        steadiness: One for each variant.
    """

    name: str
    change: float
    artefacts: Artefacts
    steadiness: list[Steadiness]


class Family(NamedTuple):
    """Mean ΔE2000 over the variants of a family and over photos, with intervals over photos.

    Attributes:
        before: Between variants and photos.
        after: Between the model's results for them.
        held: Between the results of each photo's own retouch for both; ``None`` where the model
            does not tell it.
    """

    before: Interval
    after: Interval
    held: Interval | None


@dataclass(frozen=True)
class Unpaired:
    """What a model did to a folder of photos.

    Attributes:
        name: Of the model.
        photos: A record for each photo.
        ramps: What it did to smooth 16-bit ramps.
        failures: A line for each photo that gave no record, and why.
    """

    name: str
    ramps: RampFaults
    photos: list[PhotoFacts] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def changes(self) -> NDArray[np.float64]:
        """Mean ΔE2000 of each photo's result to the photo."""
        return np.array([photo.change for photo in self.photos])

    def families(self) -> dict[str, Family]:
        """How steady the model is, by family of variants.

        ``"all"`` are those of all families, each variant counting once.
        """
        families = {}
        for family in (*FAMILIES, _ALL):
            seen = self._of(family)
            held = [(s.photo, s.held) for s in seen if s.held is not None]
            families[family] = Family(
                _interval((s.photo, s.before) for s in seen),
                _interval((s.photo, s.after) for s in seen),
                _interval(held) if held else None,
            )
        return families

    def damage(self) -> dict[str, NDArray[np.float64]]:
        """By figure of :class:`~fivefold.evaluate.artefacts.Artefacts`: one value a photo."""
        return {
            figure.name: np.array([getattr(photo.artefacts, figure.name) for photo in self.photos])
            for figure in fields(Artefacts)
        }

    def markdown(self) -> str:
        """Everything as three tables."""
        lines = [
            "| variants of a photo | ΔE2000 before | after | ratio "
            "| with the photo's retouch | ratio |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        for family, (before, after, held) in self.families().items():
            cells = [family, _spread(before), _spread(after), _ratio(after, before)]
            cells += ["", ""] if held is None else [_spread(held), _ratio(after, held)]
            lines.append(f"| {' | '.join(cells)} |")
        lines += ["", "| on the photos | mean | 95 of 100 below | worst |"]
        lines += ["| --- | ---: | ---: | ---: |"]
        figures = {"change (ΔE2000)": (self.changes(), "{:.2f}")}
        forms = {
            "reversed_edges": "{:.3%}",
            "new_clipping": "{:.2%}",
            "cells": "{:.3f}",
            "sky_hue": "{:.1f}°",
            "skin_hue": "{:.1f}°",
            "lost_white": "{:.1f}",
        }
        for name, values in self.damage().items():
            figures[name.replace("_", " ")] = values[np.isfinite(values)], forms[name]
        for name, (values, form) in figures.items():
            if len(values):
                marks = values.mean(), np.percentile(values, 95), values.max()
                lines.append(f"| {name} | {' | '.join(form.format(mark) for mark in marks)} |")
        lines += [
            "",
            f"Smooth 16-bit ramps: {self.ramps.reversed_steps:.2%} of the range backwards at the "
            f"most, largest step {self.ramps.largest_step:.1f} times the mean.",
        ]
        return "\n".join(lines) + "\n"

    def csv(self) -> str:
        """A line for each photo: change and damage, then steadiness by variant."""
        stream = io.StringIO()
        table = csv.writer(stream, lineterminator="\n")
        for number, photo in enumerate(self.photos):
            if not number:
                sides = ("before", "after", "held")
                variants = [f"{s.variant}, {side}" for s in photo.steadiness for side in sides]
                table.writerow(["photo", "change", *asdict(photo.artefacts), *variants])
            values = [photo.change, *asdict(photo.artefacts).values()]
            values += [value for s in photo.steadiness for value in (s.before, s.after, s.held)]
            numbers = ("" if value is None else f"{value:.5f}" for value in values)
            table.writerow([photo.name, *numbers])
        return stream.getvalue()

    def write_csv(self, path: Path) -> None:
        """Write :meth:`csv` to a file.

        Raises:
            PhotoWriteError: If it cannot be written.
        """
        write_table(path, self.csv())

    def _of(self, family: str) -> list[Steadiness]:
        return [s for photo in self.photos for s in photo.steadiness if family in (s.family, _ALL)]


def judge_unpaired(
    enhance: Enhance,
    paths: Iterable[Path],
    *,
    name: str = "",
    on_photo: Callable[[int], None] = lambda _: None,
) -> Unpaired:
    """Look at what a model does to photos; one that fails never stops the rest.

    Photos are taken as 8-bit sRGB.

    Args:
        enhance: The model.
        paths: The photos, finished ones if the changes are to say something.
        name: What the model is called.
        on_photo: Called with the number of photos done.
    """
    judged = Unpaired(name, ramp_faults(enhance))
    for done, path in enumerate(paths, start=1):
        try:
            judged.photos.append(_facts(enhance, path))
        except (PhotoError, ValueError) as error:
            judged.failures.append(str(error) if str(path) in str(error) else f"{path}: {error}")
        on_photo(done)
    return judged


def _facts(enhance: Enhance, path: Path) -> PhotoFacts:
    codes = srgb_codes(read_photo(path))
    result = srgb_codes(enhance(Photo(codes)))
    return PhotoFacts(
        path.name,
        delta_e_2000(result, codes),
        artefacts(codes, result),
        steadiness(enhance, _reduced(codes), path.name),
    )


def _reduced(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = _STEADINESS_SIDE_PX / max(codes.shape[:2])
    if scale >= 1:
        return codes
    height_px, width_px = (max(1, round(side * scale)) for side in codes.shape[:2])
    return np.rint(area_average(codes, height_px, width_px) * 255).astype(np.uint8)


def _interval(values: Iterable[tuple[str, float]]) -> Interval:
    photos, figures = zip(*values, strict=True)
    return mean_interval(figures, photos)


def _ratio(after: Interval, before: Interval) -> str:
    return f"{after.mean / before.mean if before.mean else math.nan:.2f}"


def _spread(interval: Interval) -> str:
    return f"{interval.mean:.2f} ± {(interval.high - interval.low) / 2:.2f}"
