"""How many threads are worth starting."""

from __future__ import annotations

import os


def available_threads() -> int:
    """How many threads this process may run at the same time."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
