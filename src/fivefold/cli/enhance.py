"""``fivefold enhance``: photos in, enhanced photos out."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.cli import enhance_remote
from fivefold.cli.console import Progress, one_line, print_json, say
from fivefold.cli.device_option import add_device_option, chosen_device
from fivefold.cli.model_option import load_enhancer
from fivefold.cli.result_options import (
    add_result_options,
    check_result_options,
    journal_of,
    placement_of,
    refuse,
    settings_of,
)
from fivefold.cli.summary import Summary, passed_over, tell
from fivefold.photo.formats import load_codec

if TYPE_CHECKING:
    from fivefold.runtime.batch import Settings
    from fivefold.runtime.device import Device
    from fivefold.runtime.enhancer import Enhancer
    from fivefold.runtime.journal import Journal
    from fivefold.runtime.plan import Plan, Task

_STREAM = "-"
_LARGE_FILE_BYTES = 8 << 20
_EXAMPLES = """\
examples:
  fivefold enhance photo.jpg                     writes photo_enhanced.jpg
  fivefold enhance photo.jpg -o better.png       in another place and format
  fivefold enhance holiday -o enhanced           a folder, with all folders in it
  fivefold enhance 'holiday/**/*.tif' -o out     a pattern
  fivefold enhance photo.jpg --strength 0.5      half as much
  fivefold enhance photo.jpg --expert a=0.5,d=0.5   between two retouchers' styles
  fivefold enhance holiday -o enhanced --skip-existing   go on where it was interrupted
  fivefold enhance holiday -o enhanced --device auto   on a GPU if there is one
  fivefold enhance s3://bucket/in -o s3://bucket/out --cluster HOST:6379   on many machines
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
    add_result_options(parser)
    add_device_option(parser)
    enhance_remote.add_options(parser)
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument(
        "--skip-existing", action="store_true", help="leave alone what has a result"
    )
    existing.add_argument(
        "--update",
        action="store_true",
        help="the same, but make anew what is out of date or was made with other options",
    )
    existing.add_argument("--in-place", action="store_true", help="overwrite the photos themselves")
    add("--dry-run", action="store_true", help="only say what would be written where")
    return parser


def run(options: argparse.Namespace) -> int:
    """Enhance what was asked for.

    Returns:
        0 if every photo was enhanced or skipped, 1 otherwise.
    """
    start_s = time.perf_counter()
    _check(options)
    # Modules load one after the other, whichever thread asks for them: those that decode first, and
    # the enhancer with its own meanwhile.
    load_codec(Path(options.inputs[0]))
    settings = replace(
        settings_of(options), skip_existing=options.skip_existing, update=options.update
    )
    if enhance_remote.is_remote(options):
        try:
            return enhance_remote.run_remote(options, settings)
        except ValueError as error:
            refuse(options, str(error))
    if _STREAM in (*options.inputs, options.output):
        return _run_stream(options, settings)
    find_journal = cache(partial(journal_of, options))
    plan = _make_plan(options, find_journal)
    is_kept = options.journal is not None or plan.folder is not None  # else the output is a file
    journal = find_journal() if is_kept else None
    if options.dry_run:
        return _tell_plan(options, settings, plan, journal)
    if journal is None:
        return _run_batch(options, settings, plan, None, start_s)
    with journal:
        if options.journal is not None or journal.path.exists():
            journal.open()  # or tell why not before any work
        elif len(plan.tasks) == 1:
            return _run_batch(options, settings, plan, None, start_s)
        code = _run_batch(options, settings, plan, journal, start_s)
    if journal.failure is not None:
        say(f"{journal.path}: {journal.failure.strerror}; the journal is not complete")
        return 1
    return code


