"""``fivefold watch``: photos are enhanced as they arrive in a folder."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import stat
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

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
from fivefold.cli.summary import Summary, tell
from fivefold.cli.values import positive
from fivefold.errors import PhotoReadError

if TYPE_CHECKING:
    from fivefold.runtime.batch import Outcome
    from fivefold.runtime.journal import Journal
    from fivefold.runtime.plan import Placement, Task
    from fivefold.runtime.search import Found

_PATIENCE = 10  # times --settle, before a new photo that cannot be read is told
_EXAMPLES = """\
examples:
  fivefold watch incoming -o enhanced              what arrives, with all folders in it
  fivefold watch incoming                          beside each photo, as NAME_enhanced
  fivefold watch incoming -o enhanced --existing   also what is there and has no result
  fivefold watch /mnt/share -o out --poll          a network folder: look every 2 s

Ctrl-C finishes the photo in hand, and stops.
"""


def add_parser(verbs: Any) -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "watch",
        help="enhance what arrives in a folder",
        description="Enhance photos as they arrive in a folder, each once it is complete.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="with all folders in it, also later ones")
    add("-o", "--output", metavar="OUT", help="folder of the results (default: beside the photos)")
    add("--existing", action="store_true", help="also what is there, if no result is up to date")
    add("--skip-existing", action="store_true", help="never replace a result")
    add(
        "--poll",
        type=positive,
        nargs="?",
        const=2.0,
        metavar="SECONDS",
        help="look so often (default 2) instead of being told of changes: for network folders",
    )
    add(
        "--settle",
        type=positive,
        default=1.0,
        metavar="SECONDS",
        help="a photo is complete when it has not changed for so long (default 1)",
    )
    add_result_options(parser)
    add_device_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Watch until Ctrl-C or SIGTERM.

    Returns:
        0; what could not be enhanced was told meanwhile.
    """
    check_result_options(options)
    output = _output_of(options)
    from fivefold.runtime.watch import Arrivals, watch

    start_s = time.perf_counter()
    placement = placement_of(options, output)
    arrivals = Arrivals(
        options.folder,
        placement.readable,
        output=output,
        settle_s=options.settle,
        trusts_times=options.poll is None,
        tell=say,
    )
    journal = journal_of(options)
    device = chosen_device(options)
    summary = Summary(device=device)
    with _told_to_stop() as stop, journal or nullcontext():
        if journal is not None and (options.journal is not None or journal.path.exists()):
            journal.open()  # or tell why not before any work
        bench = _Bench(options, placement, journal, "cpu" if device is None else device.kind)
        present = arrivals.take_stock(time.monotonic(), as_seen=not options.existing)
        if options.existing:
            bench.present = present
        _tell_start(options, len(present), summary.where())
        held = _HeldBack(_PATIENCE * options.settle)

        def told(outcomes: Iterable[Outcome]) -> None:
            for outcome in outcomes:
                # One that has changed or gone meanwhile comes again, or has no more to be told.
                if outcome.ok or arrivals.is_as_seen(outcome.source):
                    summary.count(outcome)
                    _tell(outcome, as_json=options.json)

        for photos in watch(arrivals, stop, poll_s=options.poll, tell=say):
            told(o for o in bench.enhance(photos, stop) if not held.holds(o))
            told(held.due())
        told(held.due(all_of_them=True))
    summary.seconds = time.perf_counter() - start_s
    if journal is not None and journal.failure is not None:
        say(f"{journal.path}: {journal.failure.strerror}; the journal is not complete")
    if options.json:
        print_json(summary=summary.as_dict())
    else:
        say(f"stopped; {summary.counts()}")
    return 0


def _output_of(options: argparse.Namespace) -> Path | None:
    """The folder of the results, once it is sure that no result can be taken for an arrival."""
    folder: Path = options.folder
    if not stat.S_ISDIR(folder.stat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    if options.output is None:
        return None
    output = Path(options.output)
    if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(output)):
        refuse(options, f"results in {output} would lie among the photos of {folder}")
    return output


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; a second one acts as anywhere else."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def put_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def heed(_: int, __: FrameType | None) -> None:
        stop.set()
        put_back()

    for number in before:
        signal.signal(number, heed)
    try:
        yield stop
    finally:
        put_back()


