"""Load for a running service, from a process of its own; ends by itself.

    python -m tests.web.load http://127.0.0.1:8555 --seconds 20 --clients 8 --path /enhance

Prints one JSON object: requests, the statuses they got, requests a second, and how long they took.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

LONGEST_S = 600.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("photo", type=Path)
    parser.add_argument("--path", default="/enhance")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    seconds = min(options.seconds, LONGEST_S)
    clients = [
        Client(options.address, options.path, options.photo.read_bytes(), seconds)
        for _ in range(options.clients)
    ]
    start_s = time.monotonic()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    wall_s = time.monotonic() - start_s
    durations = sorted(duration for client in clients for duration in client.durations_s)
    statuses: Counter[str] = sum((client.statuses for client in clients), Counter())
    figures = {
        "requests": sum(statuses.values()),
        "statuses": statuses,
        "per_second": round(len(durations) / wall_s, 2),
        "median_ms": round(1000 * durations[len(durations) // 2], 1),
        "p99_ms": round(1000 * durations[int(len(durations) * 0.99)], 1),
    }
    json.dump(figures, sys.stdout)
    return 0


class Client(threading.Thread):
    """One visitor that sends the next photo when it has the last one back."""

    def __init__(self, address: str, path: str, body: bytes, seconds: float) -> None:
        super().__init__(daemon=True)
        self._netloc = urlsplit(address).netloc
        self._path = path
        self._body = body
        self._end_s = time.monotonic() + seconds
        self.durations_s: list[float] = []
        self.statuses: Counter[str] = Counter()

    def run(self) -> None:
        """Send until the time is up."""
        connection = http.client.HTTPConnection(self._netloc, timeout=60)
        while time.monotonic() < self._end_s:
            start_s = time.monotonic()
            try:
                connection.request("POST", self._path, self._body)
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.statuses[type(error).__name__] += 1
                connection.close()
                continue
            whole = int(answer.headers["Content-Length"]) == len(content)
            self.statuses[str(answer.status) if whole else "cut short"] += 1
            if answer.status == 200:
                self.durations_s.append(time.monotonic() - start_s)
            elif answer.status == 503:
                time.sleep(float(answer.headers["Retry-After"]))
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
