"""How far a download is, and how long the rest will take."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

RATE_WINDOW_S = 60.0


@dataclass(frozen=True)
class Progress:
    """How far a download is.

    Attributes:
        files_done: Files settled, one way or another.
        files: Files in all.
        bytes_done: Bytes at hand, parts included.
        bytes_expected: Bytes in all; files not begun count as the mean of those begun.
        bytes_per_s: Arriving now, over the last minute.
        remaining_s: At that pace; ``None`` while it is not known.
    """

    files_done: int
    files: int
    bytes_done: int
    bytes_expected: int
    bytes_per_s: float
    remaining_s: float | None


class Meter:
    """Counts the bytes of all workers and foretells the rest.

    Args:
        files: How many there will be.
        clock: Seconds that never run backwards.
    """

    def __init__(self, files: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._files = files
        self._clock = clock
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}
        self._at_hand: dict[str, int] = {}
        self._settled: set[str] = set()
        self._arrived = 0
        self._history = deque([(clock(), 0)])

    def size(self, path: str, size_bytes: int) -> None:
        """A file's whole size is known."""
        with self._lock:
            self._sizes[path] = size_bytes

    def at_hand(self, path: str, count: int) -> None:
        """So many bytes of a file are here; the first call tells what an earlier run left."""
        with self._lock:
            self._arrived += max(count - self._at_hand.get(path, count), 0)
            self._at_hand[path] = count

    def settle(self, path: str) -> None:
        """Nothing more will come of this file: what is at hand is all there will be."""
        with self._lock:
            self._settled.add(path)
            self._sizes[path] = self._at_hand.get(path, 0)

    def progress(self) -> Progress:
        """Where things stand."""
        now_s = self._clock()
        with self._lock:
            self._history.append((now_s, self._arrived))
            while len(self._history) > 2 and now_s - self._history[1][0] > RATE_WINDOW_S:
                self._history.popleft()
            then_s, arrived_then = self._history[0]
            bytes_per_s = (self._arrived - arrived_then) / max(now_s - then_s, 1e-9)
            begun = [size for size in self._sizes.values() if size]
            mean = sum(begun) / len(begun) if begun else 0.0
            expected = round(sum(begun) + mean * (self._files - len(self._sizes)))
            at_hand = sum(self._at_hand.values())
            remaining_s = None
            if len(self._settled) == self._files:
                remaining_s = 0.0
            elif begun and bytes_per_s > 0:
                remaining_s = max(expected - at_hand, 0) / bytes_per_s
            return Progress(
                files_done=len(self._settled),
                files=self._files,
                bytes_done=at_hand,
                bytes_expected=expected,
                bytes_per_s=bytes_per_s,
                remaining_s=remaining_s,
            )