def _tell_start(options: argparse.Namespace, present: int, where: str) -> None:
    if options.json:
        print_json(watching=str(options.folder), present=present)
        return
    there = f"; {present} there already" if present else ""
    if present and not options.existing:
        there += " (left alone: --existing takes them)"
    say(f"watching {options.folder}, {where}{there}; Ctrl-C stops")


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    if outcome.ok and not outcome.skipped and not as_json:
        print(one_line(f"{outcome.source} -> {outcome.target}"), flush=True)
    with Progress(0, "photos") as progress:
        tell(outcome, progress, as_json=as_json)


class _HeldBack:
    """Photos that cannot be read and are so new that the rest of them may still come.

    They are told when they stay as they are.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._held: list[tuple[float, Outcome]] = []

    def holds(self, outcome: Outcome) -> bool:
        """Whether this one is held back; earlier ones of the same photo are forgotten."""
        self._held = [(due_s, held) for due_s, held in self._held if held.source != outcome.source]
        if not isinstance(outcome.error, PhotoReadError):
            return False
        try:
            age_s = time.time() - outcome.source.stat().st_mtime
        except OSError:
            return False
        if age_s >= self._patience_s:
            return False
        self._held.append((time.monotonic() + self._patience_s, outcome))
        return True

    def due(self, *, all_of_them: bool = False) -> Iterator[Outcome]:
        """Those that have been held for long enough, which are no longer held."""
        while self._held and (all_of_them or self._held[0][0] <= time.monotonic()):
            yield self._held.pop(0)[1]


class _Bench:
    """Where photos are enhanced, however many come at a time.

    Attributes:
        present: Photos from before the beginning, which are made only if no result is up to date.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        placement: Placement,
        journal: Journal | None,
        device: str,
    ) -> None:
        from fivefold.photo.threads import available_threads
        from fivefold.runtime.batch import Batch

        cores = available_threads()
        self._jobs = options.jobs or cores
        threads = max(1, cores // self._jobs)
        enhancer = load_enhancer(options.bundle, options.expert, threads=threads, device=device)
        settings = replace(
            settings_of(options), skip_existing=options.skip_existing, threads=threads
        )
        self.present: set[Path] = set()
        self._placement = placement
        self._journal = journal
        self._sources: dict[Path, Path] = {}  # of the results made so far
        self._for_arrivals = Batch(lambda: enhancer, settings, journal)
        for_present = replace(settings, update=not settings.skip_existing)
        self._for_present = Batch(lambda: enhancer, for_present, journal)

    def enhance(self, photos: list[Found], stop: threading.Event) -> Iterator[Outcome]:
        """Enhance photos; told to stop, finish those in hand."""
        from fivefold.runtime.batch import Outcome
        from fivefold.runtime.plan import Task

        tasks = []
        for photo in photos:
            task = Task(photo.source, self._placement.target(photo))
            if (other := self._other_source(task)) is None:
                self._sources[task.target] = task.source
                tasks.append(task)
            else:
                error = ValueError(f"its result would replace that of {other}, {task.target}")
                yield Outcome(task.source, task.target, 0.0, error)
        present = [task for task in tasks if task.source in self.present]
        arrived = [task for task in tasks if task.source not in self.present]
        for batch, chosen in ((self._for_present, present), (self._for_arrivals, arrived)):
            yield from batch.run(takewhile(lambda _: not stop.is_set(), chosen), self._jobs)
        self.present.difference_update(task.source for task in tasks)

    def _other_source(self, task: Task) -> Path | None:
        """Another photo, still there, whose result is in this one's place."""
        source = self._sources.get(task.target)
        if source is None and self._journal is not None:
            source = self._journal.source_of(task.target)
        if source is None or not task.has_result:
            return None
        try:
            return None if source.samefile(task.source) else source
        except OSError:  # one of them has gone
            return None
