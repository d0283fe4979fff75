"""``fivefold evaluate``: how near models, programs and people are to a retoucher's version."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.cli.console import Progress, print_json, say
from fivefold.cli.model_option import add_expert_option
from fivefold.cli.values import add_jobs, ids

if TYPE_CHECKING:
    from fivefold.data.versions import PhotoVersions
    from fivefold.evaluate.benchmark import Benchmark, Enhance
    from fivefold.evaluate.bootstrap import Interval
    from fivefold.evaluate.cases import Case
    from fivefold.evaluate.unpaired import Unpaired

UNTOUCHED = "untouched"
EXPERTS = "experts"
_EXAMPLES = """\
examples:
  fivefold evaluate SET consensus                    a model that came with the package
  fivefold evaluate SET run/weights.safetensors      a training run
  fivefold evaluate SET results/                     another program's results, named by photo
  fivefold evaluate SET untouched consensus run/weights.safetensors
                                                     several, with the difference to the first
  fivefold evaluate SET experts                      every two experts against each other
  fivefold evaluate SET consensus --styles expert_c --split lut3d --part test --csv scores
  fivefold evaluate SET consensus --expert full      another of the model's styles
  fivefold evaluate photos/ consensus --unpaired     steadiness, changes and artefacts on finished
                                                     photos: needs no retouched versions