def _check(options: argparse.Namespace) -> None:
    """Refuse arguments that contradict each other, or can never work."""
    error = partial(refuse, options)
    if "" in options.inputs:  # an unset variable of a shell, not this folder
        error("a name is empty")
    check_result_options(options)
    if enhance_remote.is_remote(options) and options.device != "cpu":
        error("--device does not go with --cluster, nor with addresses")
    if enhance_remote.is_remote(options) and options.keep_times:
        error("--keep-times does not go with --cluster, nor with addresses")
    if options.in_place and (options.output or options.format):
        error("--in-place keeps the place and the format: not with --output or --format")
    if enhance_remote.is_remote(options) and (reason := enhance_remote.why_not(options)):
        error(reason)
    if _STREAM not in (*options.inputs, options.output):
        return
    if len(options.inputs) > 1:
        error("a pipe takes and gives one photo: not with more inputs")
    to_stdout = options.output in (None, _STREAM)
    if to_stdout and sys.stdout.isatty():
        error("the result would go to the terminal: redirect it, or name a file with -o")
    if to_stdout and options.json:
        error("--json and the photo cannot both go to stdout: name a file with -o")
    if options.in_place or options.skip_existing or options.update or options.dry_run:
        error("--in-place, --skip-existing, --update and --dry-run do not go with a pipe")
    if options.journal is not None or options.keep_times:
        error("--journal and --keep-times do not go with a pipe")


def _make_plan(options: argparse.Namespace, find_journal: Callable[[], Journal | None]) -> Plan:
    from fivefold.runtime.plan import make_plan

    def is_result(photo: Path) -> bool:
        journal = find_journal()
        return journal is not None and journal.knows(photo)

    placement = placement_of(options, None)
    try:
        plan = make_plan(
            options.inputs,
            options.output,
            readable=placement.readable,
            writable=placement.writable,
            file_format=placement.file_format,
            in_place=options.in_place,
            is_result=is_result,
            overwriting=not options.skip_existing,
        )
    except ValueError as error:
        refuse(options, str(error))
    if plan.left_out:
        count = len(plan.left_out)
        photos = "a photo that is" if count == 1 else f"{count} photos that are"
        say(f"{plan.folder}: {photos} there already left out, since results go there")
    return plan


def _tell_plan(
    options: argparse.Namespace, settings: Settings, plan: Plan, journal: Journal | None
) -> int:
    from fivefold.runtime.batch import Batch

    batch = Batch(cache(partial(_load, options)), settings, journal)
    for task in plan.tasks:
        skipped = batch.kept(task) is not None
        if options.json:
            print_json(source=str(task.source), target=str(task.target), skipped=skipped)
        else:
            note = " (exists: skipped)" if skipped else ""
            print(one_line(f"{task.source} -> {task.target}{note}"))
    if plan.results:
        say(passed_over(len(plan.results)))
    return _tell_unreadable(plan)


def _tell_unreadable(plan: Plan) -> int:
    for error in plan.unreadable:
        say(f"{error.filename}: {error.strerror}")
    return 1 if plan.unreadable else 0


def _run_batch(
    options: argparse.Namespace,
    settings: Settings,
    plan: Plan,
    journal: Journal | None,
    start_s: float,
) -> int:
    from fivefold.photo.threads import Later, available_threads
    from fivefold.runtime.batch import enhance_files

    cores = available_threads()
    jobs = max(1, min(options.jobs or cores, len(plan.tasks)))
    threads = max(1, cores // jobs)
    settings = replace(
        settings, threads=threads, reading_threads=_reading_threads(plan.tasks, threads)
    )
    device = chosen_device(options)
    summary = Summary(
        failed=len(plan.unreadable), results_passed_over=len(plan.results), device=device
    )
    _tell_unreadable(plan)
    with Progress(len(plan.tasks), "photos") as progress:
        # Loaded while the first photos are decoded.
        enhancer = Later(partial(_load, options, device, threads=threads))
        if device is not None:
            enhancer.result()  # a GPU that does not do is told once, not for each photo
        for outcome in enhance_files(
            plan.tasks, enhancer.result, settings, jobs=jobs, journal=journal
        ):
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


def _load(
    options: argparse.Namespace, device: Device | None = None, threads: int | None = None
) -> Enhancer:
    kind = "cpu" if device is None else device.kind
    return load_enhancer(options.bundle, options.expert, threads=threads, device=kind)


def _reading_threads(tasks: Sequence[Task], threads: int) -> int:
    """As many as ``threads``, but one for a single photo unless it is large.

    While that is decoded, the rest of the program is loaded, which keeps another core busy as long.
    """
    if len(tasks) != 1:
        return threads
    try:
        is_large = tasks[0].source.stat().st_size >= _LARGE_FILE_BYTES
    except OSError:  # told when the file is read
        return 1
    return threads if is_large else 1


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
    photo = enhance_photo(photo, _load(options, chosen_device(options)), settings)
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
        refuse(options, str(error))
    return 0
