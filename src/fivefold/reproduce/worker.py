"""One training run in a process of its own: ``python -m fivefold.reproduce.worker``.

A JSON line on stdin says what to do; JSON lines on stdout tell how far it is, and what went wrong.
The process ends when its stdin does, so that it never outlives who started it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from fivefold.errors import FivefoldError

TELL_EVERY_S = 0.5


def main() -> int:
    """Train as stdin says; 0 when done, 1 after an error that was told."""
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    sys.stdout = sys.stderr  # whatever a library prints must not get between
    job: dict[str, Any] = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with, args=(sys.stdin.fileno(),), daemon=True).start()

    import torch

    from fivefold.train.config import TrainConfig
    from fivefold.train.loop import train

    torch.set_num_threads(job["threads"])
    last_told_s = 0.0

    def tell(**values: object) -> None:
        channel.write(json.dumps(values) + "\n")
        channel.flush()

    def on_step(done: int, total: int) -> None:
        nonlocal last_told_s
        if time.monotonic() - last_told_s >= TELL_EVERY_S or done == total:
            last_told_s = time.monotonic()
            tell(steps=done)

    try:
        train(
            TrainConfig.of(job["config"]),
            Path(job["data"]),
            Path(job["run"]),
            workers=job["workers"],
            show_progress=False,
            on_step=on_step,
        )
    except FivefoldError as error:
        tell(error=str(error))
        return 1
    return 0


def _end_with(descriptor: int) -> None:
    """End this process when the other end is closed; nothing is held that ending waits for."""
    while os.read(descriptor, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