Pictures are compared as 8-bit sRGB. Means come with 95 % bootstrap intervals over photos.
"""


def add_parser(verbs: Any) -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "evaluate",
        help="score models, other programs' results, or experts against each other",
        description="PSNR, SSIM, ΔE76 and ΔE2000 of anything against the retouched photos of a "
        "set.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("set", type=Path, metavar="SET", help="of any kind that 'data check' takes")
    add(
        "models",
        nargs="+",
        metavar="MODEL",
        help=f"a bundle, .safetensors weights, a folder of results, {UNTOUCHED}, or {EXPERTS}",
    )
    add_expert_option(parser)
    add("--styles", metavar="LIST", help="whose versions, such as expert_a,expert_c (default: all)")
    add("--ids", type=ids, metavar="RANGE", help="FiveK photos, such as 1-700,4501-")
    add("--split", choices=("lut3d", "dpe", "upe"), help="a published split of FiveK")
    add("--part", default="test", metavar="PART", help="of the split (default test)")
    add(
        "--unpaired",
        action="store_true",
        help="SET is a folder of any photos: steadiness, changes and artefacts instead",
    )
    add("--csv", type=Path, metavar="DIR", help="a file of scores by photo for each model")
    add_jobs(parser)
    add("--json", action="store_true", help="one JSON object a model on stdout")
    return parser


def run(options: argparse.Namespace) -> int:
    """Score what was asked for.

    Returns:
        0 if everything was scored, 1 otherwise.
    """
    if options.unpaired:
        return _judge_unpaired(options)
    photos, styles = _photos(options)
    if EXPERTS in options.models:  # which takes two; told before anything is scored
        _check_styles(options.set, styles)
    results: list[Benchmark] = []
    for model in options.models:
        result = _score(model, photos, styles, options)
        for line in result.failures:
            say(line)
        if options.csv is not None:
            _write_csv(result, options.csv, len(results))
        _tell(result, results[0] if results else None, as_json=options.json)
        results.append(result)
    complete = all(result.rows and not result.failures for result in results)
    return 0 if complete else 1


def _judge_unpaired(options: argparse.Namespace) -> int:
    from fivefold.evaluate.benchmark import untouched
    from fivefold.evaluate.unpaired import judge_unpaired
    from fivefold.photo.formats import READABLE
    from fivefold.runtime.search import find_photos

    paths = [found.source for found in find_photos([options.set], READABLE).photos]
    if not paths:
        options.parser.error(f"{options.set}: no photo found")
    complete = True
    for number, model in enumerate(options.models):
        if model == EXPERTS or Path(model).is_dir():
            options.parser.error(f"--unpaired: needs a model that enhances, received {model}")
        enhance = untouched if model == UNTOUCHED else _open(model, options.expert)
        with Progress(len(paths), "photos") as progress:
            judged = judge_unpaired(
                enhance, paths, name=model, on_photo=lambda _: progress.advance()
            )
        for line in judged.failures:
            say(line)
        if options.csv is not None:
            _write_csv(judged, options.csv, number)
        _tell_unpaired(judged, as_json=options.json)
        complete = complete and bool(judged.photos) and not judged.failures
    return 0 if complete else 1


def _tell_unpaired(judged: Unpaired, *, as_json: bool) -> None:
    if not judged.photos:
        return
    if not as_json:
        print(f"{judged.name}\n\n{judged.markdown()}")
        return
    print_json(
        model=judged.name,
        photos=len(judged.photos),
        steadiness={
            family: {
                side: None if interval is None else _rounded(interval)
                for side, interval in differences._asdict().items()
            }
            for family, differences in judged.families().items()
        },
        change=_marks(judged.changes().tolist()),
        artefacts={name: _marks(values.tolist()) for name, values in judged.damage().items()},
        ramps=vars(judged.ramps),
        failures=judged.failures,
    )


def _marks(values: list[float]) -> dict[str, float] | None:
    """Mean and worst of the values that there are."""
    there = [value for value in values if math.isfinite(value)]
    return {"mean": sum(there) / len(there), "worst": max(there)} if there else None


def _photos(options: argparse.Namespace) -> tuple[list[PhotoVersions], list[str]]:
    """The part of the set that is asked for, and the styles to compare with."""
    from fivefold.data.sets import open_set
    from fivefold.data.splits import split_ids
    from fivefold.data.versions import styles_of

    wanted = None if options.ids is None else set(options.ids)
    if options.split is not None:
        try:
            part = set(split_ids(options.split, options.part))
        except ValueError as error:
            options.parser.error(f"--part: {error}")
        wanted = part if wanted is None else wanted & part
    opened = open_set(options.set)
    styles = styles_of(opened.photos)
    if options.styles is not None:
        asked = [style.strip() for style in options.styles.split(",")]
        unknown = [style for style in asked if style not in styles]
        if unknown:
            options.parser.error(
                f"--styles: must be among {', '.join(styles)}, received {', '.join(unknown)}"
            )
        styles = asked
    return opened.only(ids=wanted, styles=styles).photos, styles


def _check_styles(photo_set: Path, styles: list[str]) -> None:
    from fivefold.errors import DataError

    if len(styles) < 2:
        there = ", ".join(styles) or "none"
        raise DataError(f"{photo_set}: {EXPERTS} needs two styles to compare, there is {there}")


def _score(
    model: str, photos: list[PhotoVersions], styles: list[str], options: argparse.Namespace
) -> Benchmark:
    from dataclasses import replace

    from fivefold.evaluate.benchmark import benchmark, untouched

    own = model in (UNTOUCHED, EXPERTS) or Path(model).is_dir()
    enhance = untouched if own else _open(model, options.expert)
    failures: list[str] = []
    cases = _cases(model, photos, styles, failures)
    with Progress(_count(model, photos, styles), "versions") as progress:
        result = benchmark(
            enhance,
            cases,
            name=model,
            jobs=options.jobs,
            on_case=lambda _: progress.advance(),
        )
    return replace(result, failures=[*failures, *result.failures])


def _open(model: str, expert: str | None) -> Enhance:
    from fivefold.errors import BundleError
    from fivefold.evaluate.candidates import open_candidate

    try:
        return open_candidate(model, expert)
    except ValueError as error:
        raise BundleError(f"{model}: --expert: {error}") from error


def _cases(
    model: str, photos: list[PhotoVersions], styles: list[str], failures: list[str]
) -> Iterator[Case]:
    from fivefold.evaluate.cases import cases_of, cases_with_results, expert_cases

    if model == EXPERTS:
        return expert_cases(photos, styles, on_failure=failures.append)
    cases = cases_of(photos, styles, on_failure=failures.append)
    if Path(model).is_dir():
        return cases_with_results(cases, Path(model), on_failure=failures.append)
    return cases


def _count(model: str, photos: list[PhotoVersions], styles: list[str]) -> int:
    counts = [sum(style in photo.targets for style in styles) for photo in photos]
    return sum(n * (n - 1) // 2 for n in counts) if model == EXPERTS else sum(counts)


def _write_csv(result: Benchmark | Unpaired, folder: Path, number: int) -> None:
    from fivefold.errors import PhotoWriteError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PhotoWriteError(f"{folder}: {error.strerror}") from error
    name = Path(result.name).stem or "results"
    result.write_csv(folder / f"{number + 1}-{name}.csv")


def _tell(result: Benchmark, first: Benchmark | None, *, as_json: bool) -> None:
    """Print the means of a model, and its difference to the first one."""
    differences = _differences(result, first) if first is not None else {}
    if as_json:
        print_json(
            model=result.name,
            summaries=[
                {
                    "style": summary.style,
                    "photos": summary.photos,
                    **{name: _rounded(value) for name, value in summary.metrics.items()},
                }
                for summary in result.summaries()
            ],
            difference={name: _rounded(value) for name, value in differences.items()},
            failures=result.failures,
        )
        return
    print(f"{result.name}\n\n{result.markdown()}")
    for name, value in differences.items():
        low, high = f"{value.low:+.3f}", f"{value.high:+.3f}"
        print(f"{name} less {first.name if first else ''}: {value.mean:+.3f} ({low} to {high})")
    if differences:
        print()


def _differences(result: Benchmark, first: Benchmark) -> dict[str, Interval]:
    """By metric, how much more than the first model, over the cases that both have."""
    from fivefold.evaluate.bootstrap import difference_interval
    from fivefold.evaluate.metrics import METRICS

    ours = {(row.id, row.style, row.kind): row.scores for row in result.rows}
    theirs = {(row.id, row.style, row.kind): row.scores for row in first.rows}
    shared = [key for key in ours if key in theirs]
    if not shared:
        return {}
    return {
        metric: difference_interval(
            [getattr(ours[key], metric) for key in shared],
            [getattr(theirs[key], metric) for key in shared],
            [key[0] for key in shared],
        )
        for metric in METRICS
    }


def _rounded(interval: Interval) -> dict[str, float | None]:
    """For JSON, which has no infinity."""
    finite = float("inf")
    return {
        name: round(value, 4) if abs(value) < finite else None
        for name, value in vars(interval).items()
    }
