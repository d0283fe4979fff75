"""Work that several threads ask for one by one, and that is faster done together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Together(Generic[Item, Result]):
    """Takes one item from each thread, and works on all that have gathered.

    Nobody waits for others to come: a thread that finds the work idle begins at once with what is
    there, and what arrives meanwhile is the next batch.

    Args:
        work: From items to as many results; called by one thread at a time.
        most: Items at a time.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result]], most: int) -> None:
        self._work = work
        self._most = most
        self._gathered: list[tuple[Item, Future[Result]]] = []
        self._gathering = threading.Lock()
        self._working = threading.Lock()

    def __call__(self, item: Item) -> Result:
        """The result for one item; errors of the work reach everybody in the batch."""
        future: Future[Result] = Future()
        with self._gathering:
            self._gathered.append((item, future))
        while not future.done():
            with self._working:
                if not future.done():
                    self._work_on_some()
        return future.result()

    def _work_on_some(self) -> None:
        with self._gathering:
            batch, self._gathered = self._gathered[: self._most], self._gathered[self._most :]
        try:
            results = self._work([item for item, _ in batch])
        except BaseException as error:
            for _, future in batch:
                future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            future.set_result(result)
