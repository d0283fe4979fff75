"""Train several runs at a time, each in a process of its own, resumable run by run."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

from fivefold.errors import DataError, TrainingError
from fivefold.model.weights import load_weights
from fivefold.train.config import TrainConfig

WEIGHTS = "weights.safetensors"


def is_trained(config: TrainConfig, run: Path) -> bool:
    """Whether a run's folder holds its finished weights.

    Raises:
        DataError: If it holds the weights of another configuration, or damaged ones.
    """
    weights = run / WEIGHTS
    if not weights.exists():
        return False
    _, facts = load_weights(weights)
    if TrainConfig.of(json.loads(facts["training"])) != config:
        raise DataError(f"{weights}: of another configuration; choose another folder")
    return True


def train_all(
    configs: Sequence[TrainConfig],
    data: Path,
    folder: Path,
    *,
    jobs: int,
    threads: int,
    workers: int = 0,
    on_steps: Callable[[str, int], None] = lambda *_: None,
    on_trained: Callable[[str], None] = lambda *_: None,
) -> None:
    """Train what is not trained yet; called again, goes on where it was stopped.

    Args:
        configs: The runs, the longest first.
        data: The photos.
        folder: Each run gets a folder of its name in it.
        jobs: Runs at a time.
        threads: Of each run; a run's weights depend on their number in the last bits.
        workers: Processes of each run that read photos; 0 does it between the steps.
        on_steps: Called with a run's name and the steps that it has done.
        on_trained: Called with the name of each run that ended.

    Raises:
        TrainingError: If a run failed; the others are stopped, and can be resumed.
        DataError: If a folder holds another run's weights.
    """
    waiting = [config for config in configs if not is_trained(config, folder / config.name)]
    crew = _Crew()
    with ThreadPoolExecutor(jobs) as pool:
        futures = {
            pool.submit(
                crew.train,
                {
                    "config": dataclasses.asdict(config),
                    "data": str(data),
                    "run": str(folder / config.name),
                    "threads": threads,
                    "workers": workers,
                },
                partial(on_steps, config.name),
            ): config
            for config in waiting
        }
        try:
            for future in as_completed(futures):
                future.result()
                on_trained(futures[future].name)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            crew.stop()
            raise


class _Crew:
    """The processes at work, which can be stopped together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at_work: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def train(self, job: dict[str, Any], on_steps: Callable[[int], None]) -> None:
        """Train one run in a process, and wait for it."""
        process = self._start()
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        reason = ""
        with process:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                told = json.loads(line)
                reason = told.get("error", reason)
                if "steps" in told:
                    on_steps(told["steps"])
            code = process.wait()
        with self._lock:
            self._at_work.discard(process)
        if code and not self._stopped:
            raise TrainingError(reason or f"{job['run']}: training ended with exit code {code}")

    def stop(self) -> None:
        """End all processes, and start no more."""
        with self._lock:
            self._stopped = True
            for process in self._at_work:
                process.kill()

    def _start(self) -> subprocess.Popen[str] | None:
        with self._lock:
            if self._stopped:
                return None
            process = subprocess.Popen(
                [sys.executable, "-m", "fivefold.reproduce.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C is for us; we end the processes in order
            )
            self._at_work.add(process)
            return process
