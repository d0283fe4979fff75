"""Photos that lie anywhere, enhanced by the threads of this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from queue import SimpleQueue

from fivefold.cluster.outcome import RemoteOutcome
from fivefold.cluster.plan import RemoteTask
from fivefold.cluster.work import work_through
from fivefold.photo.threads import available_threads
from fivefold.runtime.batch import Settings
from fivefold.runtime.enhancer import Enhancer


def enhance_here(
    tasks: Sequence[RemoteTask],
    enhancer: Callable[[], Enhancer],
    settings: Settings,
    *,
    jobs: int | None = None,
) -> Generator[RemoteOutcome, None, None]:
    """Enhance photos, several at a time; each thread fetches one ahead and stores one behind.

    When the iterator is closed, the photos under way are finished and no others begun.

    Args:
        tasks: What to read and where to write.
        enhancer: Gives the enhancer; asked after a photo was decoded.
        settings: How to enhance and write.
        jobs: How many photos to work on at a time; by default as many as the process may run
            threads.

    Yields:
        An outcome for each task, in the order in which they end.

    Raises:
        BundleError: If the bundle cannot be used: no photo could be enhanced.
    """
    jobs = max(1, min(jobs or available_threads(), len(tasks)))
    settings = replace(settings, threads=max(1, available_threads() // jobs))
    shared = _Shared(tasks)
    told: SimpleQueue[RemoteOutcome | BaseException | None] = SimpleQueue()

    def work() -> None:
        try:
            for outcome in work_through(shared, enhancer, settings):
                told.put(outcome)
        except BaseException as error:  # handed to whoever waits, who raises it
            told.put(error)
        finally:
            told.put(None)

    threads = [threading.Thread(target=work, name=f"fivefold_{n}") for n in range(jobs)]
    for thread in threads:
        thread.start()
    try:
        running = jobs
        while running:
            outcome = told.get()
            if outcome is None:
                running -= 1
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                yield outcome
    finally:
        shared.close()
        for thread in threads:
            thread.join()


class _Shared:
    """An iterator that several threads take from, until it is closed."""

    def __init__(self, tasks: Iterable[RemoteTask]) -> None:
        self._tasks = iter(tasks)
        self._lock = threading.Lock()
        self._closed = False

    def __iter__(self) -> Iterator[RemoteTask]:
        return self

    def __next__(self) -> RemoteTask:
        with self._lock:
            if self._closed:
                raise StopIteration
            return next(self._tasks)

    def close(self) -> None:
        with self._lock:
            self._closed = True
