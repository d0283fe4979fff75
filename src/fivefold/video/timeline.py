"""Grids over time: predicted at key frames, smoothed, and interpolated between them.

The network sees one frame and knows nothing of its neighbours, so its grids tremble a little with
noise and whatever moves. Within a shot the key grids are therefore averaged with the weights of a
triangle, w(Δt) = max(0, 1 − |Δt| / h), which looks as far ahead as back and so does not lag behind
a change of light, and a frame gets the linear interpolation of the two averages around it. Slicing
is linear in the coefficients: an average of grids gives the average of their pictures. Nothing is
carried across a cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from fivefold.kernels.grid import BilateralGrid

Frame = TypeVar("Frame")


@dataclass(slots=True)
class _Key:
    """A key frame's grid, and its average with its neighbours once that was needed."""

    time_s: float
    grid: BilateralGrid
    smooth: NDArray[np.float32] | None = None


class GridTimeline(Generic[Frame]):
    """Gives each frame of a video its grid, as soon as enough of the future is known."""

    def __init__(
        self,
        predict: Callable[[Frame], BilateralGrid],
        *,
        every: int,
        smoothing_s: float,
        held_frames: int,
    ) -> None:
        """Set the rhythm.

        Args:
            predict: Gives the grid of one frame.
            every: A key frame is each ``every``-th of a shot.
            smoothing_s: h, how far an average reaches, in seconds; 0 for no averaging.
            held_frames: How many frames may wait for their future; beyond that they do with what
                is known.

        Raises:
            ValueError: For a number out of range.
        """
        if every < 1 or held_frames < 1:
            raise ValueError(
                f"every and held_frames must be at least 1, received {every} and {held_frames}"
            )
        if not 0 <= smoothing_s < float("inf"):
            raise ValueError(f"smoothing_s must be 0 or above, received {smoothing_s}")
        self._predict = predict
        self._every = every
        self._reach_s = smoothing_s
        self._held_frames = held_frames
        self._held: deque[tuple[Frame, float]] = deque()
        self._keys: list[_Key] = []
        self._since_key = 0

    def push(
        self, frame: Frame, time_s: float, *, is_cut: bool = False, is_flash: bool = False
    ) -> Iterator[tuple[Frame, BilateralGrid]]:
        """Take the next frame.

        Args:
            frame: Whatever ``predict`` takes.
            time_s: When it is shown; later than the one before.
            is_cut: A new shot begins with it.
            is_flash: It says nothing about its shot, and is no key frame if that can be helped.

        Yields:
            The frames whose grid is now known, in order.
        """
        if is_cut:
            yield from self.flush()
        if not self._keys or (self._since_key >= self._every and not is_flash):
            self._keys.append(_Key(time_s, self._predict(frame)))
            self._since_key = 0
        self._since_key += 1
        self._held.append((frame, time_s))
        while self._held and self._is_ready(self._held[0][1]):
            yield self._take()

    def flush(self) -> Iterator[tuple[Frame, BilateralGrid]]:
        """The remaining frames of the shot, which ends here."""
        while self._held:
            yield self._take()
        self._keys.clear()

    def _is_ready(self, time_s: float) -> bool:
        if len(self._held) > self._held_frames:
            return True
        following = next((key.time_s for key in self._keys if key.time_s >= time_s), None)
        return following is not None and self._keys[-1].time_s >= following + self._reach_s

    def _take(self) -> tuple[Frame, BilateralGrid]:
        frame, time_s = self._held.popleft()
        before = max(i for i, key in enumerate(self._keys) if i == 0 or key.time_s <= time_s)
        oldest_s = self._keys[before].time_s - self._reach_s
        while before > 0 and self._keys[0].time_s <= oldest_s:
            del self._keys[0]  # too old for any average to come
            before -= 1
        coefficients = self._smooth(before)
        if before + 1 < len(self._keys):
            start_s, end_s = self._keys[before].time_s, self._keys[before + 1].time_s
            fraction = np.float32((time_s - start_s) / (end_s - start_s))
            if fraction > 0:
                coefficients = coefficients + fraction * (self._smooth(before + 1) - coefficients)
        return frame, replace(self._keys[before].grid, coefficients=coefficients)

    def _smooth(self, index: int) -> NDArray[np.float32]:
        """The average around a key, calculated once: it must not change while frames use it."""
        key = self._keys[index]
        if key.smooth is None:
            key.smooth = triangular_average(
                [(other.time_s - key.time_s, other.grid.coefficients) for other in self._keys],
                self._reach_s,
            )
        return key.smooth


def triangular_average(
    neighbours: list[tuple[float, NDArray[np.float32]]], reach_s: float
) -> NDArray[np.float32]:
    """The average with weights max(0, 1 − |Δt| / h), normalised to sum to one.

    Args:
        neighbours: Δt in seconds and values; one has Δt = 0.
        reach_s: h; with 0 the average is the one at Δt = 0.

    Returns:
        Of the shape of the values.
    """
    total = np.float32(0)
    average = np.zeros_like(neighbours[0][1])
    for distance_s, values in neighbours:
        if distance_s == 0:
            weight = np.float32(1)
        elif abs(distance_s) < reach_s:
            weight = np.float32(1 - abs(distance_s) / reach_s)
        else:
            continue
        total += weight
        average += weight * values
    return average / total
