"""Work that goes on in another thread while its results are used."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator
from typing import TypeVar

_READ_AHEAD = 8  # items that wait between the two threads
_POLL_S = 0.1  # how often a thread that waits looks whether it is still wanted

Item = TypeVar("Item")


class _End:
    """Stands behind the last item."""


def in_background(items: Generator[Item]) -> Generator[Item]:
    """The same items, made by another thread a few ahead.

    An error there is raised here, behind the items that came before it. When this generator is
    closed, or what uses it is interrupted, the other thread finishes its item, closes ``items``
    and ends.
    """
    ready: queue.Queue[Item | BaseException | _End] = queue.Queue(_READ_AHEAD)
    is_unwanted = threading.Event()

    def put(item: Item | BaseException | _End) -> None:
        while not is_unwanted.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=_POLL_S)
                return

    def make() -> None:
        try:
            with contextlib.closing(items):
                for item in items:
                    put(item)
                    if is_unwanted.is_set():
                        return
        except BaseException as error:  # told to who uses the items
            put(error)
        else:
            put(_End())

    thread = threading.Thread(target=make, name="fivefold-video", daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, _End):
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        is_unwanted.set()
        thread.join()
