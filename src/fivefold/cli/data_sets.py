"""``fivefold data pairs | simulate | check | index``: sets of any photos."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.cli.console import Progress, one_line, print_json, say
from fivefold.cli.values import add_jobs, at_least_one

if TYPE_CHECKING:
    from fivefold.data.sets import PhotoSet
    from fivefold.data.versions import PhotoVersions

_PAIRS_EXAMPLES = """\
examples:
  fivefold data pairs EDITS                                  EDITS/before and EDITS/after
  fivefold data pairs --before raw --after done -o PACKED    any two folders, packed

Names match without their endings, in any letter case. To train, name the folder in the
configuration, or pack it first.
"""
_SIMULATE_EXAMPLES = """\
examples:
  fivefold data simulate FINISHED -o SET               two looks of each photo
  fivefold data simulate FINISHED -o SET --draws 5 --seed 1
"""


def add_parsers(actions: Any) -> None:
    """Describe the arguments."""
    _add_pairs(actions)
    _add_simulate(actions)
    _add_check(actions)
    _add_index(actions)


def _new(actions: Any, name: str, act: Any, **texts: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, formatter_class=argparse.RawDescriptionHelpFormatter, **texts
    )
    parser.set_defaults(act=act, parser=parser)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return parser


def _add_set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("set", type=Path, metavar="SET", help="of any kind")


def _add_output(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar=name, help="made where missing"
    )


def _add_pairs(actions: Any) -> None:
    parser = _new(
        actions,
        "pairs",
        _pairs,
        help="match folders of pictures before and after",
        description="Match two folders of pictures, before and after, check that the pictures lie "
        "on each other, and report what has no partner.",
        epilog=_PAIRS_EXAMPLES,
    )
    add = parser.add_argument
    add("folder", nargs="?", type=Path, metavar="DIR", help="holds both folders")
    add("--before", type=Path, metavar="DIR", help="the inputs, if no name tells")
    add("--after", type=Path, metavar="DIR", help="what was made of them")
    add("-o", "--output", type=Path, metavar="PACKED", help="pack the good pairs as Parquet")
    add_jobs(parser, "pairs")


def _pairs(options: argparse.Namespace) -> int:
    from fivefold.data.folders import find_before_after
    from fivefold.data.parquet import write_parquet
    from fivefold.data.sets import open_before_after

    stated = [path for path in (options.before, options.after) if path is not None]
    if len(stated) != (2 if options.folder is None else 0):
        options.parser.error("name either one folder, or both --before and --after")
    before, after = stated or find_before_after(options.folder)
    opened = open_before_after(before, after)
    good, problems = _checked(opened.photos, options.jobs)
    for line in (*opened.remarks, *problems):
        say(line)
    if options.output and good:
        write_parquet(good, options.output)
    _conclude(
        options,
        f"{len(good)} pairs, {len(problems)} that cannot be used, {len(opened.remarks)} remarks",
        pairs=len(good),
        problems=problems,
        remarks=opened.remarks,
    )
    return 1 if problems or opened.remarks or not good else 0


def _add_simulate(actions: Any) -> None:
    parser = _new(
        actions,
        "simulate",
        _simulate,
        help="make pairs from finished photos alone",
        description="Undo finished photos (exposure, contrast, black, white balance, saturation, "
        "local light), so that retouching them back can be learned.",
        epilog=_SIMULATE_EXAMPLES,
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="FINISHED", help="finished photos; folders in it are searched")
    _add_output(parser, "SET")
    add("--draws", type=at_least_one, default=2, metavar="N", help="looks of each (default 2)")
    add("--seed", type=int, default=0, metavar="N", help="another seed, other looks (default 0)")
    add("--long-side", type=at_least_one, default=720, metavar="PX", help="(default 720)")
    add_jobs(parser)


def _simulate(options: argparse.Namespace) -> int:
    from fivefold.data.folders import pictures_in
    from fivefold.data.rendition import Size
    from fivefold.data.simulated import Simulation, simulate_folder

    if options.seed < 0:
        options.parser.error(f"--seed must be 0 or more, received {options.seed}")
    size = Size(long_side_px=options.long_side)
    simulation = Simulation(draws=options.draws, seed=options.seed, size=size)
    count = sum(1 for _ in pictures_in(options.folder))
    with Progress(count, "photos") as progress:
        left_out = simulate_folder(
            options.folder,
            options.output,
            simulation,
            jobs=options.jobs,
            on_photo=lambda *_: progress.advance(),
        )
    for line in left_out:
        say(line)
    made = (count - len(left_out)) * options.draws
    target = one_line(str(options.output))
    _conclude(options, f"{made} pairs: {target}", pairs=made, left_out=left_out)
    return 1 if left_out else 0


def _add_check(actions: Any) -> None:
    parser = _new(
        actions,
        "check",
        _check,
        help="can everything in a set be trained on?",
        description="Read every picture of a set of any kind: is it whole, of its input's size, "
        "and does it lie on its input? Parquet files are compared with their hashes too.",
    )
    _add_set(parser)
    add_jobs(parser)


def _check(options: argparse.Namespace) -> int:
    from fivefold.data.parquet import is_parquet_set, verify_parquet
    from fivefold.data.sets import open_set
    from fivefold.data.versions import styles_of

    damaged = verify_parquet(options.set) if is_parquet_set(options.set) else []
    opened = open_set(options.set)
    problems = damaged + _checked(opened.photos, options.jobs)[1]
    for line in (*opened.remarks, *problems):
        say(line)
    styles = styles_of(opened.photos)
    _conclude(
        options,
        f"{opened.kind} of {len(opened.photos)} photos with {', '.join(styles) or 'no versions'}; "
        f"{len(problems)} problems, {len(opened.remarks)} remarks",
        kind=opened.kind,
        photos=len(opened.photos),
        styles=styles,
        problems=problems,
        remarks=opened.remarks,
    )
    return 1 if problems else 0


def _add_index(actions: Any) -> None:
    parser = _new(
        actions,
        "index",
        _index,
        help="pack a set as Parquet",
        description="Pack a set of any kind as Parquet files that stream to many workers and "
        "machines, and that Hugging Face datasets opens.",
    )
    _add_set(parser)
    _add_output(parser, "PACKED")
    parser.add_argument(
        "--shards", type=at_least_one, metavar="N", help="files (default: half a gibibyte each)"
    )


def _index(options: argparse.Namespace) -> int:
    from fivefold.data.parquet import write_parquet
    from fivefold.data.sets import open_set

    opened: PhotoSet = open_set(options.set)
    for line in opened.remarks:
        say(line)
    if options.shards is not None and options.shards > len(opened.photos):
        options.parser.error(f"--shards: the set has {len(opened.photos)} photos only")
    with Progress(len(opened.photos), "photos") as progress:
        write_parquet(
            opened.photos,
            options.output,
            shards=options.shards,
            on_photo=lambda *_: progress.advance(),
        )
    target = one_line(str(options.output))
    _conclude(options, f"{len(opened.photos)} photos: {target}", photos=len(opened.photos))
    return 0


def _checked(photos: Sequence[PhotoVersions], jobs: int) -> tuple[list[PhotoVersions], list[str]]:
    """The photos that can be trained on, and a line for each problem of the others."""
    good, problems = [], []
    with Progress(len(photos), "photos") as progress:
        for photo, found in _examined(photos, jobs):
            progress.advance()
            problems.extend(found)
            if not found:
                good.append(photo)
    return good, problems


def _examined(
    photos: Sequence[PhotoVersions], jobs: int
) -> Iterator[tuple[PhotoVersions, list[str]]]:
    from concurrent.futures import ThreadPoolExecutor

    from fivefold.data.sets import check_photo

    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(photos, pool.map(check_photo, photos), strict=True)


def _conclude(options: argparse.Namespace, line: str, **facts: object) -> None:
    if options.json:
        print_json(**facts)
    else:
        say(line)
