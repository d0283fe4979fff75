"""The full-resolution pass on 12 megapixels with one thread, beside a copy and PyTorch.

Each contestant runs in turn, so that whatever else the machine does slows all of them, and on one
thread, whose processor time is taken: medians, and their ratio to copying the same bytes.
``python benchmarks/kernel.py --help`` tells the options.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from fivefold import kernels
from fivefold.bench.machine import machine_facts
from fivefold.kernels import BilateralGrid, reference
from fivefold.photo.image import Photo, Pixels
from fivefold.runtime.enhancer import Enhancer

EXAMPLE = Path(__file__).parent.parent / "examples/coast.jpg"
SIZE_PX = (4000, 3000)
INSTRUCTION_SETS = ("avx512", "avx2", "neon", "portable")


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="of each (default 15)")
    parser.add_argument("--slow-rounds", type=int, default=3, help="of PyTorch and NumPy")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = measure(options.rounds, options.slow_rounds)
    if options.json:
        print(json.dumps(report, indent=1, ensure_ascii=False))
        return
    machine = report["machine"]
    size = f"{machine['width_px']} × {machine['height_px']}"
    print(f"{machine['processor']}, {machine['instruction_set']}; one thread, {size}\n")
    print("| | arithmetic | ms | × a copy | × faster than PyTorch | codes off, at most |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for name, row in report["contestants"].items():
        faster = f"{row['faster_than_pytorch']:.0f}" if "faster_than_pytorch" in row else ""
        print(
            f"| {name} | {row.get('arithmetic', '')} | {row['ms']:.1f} | {row['copies']:.1f} | "
            f"{faster} | {row.get('worst_codes', '')} |"
        )


def measure(rounds: int, slow_rounds: int) -> dict[str, dict[str, dict[str, object]]]:
    """Time every contestant that this machine has.

    Args:
        rounds: How often each is run.
        slow_rounds: How often those are run that take a second or more.
    """
    pixels_8 = np.array(Image.open(EXAMPLE).convert("RGB").resize(SIZE_PX))
    pixels_16 = pixels_8.astype(np.uint16) * 257
    grid = Enhancer.load().predict(Photo(pixels_8))
    available = _available()
    contestants: dict[str, tuple[Pixels, Callable[[], object]]] = {}
    facts: dict[str, dict[str, object]] = {}
    for bits, pixels in ((8, pixels_8), (16, pixels_16)):
        target = np.empty_like(pixels)
        contestants[f"copy, {bits} bit"] = (pixels, _copy(pixels, target))
        for instructions in available:
            name = f"{instructions}, {bits} bit"
            _limit(instructions)
            contestants[name] = (pixels, _render(instructions, pixels, grid, target))
            facts[name] = {
                "arithmetic": kernels.path_name(pixels.dtype, grid),
                "worst_codes": _worst_codes(pixels, grid),
            }
        if bits == 8:
            in_place = pixels.copy()
            contestants[f"{available[0]}, 8 bit, in place"] = (
                pixels,
                _render(available[0], in_place, grid, in_place),
            )
        contestants[f"thumbnail, {bits} bit"] = (pixels, _thumbnail(pixels))
    milliseconds = _times({name: run for name, (_, run) in contestants.items()}, rounds)
    pytorch = _pytorch(pixels_8, grid)
    if pytorch is not None:
        milliseconds |= _times({"PyTorch grid_sample": pytorch}, slow_rounds)
        contestants["PyTorch grid_sample"] = (pixels_8, pytorch)
    rows: dict[str, dict[str, object]] = {}
    for name, ms in milliseconds.items():
        bits = contestants[name][0].itemsize * 8
        copies = ms / milliseconds[f"copy, {bits} bit"]
        row: dict[str, object] = {"ms": round(ms, 2), "copies": round(copies, 2)}
        row |= facts.get(name, {})
        if pytorch is not None and name in facts:
            row["faster_than_pytorch"] = round(milliseconds["PyTorch grid_sample"] / ms, 1)
        rows[name] = row
    machine: dict[str, object] = {
        "processor": machine_facts()["processor"],
        "system": f"{platform.system()} {platform.machine()}",
        "instruction_set": available[0],
        "width_px": SIZE_PX[0],
        "height_px": SIZE_PX[1],
        "rounds": rounds,
    }
    return {"machine": machine, "contestants": rows}


def _times(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median milliseconds of this thread's processor time, after one round to warm up."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            start_s = time.thread_time()
            run()
            times[name].append(1e3 * (time.thread_time() - start_s))
    return {name: statistics.median(each[1:]) for name, each in times.items()}


def _available() -> list[str]:
    """The instruction sets that can run here, best first."""
    found = []
    for name in INSTRUCTION_SETS:
        _limit(name)
        if kernels.instruction_set() == name:
            found.append(name)
    return found


def _limit(name: str) -> None:
    from fivefold import _native

    _native.limit_instruction_set(name)


def _copy(source: Pixels, target: Pixels) -> Callable[[], object]:
    return lambda: ctypes.memmove(target.ctypes.data, source.ctypes.data, source.nbytes)


def _render(
    instructions: str, pixels: Pixels, grid: BilateralGrid, target: Pixels
) -> Callable[[], object]:
    def run() -> None:
        _limit(instructions)
        kernels.render(pixels, grid, out=target, threads=1)

    return run


def _thumbnail(pixels: Pixels) -> Callable[[], object]:
    return lambda: kernels.thumbnail(pixels, threads=1)


def _worst_codes(pixels: Pixels, grid: BilateralGrid, rows: int = 64) -> int:
    """The greatest difference to the reference, on strips from all over the photo."""
    worst = 0
    height = pixels.shape[0]
    for first_row in range(0, height - rows, height // 6):
        strip = pixels[first_row : first_row + rows]
        exact = reference.render(strip, grid, first_row=first_row, height_px=height)
        result = kernels.render(strip, grid, first_row=first_row, height_px=height)
        worst = max(worst, int(np.abs(result.astype(int) - exact.astype(int)).max()))
    return worst


def _pytorch(pixels: Pixels, grid: BilateralGrid) -> Callable[[], object] | None:
    """The same pass as PyTorch users write it, strip by strip so that it fits in the caches."""
    try:
        from fivefold.bench.pytorch import tiled_grid_sample
    except ImportError:
        return None
    return tiled_grid_sample(pixels, grid, np.empty_like(pixels))


if __name__ == "__main__":
    main()
