"""How many threads are worth starting, and the simplest way to start one."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_threads() -> int:
    """How many threads this process may run at the same time."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Later(Generic[Result]):
    """What a call gives, worked out by a thread of its own.

    A future of :mod:`concurrent.futures` without a pool: that module takes longer to load than a
    small photo to be decoded.
    """

    def __init__(self, call: Callable[[], Result]) -> None:
        """Start ``call`` in a thread."""
        self._call = call
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="fivefold")
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._call()
        except BaseException as error:  # raised where the result is asked for
            self._error = error

    def wait(self) -> None:
        """Wait for the call to end."""
        self._thread.join()

    def result(self) -> Result:
        """Wait for the call to end, and return what it returned or raise what it raised.

        Any number of threads may ask, any number of times.
        """
        self.wait()
        if self._error is not None:
            raise self._error
        return self._value


def share_out(work: Callable[[Item], Result], items: Sequence[Item], threads: int) -> list[Result]:
    """What ``work`` gives for each item, in their order, by several threads, this one among them.

    Args:
        work: Called once for each item.
        items: What it is called with.
        threads: How many calls may run at the same time.

    Raises:
        BaseException: What a call raised, once no other runs; calls not begun are left out.
    """
    waiting = deque(enumerate(items))
    results: dict[int, Result] = {}

    def run() -> None:
        while True:
            try:
                place, item = waiting.popleft()
            except IndexError:
                return
            try:
                results[place] = work(item)
            except BaseException:
                waiting.clear()
                raise

    others = [Later(run) for _ in range(min(threads, len(items)) - 1)]
    try:
        run()
    finally:
        for other in others:
            other.wait()
    for other in others:
        other.result()
    return [results[place] for place in range(len(items))]
