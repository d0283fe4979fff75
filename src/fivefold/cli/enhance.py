"""``fivefold enhance``: photos in, enhanced photos out."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from fivefold.cli.console import Progress, one_line, print_json, say
from fivefold.cli.summary import Summary, tell

if TYPE_CHECKING:
    from fivefold.runtime.batch import Settings
    from fivefold.runtime.enhancer import Enhancer
    from fivefold.runtime.plan import Plan

_STREAM = "-"
FORMATS = (
    "jpeg",
    "png",
    "tiff",
    "webp",
    "avif",
    "heif",
    "jxl",
    "ppm",
)  # stated here, since the codecs load slowly
_EXAMPLES = """\
examples:
  fivefold enhance photo.jpg                     writes photo_enhanced.jpg
  fivefold enhance photo.jpg -o better.png       in another place and format
  fivefold enhance holiday -o enhanced           a folder, with all folders in it
  fivefold enhance 'holiday/**/*.tif' -o out     a pattern
  fivefold enhance photo.jpg --strength 0.5      half as much
  fivefold enhance holiday -o enhanced --skip-existing   go on where it was interrupted
  fivefold enhance - < photo.jpg > better.jpg    in a pipe
"""


def add_parser(verbs: Any) -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "enhance",
        help="enhance photos",
        description="Enhance photos. One that cannot be read is reported and never stops the rest.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="file, folder, pattern, or - for stdin")
    add("-o", "--output", metavar="OUT", help="file, folder, or - for stdout")
    add(
        "--strength",
        type=float,
        default=1.0,
        metavar="S",
        help="0 = untouched, 1 = the model, up to 1.5; negative goes the other way (default 1)",
    )
    add("--quality", type=_integer(1, 100), metavar="Q", help="of lossy formats, 1 to 100")
    add("--format", choices=FORMATS, help="of the results (default: as each photo)")
    add("--bit-depth", type=int, choices=(8, 16), help="of the results (default: as each photo)")
    add(
        "--jobs",
        type=_integer(1, 1024),
        metavar="N",
        help="photos at a time (default: one for each processor core)",
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument(
        "--skip-existing", action="store_true", help="leave alone what has a result"
    )
    existing.add_argument("--in-place", action="store_true", help="overwrite the photos themselves")
    add("--dry-run", action="store_true", help="only say what would be written where")
    add("--json", action="store_true", help="one JSON object a line on stdout, the last a summary")
    add("--strip-metadata", action="store_true", help="leave out EXIF with GPS, XMP and IPTC")
    add("--no-note", action="store_true", help="do not say in XMP what was done")
    add("--bundle", metavar="B", help="model to use: a file, or a name that 'info' lists")
    return parser


def run(options: argparse.Namespace) -> int:
    """Enhance what was asked for.

    Returns:
        0 if every photo was enhanced or skipped, 1 otherwise.
    """
    start_s = time.perf_counter()
    _check(options)
    from fivefold.runtime.batch import Settings

    settings = Settings(
        strength=options.strength,
        quality=options.quality,
        bit_depth=options.bit_depth,
        skip_existing=options.skip_existing,
        strip_metadata=options.strip_metadata,
        note=not (options.no_note or options.strip_metadata),
    )
    if _STREAM in (*options.inputs, options.output):
        return _run_stream(options, settings)
    plan = _make_plan(options)
    if options.dry_run:
        return _tell_plan(plan, settings, as_json=options.json)
    return _run_batch(options, settings, plan, start_s)


def _check(options: argparse.Namespace) -> None:
    """Refuse arguments that contradict each other, or can never work."""
    error = partial(_refuse, options)
    if "" in (*options.inputs, options.output):  # an unset variable of a shell, not this folder
        error("a name is empty")
    if not -1.5 <= options.strength <= 1.5:
        error(f"--strength must lie in -1.5 to 1.5, received {options.strength}")
    if options.bit_depth == 16 and options.format in ("jpeg", "webp"):
        error(f"--bit-depth 16: {options.format} holds 8 bits")
    if options.in_place and (options.output or options.format):
        error("--in-place keeps the place and the format: not with --output or --format")
    if _STREAM not in (*options.inputs, options.output):
        return
    if len(options.inputs) > 1:
        error("a pipe takes and gives one photo: not with more inputs")
    to_stdout = options.output in (None, _STREAM)
    if to_stdout and sys.stdout.isatty():
        error("the result would go to the terminal: redirect it, or name a file with -o")
    if to_stdout and options.json:
        error("--json and the photo cannot both go to stdout: name a file with -o")
    if options.in_place or options.skip_existing or options.dry_run:
        error("--in-place, --skip-existing and --dry-run do not go with a pipe")


def _refuse(options: argparse.Namespace, reason: str) -> NoReturn:
    """Leave with the usage and the reason, exit code 2."""
    parser: argparse.ArgumentParser = options.parser
    parser.error(one_line(reason))


def _make_plan(options: argparse.Namespace) -> Plan:
    from fivefold.photo.files import KNOWN_SUFFIXES, READABLE, WRITABLE
    from fivefold.runtime.plan import make_plan

    try:
        return make_plan(
            options.inputs,
            options.output,
            readable=READABLE,
            writable={
                suffix: name for suffix, name in KNOWN_SUFFIXES.items() if suffix in WRITABLE
            },
            file_format=options.format and options.format.upper(),
            in_place=options.in_place,
        )
    except ValueError as error:
        _refuse(options, str(error))


def _tell_plan(plan: Plan, settings: Settings, *, as_json: bool) -> int:
    for task in plan.tasks:
        skipped = settings.skip_existing and task.has_result
        if as_json:
            print_json(source=str(task.source), target=str(task.target), skipped=skipped)
        else:
            note = " (exists: skipped)" if skipped else ""
            print(one_line(f"{task.source} -> {task.target}{note}"))
    return _tell_unreadable(plan)


def _tell_unreadable(plan: Plan) -> int:
    for error in plan.unreadable:
        say(f"{error.filename}: {error.strerror}")
    return 1 if plan.unreadable else 0


def _run_batch(options: argparse.Namespace, settings: Settings, plan: Plan, start_s: float) -> int:
    from concurrent.futures import ThreadPoolExecutor

    from fivefold.photo.threads import available_threads
    from fivefold.runtime.batch import enhance_files

    cores = available_threads()
    jobs = max(1, min(options.jobs or cores, len(plan.tasks)))
    threads = max(1, cores // jobs)
    settings = replace(settings, threads=threads)
    summary = Summary(failed=len(plan.unreadable))
    _tell_unreadable(plan)
    with (
        ThreadPoolExecutor(1) as loader,
        Progress(len(plan.tasks), "photos") as progress,
    ):
        enhancer = loader.submit(_load, options.bundle, threads=threads)
        for outcome in enhance_files(plan.tasks, enhancer.result, settings, jobs=jobs):
            summary.count(outcome)
            tell(outcome, progress, as_json=options.json)
            progress.advance()
        enhancer.result()  # a bundle that cannot be used is told even if no photo needed it
    summary.seconds = time.perf_counter() - start_s
    if options.json:
        print_json(summary=summary.as_dict())
    else:
        say(summary.as_line())
    return 1 if summary.failed else 0


def _load(bundle: str | None, threads: int | None = None) -> Enhancer:
    from fivefold.runtime.enhancer import Enhancer

    return Enhancer.load(bundle, threads=threads)


def _run_stream(options: argparse.Namespace, settings: Settings) -> int:
    """One photo from stdin or to stdout."""
    from fivefold.photo.files import encode_photo, read_photo, write_photo
    from fivefold.runtime.batch import enhance_photo

    source, output = options.inputs[0], options.output or _STREAM
    photo = (
        read_photo(sys.stdin.buffer, name="standard input")
        if source == _STREAM
        else read_photo(source)
    )
    photo = enhance_photo(photo, _load(options.bundle), settings)
    coding = {
        "format": options.format,
        "quality": settings.quality,
        "bit_depth": settings.bit_depth,
    }
    for note in photo.notes:
        say(f"note: {note}")
    try:
        if output == _STREAM:
            sys.stdout.buffer.write(encode_photo(photo, **coding))
            sys.stdout.buffer.flush()
        else:
            write_photo(photo, Path(output), **coding)
    except ValueError as error:  # a bit depth that the photo's own format cannot hold
        _refuse(options, str(error))
    return 0


def _integer(low: int, high: int) -> Callable[[str], int]:
    """What argparse turns a word into a whole number with."""

    def parse(word: str) -> int:
        try:
            value = int(word)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {low} to {high}, received {word!r}"
            )
        return value

    return parse
