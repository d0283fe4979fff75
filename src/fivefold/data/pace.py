"""How fast, how often and how long to ask a server."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from fivefold.errors import DataError


class StoppedError(DataError):
    """The transfer was told to stop; what arrived is kept."""


@dataclass(frozen=True)
class Patience:
    """How long and how often to try.

    Attributes:
        attempts: Tries in a row that bring no new byte before a file is given up.
        first_wait_s: Upper bound of the wait after the first failure; it doubles with each.
        longest_wait_s: Upper bound of any wait, and of one that the server asks for.
        timeout_s: Silence of the server that counts as a failure.
    """

    attempts: int = 8
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    timeout_s: float = 30.0

    def wait_s(self, failures: int, draw: float) -> float:
        """The wait after so many failures in a row: a draw (0…1) of the doubled bound.

        Full jitter keeps many clients, or many workers, from coming back at the same moment.
        """
        return draw * min(self.longest_wait_s, self.first_wait_s * 2.0 ** (failures - 1))


class Pace:
    """A limit that all workers share, on requests and on bytes.

    Args:
        requests_per_s: Requests begun in a second, retries included; ``None`` for no limit.
        bytes_per_s: Bytes read in a second; ``None`` for no limit.
        stop: Ends any wait.
    """

    def __init__(
        self,
        requests_per_s: float | None = None,
        bytes_per_s: float | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        for name, value in (("requests_per_s", requests_per_s), ("bytes_per_s", bytes_per_s)):
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be positive, received {value}")
        self.stop = stop or threading.Event()
        self._seconds_per_request = 1 / requests_per_s if requests_per_s else 0.0
        self._seconds_per_byte = 1 / bytes_per_s if bytes_per_s else 0.0
        self._lock = threading.Lock()
        self._next_request_s = self._next_byte_s = time.monotonic()

    def before_request(self) -> None:
        """Wait for this request's turn."""
        with self._lock:
            turn_s = max(self._next_request_s, time.monotonic())
            self._next_request_s = turn_s + self._seconds_per_request
        self.sleep(turn_s - time.monotonic())

    def after_bytes(self, count: int) -> None:
        """Wait for as long as so many bytes are due to take."""
        with self._lock:
            turn_s = max(self._next_byte_s, time.monotonic()) + count * self._seconds_per_byte
            self._next_byte_s = turn_s
        self.sleep(turn_s - time.monotonic())

    def sleep(self, seconds: float) -> None:
        """Wait, or raise :class:`StoppedError` as soon as the transfer is to stop."""
        if self.stop.wait(seconds) if seconds > 0 else self.stop.is_set():
            raise StoppedError("stopped")
