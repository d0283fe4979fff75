"""Memory that one picture leaves behind for the next.

The system clears fresh memory before it hands it out, which takes a tenth of the time that a JPEG's
decoding takes.
"""

from __future__ import annotations

import threading
from math import prod

import numpy as np
from numpy.typing import NDArray

MOST_IDLE_BYTES = 256 << 20
"""How much memory is kept while no picture is in it."""

_LEAST_BYTES = 1 << 20  # below this the C library keeps memory of its own

Bytes = NDArray[np.uint8]


class ReusedMemory:
    """Arrays whose memory comes back once the last array that shares it is gone.

    Any number of threads may use it.

    Attributes:
        idle_bytes: How much is kept at the moment.
    """

    def __init__(self, most_idle_bytes: int = MOST_IDLE_BYTES) -> None:
        """Keep no more than ``most_idle_bytes`` while nobody uses it."""
        self._most_idle_bytes = most_idle_bytes
        self._idle: list[Bytes] = []
        # A block may come back, by the collection of garbage, in the midst of anything.
        self._lock = threading.RLock()

    @property
    def idle_bytes(self) -> int:  # noqa: D102, told with the class
        with self._lock:
            return sum(map(len, self._idle))

    def empty(self, shape: tuple[int, ...]) -> Bytes:
        """An array of ``uint8`` that nobody else uses, with whatever is in it.

        Args:
            shape: Of the array.
        """
        needed = prod(shape)
        if needed < _LEAST_BYTES:
            return np.empty(shape, np.uint8)
        block = self._take(needed)
        if block is None:
            block = np.empty(needed, np.uint8)
        leased: Bytes = np.asarray(_Lease(self, block))
        return leased[:needed].reshape(shape)

    def _take(self, needed: int) -> Bytes | None:
        with self._lock:
            for place, block in enumerate(self._idle):
                if needed <= len(block) <= 2 * needed:  # a small picture holds no large block
                    return self._idle.pop(place)
            del self._idle[:1]  # so that sizes that no longer come do not stay
        return None

    def take_back(self, block: Bytes) -> None:
        """Keep a block for the next picture, if there is room."""
        with self._lock:
            if self.idle_bytes + len(block) <= self._most_idle_bytes:
                self._idle.append(block)


class _Lease:
    """Owner of an array's memory as NumPy sees it: every view of the array keeps it alive."""

    def __init__(self, memory: ReusedMemory, block: Bytes) -> None:
        self._memory = memory
        self._block = block
        self.__array_interface__ = block.__array_interface__

    def __del__(self) -> None:
        self._memory.take_back(self._block)


pictures = ReusedMemory()
"""What the decoders share."""
