"""Photos in hand: no more at a time than there are workers, a queue, and room in memory for."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, TypeVar

from fivefold.web.problems import ProblemError, busy
from fivefold.web.settings import Settings

Result = TypeVar("Result")

_FIRST_GUESS_S = 0.5
_GUESS_WEIGHT = 0.1


class AbandonedError(Exception):
    """Raised inside a job whose result nobody waits for any more."""


class Job:
    """What a job looks at between its steps."""

    def __init__(self) -> None:
        self._abandoned = threading.Event()

    def abandon(self) -> None:
        """Nobody waits for the result any more."""
        self._abandoned.set()

    def go_on(self) -> None:
        """Return if the result is still wanted.

        Raises:
            AbandonedError: If it is not.
        """
        if self._abandoned.is_set():
            raise AbandonedError


class Ticket:
    """A request that has been let in, with its share of the memory."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self.held_bytes = 0
        self.future: asyncio.Future[Any] | None = None

    def reserve(self, size_bytes: int) -> None:
        """Count bytes that are about to be kept.

        Raises:
            ProblemError: 503, if the service holds too much already.
        """
        self._workshop.reserve(size_bytes)
        self.held_bytes += size_bytes

    async def run(self, task: Callable[[Job], Result]) -> Result:
        """Run a task in a worker thread, when there is one.

        Raises:
            ProblemError: 503 if no thread was free in time, 504 if one was and did not finish.
        """
        return await self._workshop.run(self, task)


class Workshop:
    """Worker threads, and the door in front of them.

    Photos are decoded and rendered by native code that lets other threads run, so threads are
    enough. A thread cannot be stopped from outside: a job whose client has left, or whose time is
    up, ends at its next step, and its place is taken until then.

    Attributes:
        admitted: Requests that are inside.
        running: Jobs that a thread is working on.
        held_bytes: Bodies of requests in memory.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(settings.workers, thread_name_prefix="photo")
        self._lock = threading.Lock()
        self._mean_s = _FIRST_GUESS_S
        self.admitted = 0
        self.running = 0
        self.held_bytes = 0

    @property
    def waiting(self) -> int:
        """Requests that are inside and not being worked on."""
        return max(0, self.admitted - self.running)

    @contextlib.asynccontextmanager
    async def admit(self) -> AsyncIterator[Ticket]:
        """Let a request in for as long as it takes to read, enhance and answer.

        Raises:
            ProblemError: 503 with a time to wait, if there is no place.
        """
        if self.admitted >= self._settings.workers + self._settings.queue:
            raise busy(self._wait_s())
        ticket = Ticket(self)
        self.admitted += 1
        try:
            yield ticket
        finally:
            if ticket.future is None or ticket.future.done():
                self._release(ticket)
            else:  # its client has gone, but its thread is still at it
                ticket.future.add_done_callback(lambda _: self._release(ticket))

    def reserve(self, size_bytes: int) -> None:
        """See :meth:`Ticket.reserve`."""
        if self.held_bytes + size_bytes > self._settings.max_memory_bytes:
            raise busy(self._wait_s())
        self.held_bytes += size_bytes

    async def run(self, ticket: Ticket, task: Callable[[Job], Result]) -> Result:
        """See :meth:`Ticket.run`."""
        job = Job()
        start_s = math.inf

        def work() -> Result:
            nonlocal start_s
            job.go_on()
            with self._lock:
                self.running += 1
            start_s = time.monotonic()
            try:
                return task(job)
            finally:
                with self._lock:
                    self.running -= 1

        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        ticket.future = future
        try:
            async with asyncio.timeout(self._settings.work_s):
                result = await asyncio.shield(future)
        except TimeoutError:
            if start_s == math.inf:
                raise busy(self._wait_s()) from None
            raise ProblemError(
                HTTPStatus.GATEWAY_TIMEOUT,
                f"The photo took longer than {self._settings.work_s:g} s.",
            ) from None
        finally:
            if not future.done():
                job.abandon()
                future.add_done_callback(_take_error)
        self._mean_s += _GUESS_WEIGHT * (time.monotonic() - start_s - self._mean_s)
        return result

    def close(self) -> None:
        """Let the threads finish what they are at, and take nothing new."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _release(self, ticket: Ticket) -> None:
        self.admitted -= 1
        self.held_bytes -= ticket.held_bytes

    def _wait_s(self) -> int:
        """When a place is likely to be free."""
        return max(1, math.ceil(self._mean_s * self.admitted / self._settings.workers / 2))


def _take_error(future: asyncio.Future[Any]) -> None:
    """Take the error of an abandoned job, so that the log does not say that nobody did."""
    if not future.cancelled():
        future.exception()
