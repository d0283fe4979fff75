"""Any way to enhance a photo, scored against any retouched photos."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import PhotoError, PhotoWriteError
from fivefold.evaluate.bootstrap import Interval, mean_interval
from fivefold.evaluate.cases import Case
from fivefold.evaluate.metrics import METRICS, Scores, score
from fivefold.photo.atomic import write_atomically
from fivefold.photo.depth import with_bit_depth
from fivefold.photo.image import FULL_SCALE, Photo
from fivefold.photo.model_space import to_srgb

Enhance = Callable[[Photo], Photo]
ALL = "all"


@dataclass(frozen=True)
class Row:
    """The scores of one case.

    Attributes:
        id: The photo.
        style: Whose version it was compared with.
        kind: How the input came about.
        scores: What came out.
    """

    id: str
    style: str
    kind: str
    scores: Scores


@dataclass(frozen=True)
class Summary:
    """The means of one style, or of all.

    Attributes:
        style: Whose; ``"all"`` for all rows together.
        photos: How many photos.
        metrics: By name, the mean and its interval.
    """

    style: str
    photos: int
    metrics: dict[str, Interval]


@dataclass(frozen=True)
class Benchmark:
    """What scoring gave.

    Attributes:
        name: What was scored.
        rows: A row for each case, in the order they came.
        failures: A line for each case that gave no score, and why.
    """

    name: str
    rows: list[Row]
    failures: list[str]

    def values(self, metric: str, style: str | None = None) -> NDArray[np.float64]:
        """One measure of all rows, or of those of a style.

        Raises:
            ValueError: For an unknown metric.
        """
        if metric not in METRICS:
            raise ValueError(f"metric must be one of {METRICS}, received {metric!r}")
        rows = (row for row in self.rows if style is None or row.style == style)
        return np.array([getattr(row.scores, metric) for row in rows])

    def styles(self) -> list[str]:
        """The styles that occur, in the order they first came."""
        return list(dict.fromkeys(row.style for row in self.rows))

    def summaries(self, *, draws: int = 2000) -> list[Summary]:
        """The means of each style, and of all where there are several, with 95 % intervals.

        The mean of all weighs rows alike, so that it is the mean over styles where each photo has
        every version; its interval draws whole photos.
        """
        parts: list[str | None] = list(self.styles())
        if len(parts) > 1:
            parts.append(None)
        summaries = []
        for style in parts:
            ids = [row.id for row in self.rows if style is None or row.style == style]
            metrics = {
                metric: mean_interval(self.values(metric, style), ids, draws=draws)
                for metric in METRICS
            }
            summaries.append(Summary(style or ALL, len(set(ids)), metrics))
        return summaries

    def csv(self) -> str:
        """A line for each case: photo, style, kind and the measures."""
        stream = io.StringIO()
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["photo", "style", "kind", *METRICS])
        for row in self.rows:
            numbers = (f"{value:.4f}" for value in asdict(row.scores).values())
            table.writerow([row.id, row.style, row.kind, *numbers])
        return stream.getvalue()

    def write_csv(self, path: Path) -> None:
        """Write :meth:`csv` to a file.

        Raises:
            PhotoWriteError: If it cannot be written.
        """
        write_table(path, self.csv())

    def markdown(self) -> str:
        """The summaries as a table: mean ± half the interval."""
        lines = [
            "| compared with | photos | PSNR (dB) | SSIM | ΔE76 | ΔE2000 |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        for summary in self.summaries():
            cells = [
                _cell(summary.metrics[metric], digits)
                for metric, digits in zip(METRICS, (2, 3, 2, 2), strict=True)
            ]
            lines.append(f"| {summary.style} | {summary.photos} | {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"


def benchmark(
    enhance: Enhance | Mapping[str, Enhance],
    cases: Iterable[Case],
    *,
    name: str = "",
    jobs: int = 1,
    on_case: Callable[[int], None] = lambda _: None,
) -> Benchmark:
    """Enhance the input of each case and compare the result with its target.

    Results are compared as they would be saved: as 8-bit sRGB. A case that fails never stops the
    rest.

    Args:
        enhance: From photo to photo; or by style, for a model that is told whose version to make.
            Consecutive cases that share an input are enhanced once.
        cases: What to score; drawn as needed, so that no more than a few are in memory.
        name: What it is called.
        jobs: Cases scored at once, each in a thread.
        on_case: Called with the number of cases done.

    Raises:
        ValueError: For no job at all.
        KeyError: For a style that ``enhance`` does not have.
    """
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, received {jobs}")
    rows: list[Row] = []
    failures: list[str] = []
    for done, outcome in enumerate(_outcomes(enhance, cases, jobs), start=1):
        if isinstance(outcome, Row):
            rows.append(outcome)
        else:
            failures.append(outcome)
        on_case(done)
    return Benchmark(name, rows, failures)


def untouched(photo: Photo) -> Photo:
    """The photo as it is: what every method has to beat."""
    return photo


def write_table(path: Path, text: str) -> None:
    """Write a table to a file, whole or not at all.

    Raises:
        PhotoWriteError: If it cannot be written.
    """
    try:
        write_atomically(path, [text.encode()])
    except OSError as error:
        raise PhotoWriteError(f"{path}: {error.strerror}") from error


def srgb_codes(photo: Photo) -> NDArray[np.uint8]:
    """A photo as it would be saved to be compared: ``(H, W, 3)`` 8-bit sRGB."""
    pixels = photo.pixels
    if photo.icc_profile is not None:
        coded = (pixels / FULL_SCALE[pixels.dtype]).astype(np.float32)
        pixels = to_srgb(coded, photo.icc_profile)
    return with_bit_depth(Photo(pixels), 8).pixels.astype(np.uint8, copy=False)


def _outcomes(
    enhance: Enhance | Mapping[str, Enhance], cases: Iterable[Case], jobs: int
) -> Iterator[Row | str]:
    """Rows and failures in the order of the cases; at most two cases a thread are under way."""
    with ThreadPoolExecutor(jobs) as pool:
        under_way: deque[Future[Row | str]] = deque()
        for case, result in _results(enhance, cases):
            under_way.append(pool.submit(_outcome, case, result))
            if len(under_way) >= 2 * jobs:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def _results(
    enhance: Enhance | Mapping[str, Enhance], cases: Iterable[Case]
) -> Iterator[tuple[Case, Photo | str]]:
    """Each case with its result, or with the reason that there is none."""
    last: tuple[Photo, Enhance, Photo | str] | None = None
    for case in cases:
        way = enhance[case.style] if isinstance(enhance, Mapping) else enhance
        if last is None or last[0] is not case.input or last[1] is not way:
            try:
                last = case.input, way, way(case.input)
            except (PhotoError, ValueError) as error:
                last = case.input, way, str(error)
        yield case, last[2]


def _outcome(case: Case, result: Photo | str) -> Row | str:
    if isinstance(result, str):
        return f"{case.id}, {case.style}: {result}"
    try:
        scores = score(srgb_codes(result), srgb_codes(case.target), case.mask)
    except (PhotoError, ValueError) as error:
        return f"{case.id}, {case.style}: {error}"
    return Row(case.id, case.style, case.kind, scores)


def _cell(interval: Interval, digits: int) -> str:
    if not np.isfinite(interval.high - interval.low):
        return f"{interval.mean:.{digits}f}"
    return f"{interval.mean:.{digits}f} ± {(interval.high - interval.low) / 2:.{digits}f}"
