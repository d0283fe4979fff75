"""A batch on a Ray cluster of one and two workers, beside the same batch on threads of one machine.

All are measured in turn on the same photos, so that whatever else the machine does slows all of
them; what counts are ratios of medians, and processor time. A batch of all photos and one of a
quarter of them tell what a photo takes from what a batch takes once.
``python benchmarks/cluster.py --help`` tells the options.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import psutil
import ray
from PIL import Image

from fivefold.cluster.attempts import Attempts
from fivefold.cluster.here import enhance_here
from fivefold.cluster.on_ray import enhance_on_ray, ray_cluster
from fivefold.cluster.outcome import RemoteOutcome
from fivefold.cluster.plan import RemoteTask, make_remote_plan
from fivefold.runtime.batch import Settings
from fivefold.runtime.enhancer import Enhancer, find_bundle

EXAMPLE = Path(__file__).parent.parent / "examples/coast.jpg"
SIZE_PX = (4000, 3000)
LEDGER_CALLS = 3000

Way: TypeAlias = Callable[[list[RemoteTask]], Iterable[RemoteOutcome]]


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each (default 5)")
    parser.add_argument("--photos", type=int, default=16, help="a batch (default 16)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.photos, options.rounds)
    if options.json:
        json.dump(figures, sys.stdout, indent=2)
        print()
        return
    print(
        f"{options.photos} JPEGs of {SIZE_PX[0]} × {SIZE_PX[1]}, local disk, medians of "
        f"{options.rounds} rounds in turn\n"
    )
    print("| | photos/s | against one thread | CPU seconds a photo | once a batch |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, row in figures["batches"].items():
        print(
            f"| {name} | {row['photos_per_second']:.2f} | {row['ratio']:.2f} | "
            f"{row['cpu_s_per_photo']:.3f} | {row['cpu_s_per_batch']:.2f} |"
        )
    print(f"\nstarting Ray here: {figures['start_s']:.1f} s")
    print(f"the ledger answers {figures['ledger_calls_per_second']:.0f} calls a second of its core")
    print(f"a photo: {figures['read_mb']:.1f} MB read, {figures['written_mb']:.1f} MB written")


def measure(folder: Path, photos: int, rounds: int) -> dict[str, object]:
    """Photos a second and processor time of each way, and what a cluster adds.

    Args:
        folder: Where photos are written; emptied by the caller.
        photos: Of a batch.
        rounds: How often each batch is run; one more, to warm up, is not counted.
    """
    (folder / "in").mkdir()
    photo = folder / "in/0000.jpg"
    Image.open(EXAMPLE).convert("RGB").resize(SIZE_PX).save(photo, quality=92)
    for number in range(1, photos):
        (folder / f"in/{number:04}.jpg").write_bytes(photo.read_bytes())
    tasks = make_remote_plan([str(folder / "in")], str(folder / "out")).tasks
    few = max(1, photos // 4)
    bundle = find_bundle()
    enhancer = Enhancer.load(bundle, threads=1)
    content = bundle.read_bytes()
    os.environ.update(
        RAY_worker_niceness="0",  # as the threads it is compared with
        RAY_kill_idle_workers_interval_ms="0",  # the dead take their processor time along
    )
    start_s = time.perf_counter()
    with ray_cluster("local", cores=2):
        ray_start_s = time.perf_counter() - start_s
        ways: dict[str, Way] = {
            "one thread": lambda t: enhance_here(t, lambda: enhancer, Settings(), jobs=1),
            "two threads": lambda t: enhance_here(t, lambda: enhancer, Settings(), jobs=2),
            "Ray, one worker": lambda t: enhance_on_ray(t, content, Settings(), jobs=1),
            "Ray, two workers": lambda t: enhance_on_ray(t, content, Settings(), jobs=2),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        cpu_s: dict[str, list[float]] = {name: [] for name in ways}
        few_cpu_s: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds + 1):
            for name, way in ways.items():
                few_cpu_s[name].append(_run(tasks[:few], way)[1])
                wall, cpu = _run(tasks, way)
                seconds[name].append(wall)
                cpu_s[name].append(cpu)
        calls = _ledger_calls_per_second()
    each_s = {
        name: (statistics.median(cpu_s[name][1:]) - statistics.median(few_cpu_s[name][1:]))
        / (photos - few)
        for name in ways
    }
    first = [photos / s for s in seconds["one thread"][1:]]
    return {
        "batches": {
            name: {
                "photos_per_second": photos / statistics.median(seconds[name][1:]),
                "ratio": statistics.median(
                    photos / s / f for s, f in zip(seconds[name][1:], first, strict=True)
                ),
                "cpu_s_per_photo": each_s[name],
                "cpu_s_per_batch": statistics.median(cpu_s[name][1:]) - photos * each_s[name],
            }
            for name in ways
        },
        "start_s": ray_start_s,
        "ledger_calls_per_second": calls,
        "megapixels": SIZE_PX[0] * SIZE_PX[1] / 1e6,
        "read_mb": photo.stat().st_size / 1e6,
        "written_mb": (folder / "out/0000.jpg").stat().st_size / 1e6,
    }


def _run(tasks: list[RemoteTask], way: Way) -> tuple[float, float]:
    """Seconds of the clock, and of all processors."""
    before_s, start_s = _cpu_s(), time.perf_counter()
    outcomes = list(way(tasks))
    wall_s = time.perf_counter() - start_s
    assert len(outcomes) == len(tasks)
    assert all(outcome.ok for outcome in outcomes), outcomes
    return wall_s, _cpu_s() - before_s


def _cpu_s() -> float:
    """Processor time of this process and of all that it started, so far."""
    total = 0.0
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _ledger_calls_per_second() -> float:
    """How many calls the one actor that knows of all attempts answers, if it has a core."""
    actor = ray.remote(num_cpus=0)(Attempts).remote()
    ray.get(actor.begin.remote("warm"))
    process = max(
        (
            child
            for child in psutil.Process().children(recursive=True)
            if any(word.startswith("ray::Attempts") for word in child.cmdline())
        ),
        key=psutil.Process.create_time,
    )
    before = process.cpu_times()
    ray.get([actor.begin.remote(str(number)) for number in range(LEDGER_CALLS)])
    after = process.cpu_times()
    return LEDGER_CALLS / (after.user + after.system - before.user - before.system)


if __name__ == "__main__":
    main()
