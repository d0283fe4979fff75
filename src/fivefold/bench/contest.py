"""Contestants run in turn, so that whatever else the machine does slows all of them alike."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fivefold.errors import FivefoldError


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run took.

    Attributes:
        seconds: On the clock.
        cpu_seconds: Of all processors together, in the program and in the system for it.
        peak_bytes: The most memory that a program of its own had at a time; 0 for a call.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a contestant did.

    Attributes:
        seconds: Median.
        cpu_seconds: Median.
        peak_bytes: Median.
        ratio: Median over the rounds of its seconds, in those of the first contestant.
        cpu_ratio: The same of processor time, which other programs on the machine change less.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    ratio: float
    cpu_ratio: float

    def as_dict(self) -> dict[str, float | int]:
        """For a program, rounded to what means something."""
        return {
            "seconds": round(self.seconds, 4),
            "cpu_seconds": round(self.cpu_seconds, 4),
            **({"peak_mb": round(self.peak_bytes / 1e6, 1)} if self.peak_bytes else {}),
            "ratio": round(self.ratio, 3),
            "cpu_ratio": round(self.cpu_ratio, 3),
        }


class ContestantError(FivefoldError):
    """A program that was to be measured failed; the message is its name and last words."""


def compete(contestants: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, Standing]:
    """Run all contestants in turn, one round more than asked for, the first of which is dropped.

    Args:
        contestants: What to run, by name; the ratios are to the first.
        rounds: How often each counts.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in contestants}
    for _ in range(rounds + 1):
        for name, run in contestants.items():
            samples[name].append(run())
    own = next(iter(samples.values()))[1:]
    return {name: _standing(theirs[1:], own) for name, theirs in samples.items()}


def _standing(theirs: Sequence[Sample], own: Sequence[Sample]) -> Standing:
    pairs = [*zip(theirs, own, strict=True)]
    median = statistics.median
    return Standing(
        seconds=median(sample.seconds for sample in theirs),
        cpu_seconds=median(sample.cpu_seconds for sample in theirs),
        peak_bytes=int(median(sample.peak_bytes for sample in theirs)),
        ratio=median(t.seconds / o.seconds for t, o in pairs),
        cpu_ratio=median(t.cpu_seconds / max(o.cpu_seconds, 1e-9) for t, o in pairs),
    )


def call(work: Callable[[], object]) -> Callable[[], Sample]:
    """A contestant that is a call in this process."""

    def run() -> Sample:
        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        work()
        return Sample(time.perf_counter() - start_s, time.process_time() - start_cpu_s)

    return run


def program(name: str, command: Sequence[str]) -> Callable[[], Sample]:
    """A contestant that is a program, started anew each time.

    Args:
        name: For messages.
        command: Its path and arguments.

    Raises:
        ContestantError: When run, if the program fails.
    """

    def run() -> Sample:
        launcher = [sys.executable, "-S", "-E", "-c", _LAUNCHER, *command]
        ran = subprocess.run(launcher, capture_output=True, text=True, check=False)
        if ran.returncode:
            words = ran.stderr.strip().splitlines() or ["it failed without a word"]
            raise ContestantError(f"{name}: {words[-1]}")
        seconds, cpu_seconds, peak_bytes = json.loads(ran.stdout)
        return Sample(seconds, cpu_seconds, peak_bytes)

    return run


# The system counts a program's memory from before it was started, as part of who started it: this
# one is small. What is measured is from here to there, without its own start.
_LAUNCHER = """
import os, sys, time
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
start_s = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - start_s
peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print([seconds, usage.ru_utime + usage.ru_stime, peak_bytes])
sys.exit(1 if status else 0)
"""
