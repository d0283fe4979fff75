"""A share of the photos, one after the other; the next is fetched and the last stored meanwhile."""

from __future__ import annotations

import faulthandler
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import PurePosixPath
from typing import Protocol

from fivefold.cluster.attempts import MAX_ATTEMPTS
from fivefold.cluster.outcome import RemoteOutcome, failure, poisoned
from fivefold.cluster.places import read_file, write_file
from fivefold.cluster.plan import RemoteTask
from fivefold.errors import BundleError, PhotoWriteError
from fivefold.photo.files import encode_photo, read_photo
from fivefold.photo.formats import KNOWN_SUFFIXES
from fivefold.runtime.batch import Settings, enhance_photo
from fivefold.runtime.enhancer import Enhancer

MAX_PHOTO_S = 900.0


class Ledger(Protocol):
    """What :class:`fivefold.cluster.attempts.Attempts` is, wherever it lies."""

    def begin(self, source: str) -> tuple[int, str | None]:
        """A worker is about to open a photo."""
        ...

    def passed(self, source: str) -> None:
        """The worker has survived it."""
        ...

    def end(self, source: str, outcome: str) -> None:
        """It is done."""
        ...


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A photo under way: when it was begun, and its bytes or why there are none."""

    task: RemoteTask
    start_s: float
    content: Future[bytes]


def work_through(
    tasks: Iterable[RemoteTask],
    enhancer: Callable[[], Enhancer],
    settings: Settings,
    *,
    ledger: Ledger | None = None,
    max_attempts: int = MAX_ATTEMPTS,
    max_photo_s: float = MAX_PHOTO_S,
) -> Iterator[RemoteOutcome]:
    """Enhance photos, and tell what became of each.

    A photo that cannot be read or written is told and never stops the others. One photo at a time
    is decoded; the bytes of the one before and the one after are in memory besides.

    Args:
        tasks: What to read and where to write.
        enhancer: Gives the enhancer.
        settings: How to enhance and write.
        ledger: Where attempts are told, if this process may die of a photo and others go on.
        max_attempts: A photo that so many workers died of is not tried again.
        max_photo_s: With a ledger, a photo that takes longer to enhance ends this process, since
            nothing else can be done about a decoder that hangs.

    Raises:
        BundleError: If the bundle cannot be used: no photo could be enhanced.
    """
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        storing: Future[RemoteOutcome] | None = None
        for fetched in _fetched_ahead(tasks, reader):
            task = fetched.task
            before, outcome_json = ledger.begin(task.source) if ledger else (0, None)
            if outcome_json is not None:
                yield RemoteOutcome.of_json(outcome_json)
                continue
            if before >= max_attempts:
                outcome = poisoned(task, before)
                if ledger:
                    ledger.end(task.source, outcome.to_json())
                yield outcome
                continue
            if before and storing is not None:
                # It has killed a worker: the result before it is brought to safety first.
                yield storing.result()
                storing = None
            with _time_limit(max_photo_s if ledger else None):
                outcome, content = _enhanced(fetched, enhancer, settings)
            if ledger:
                ledger.passed(task.source)
            if storing is not None:
                yield storing.result()
            storing = writer.submit(_store, fetched, outcome, content, ledger)
        if storing is not None:
            yield storing.result()


def _fetched_ahead(tasks: Iterable[RemoteTask], reader: ThreadPoolExecutor) -> Iterator[_Fetched]:
    """Each photo, while the next one's bytes are on their way."""
    ahead: _Fetched | None = None
    for task in chain(tasks, [None]):
        coming = None
        if task is not None:
            coming = _Fetched(task, time.perf_counter(), reader.submit(read_file, task.source))
        if ahead is not None:
            yield ahead
        ahead = coming


def _enhanced(
    fetched: _Fetched, enhancer: Callable[[], Enhancer], settings: Settings
) -> tuple[RemoteOutcome, bytes]:
    task = fetched.task
    try:
        photo = read_photo(fetched.content.result(), name=task.source, threads=settings.threads)
        photo = enhance_photo(photo, enhancer(), settings)
        content = encode_photo(
            photo,
            format=KNOWN_SUFFIXES.get(PurePosixPath(task.target).suffix.lower()),
            quality=settings.quality,
            bit_depth=settings.bit_depth,
            threads=settings.threads,
        )
    except BundleError:
        raise
    except Exception as error:  # whatever a broken file makes a decoder raise: it is told
        return failure(task, error, time.perf_counter() - fetched.start_s), b""
    outcome = RemoteOutcome(
        task.source, task.target, task.version, notes=photo.notes, size_bytes=len(content)
    )
    return outcome, content


def _store(
    fetched: _Fetched, outcome: RemoteOutcome, content: bytes, ledger: Ledger | None
) -> RemoteOutcome:
    if outcome.ok:
        try:
            write_file(outcome.target, content, is_new=not fetched.task.has_result)
        except PhotoWriteError as error:
            outcome = failure(fetched.task, error, 0.0)
    outcome = replace(outcome, seconds=time.perf_counter() - fetched.start_s)
    if ledger:
        ledger.end(outcome.source, outcome.to_json())
    return outcome


@contextmanager
def _time_limit(limit_s: float | None) -> Iterator[None]:
    """End this process, from outside of Python, where its work takes too long."""
    if limit_s is None:
        yield
        return
    faulthandler.dump_traceback_later(limit_s, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
