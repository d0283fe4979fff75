"""The priority of this process's threads, which no encoder is to raise.

Where it may (as root, so in most containers), SVT-AV1 makes its threads real-time ones, and with
them the thread that opens it. Everything else on the machine would wait for them, and programs that
this process starts later would be real-time ones as well.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_TASKS = Path("/proc/self/task")  # one folder a thread; Linux alone has it


@contextlib.contextmanager
def kept_priority() -> Iterator[None]:
    """Give ordinary priority back to threads that became real-time ones in this context."""
    before = real_time_threads()
    try:
        yield
    finally:
        for thread in real_time_threads() - before:
            with contextlib.suppress(OSError):  # it has ended
                os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))


def real_time_threads() -> set[int]:
    """The threads of this process that go before all ordinary ones, by number."""
    found = set()
    if _TASKS.is_dir():
        for task in _TASKS.iterdir():
            with contextlib.suppress(OSError):  # it has ended
                if os.sched_getscheduler(int(task.name)) in (os.SCHED_FIFO, os.SCHED_RR):
                    found.add(int(task.name))
    return found
