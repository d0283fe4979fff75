"""Figures about the service, in the text format that Prometheus reads."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from itertools import accumulate

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """Counts since the start; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._buckets: dict[str, list[int]] = {}
        self._seconds: Counter[str] = Counter()
        self._pixels = 0
        self._received_bytes = 0
        self._sent_bytes = 0

    def count(self, path: str, status: int, duration_s: float) -> None:
        """One request has been answered; ``path`` is a route's, never a client's own."""
        with self._lock:
            self._requests[path, status] += 1
            buckets = self._buckets.setdefault(path, [0] * (len(_BOUNDS_S) + 1))
            buckets[bisect_left(_BOUNDS_S, duration_s)] += 1
            self._seconds[path] += duration_s  # type: ignore[assignment]

    def count_photo(self, pixels: int, received_bytes: int, sent_bytes: int) -> None:
        """One photo has been worked on."""
        with self._lock:
            self._pixels += pixels
            self._received_bytes += received_bytes
            self._sent_bytes += sent_bytes

    def exposition(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """Everything as text.

        Args:
            gauges: Name -> (what it is, its value now).
        """
        with self._lock:
            lines = [*self._request_lines(), *self._duration_lines()]
            for name, text, value in (
                ("photo_pixels", "Pixels of the photos worked on.", self._pixels),
                ("received_bytes", "Bytes of the photos worked on.", self._received_bytes),
                ("sent_bytes", "Bytes of the answers.", self._sent_bytes),
            ):
                lines += _head(f"{name}_total", text, "counter")
                lines.append(f"fivefold_{name}_total {value}")
        for name, (text, value_now) in gauges.items():
            lines += [*_head(name, text, "gauge"), f"fivefold_{name} {value_now:g}"]
        return "\n".join(lines) + "\n"

    def _request_lines(self) -> list[str]:
        lines = _head("requests_total", "Requests answered.", "counter")
        for (path, status), number in sorted(self._requests.items()):
            labels = f'path="{path}",status="{status}"'
            lines.append(f"fivefold_requests_total{{{labels}}} {number}")
        return lines

    def _duration_lines(self) -> list[str]:
        name = "fivefold_request_seconds"
        lines = _head("request_seconds", "From the first byte to the last.", "histogram")
        for path, buckets in sorted(self._buckets.items()):
            sums = list(accumulate(buckets))
            for bound, number in zip([*map(str, _BOUNDS_S), "+Inf"], sums, strict=True):
                lines.append(f'{name}_bucket{{path="{path}",le="{bound}"}} {number}')
            lines.append(f'{name}_sum{{path="{path}"}} {self._seconds[path]:.6f}')
            lines.append(f'{name}_count{{path="{path}"}} {sums[-1]}')
        return lines


def _head(name: str, text: str, kind: str) -> list[str]:
    return [f"# HELP fivefold_{name} {text}", f"# TYPE fivefold_{name} {kind}"]
