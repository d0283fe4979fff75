"""The full-resolution pass on a GPU, everything resident there, beside a copy of the same pixels.

Both are measured in turn; what counts is the ratio of the medians, which is the part of the copy's
bandwidth that the pass reaches. ``python benchmarks/gpu.py --help`` tells the options.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from fivefold.runtime.device import choose_device
from fivefold.runtime.enhancer import Enhancer

TYPES = {"8-bit": torch.uint8, "16-bit": torch.uint16, "float16": torch.float16}


def main() -> None:
    """Measure, and print a table or JSON; without a GPU, say so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="of each (default 200)")
    parser.add_argument("--height", type=int, default=2160, help="of the photo (default 2160)")
    parser.add_argument("--width", type=int, default=3840, help="of the photo (default 3840)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chosen = choose_device("auto")
    if chosen.kind != "cuda":
        print(f"no figures of a GPU: {chosen.reason}")
        return
    figures = measure(torch.device("cuda"), options.height, options.width, options.rounds)
    if options.json:
        print(json.dumps({"device": chosen.name, **figures}))
        return
    print(f"{chosen.name}, {options.width} × {options.height}, medians of {options.rounds}\n")
    print("| | takes | copy of the pixels | part of its bandwidth |")
    print("| --- | ---: | ---: | ---: |")
    for name, row in figures.items():
        print(
            f"| {name} | {row['ms']:.3f} ms | {row['copy_ms']:.3f} ms | "
            f"{row['copy_ms'] / row['ms']:.0%} |"
        )


def measure(
    device: torch.device, height: int, width: int, rounds: int
) -> dict[str, dict[str, float]]:
    """Time the pass by type of pixels, and the network before it.

    Args:
        device: A GPU, or the CPU in tests.
        height: Of the photo.
        width: Of the photo.
        rounds: How often each is run; one more round to warm up is not counted.
    """
    from fivefold.kernels.triton import pack_guide, render_pixels
    from fivefold.runtime.gpu.network import TorchNetwork

    bundle = Enhancer.load().bundle
    network = TorchNetwork(bundle.network, device, source=bundle.source)
    thumbnail = torch.rand(1, 3, 256, 256, device=device)
    coefficients = network(thumbnail)[0, 0].to(device)
    guide = pack_guide(bundle.guide).to(device)
    random = np.random.default_rng(0)
    figures = {}
    for name, dtype in TYPES.items():
        levels = 1 if dtype.is_floating_point else np.iinfo(str(dtype).split(".")[1]).max
        noise = torch.from_numpy(random.random((height, width, 3), dtype=np.float32) * levels)
        pixels = noise.to(dtype).to(device)
        out = torch.empty_like(pixels)

        def render(pixels: torch.Tensor = pixels, out: torch.Tensor = out) -> None:
            render_pixels(pixels, coefficients, guide, out)

        def predict_and_render(render: Callable[[], None] = render) -> None:
            network(thumbnail)
            render()

        def copy(pixels: torch.Tensor = pixels, out: torch.Tensor = out) -> None:
            out.copy_(pixels)

        figures[f"guide, slice and apply, {name}"] = _compare(render, copy, device, rounds)
        figures[f"network and pass, {name}"] = _compare(predict_and_render, copy, device, rounds)
    return figures


def _compare(
    work: Callable[[], None], copy: Callable[[], None], device: torch.device, rounds: int
) -> dict[str, float]:
    work_s, copy_s = [], []
    for _ in range(rounds + 1):
        work_s.append(_seconds(work, device))
        copy_s.append(_seconds(copy, device))
    return {
        "ms": 1e3 * statistics.median(work_s[1:]),
        "copy_ms": 1e3 * statistics.median(copy_s[1:]),
    }


def _seconds(work: Callable[[], None], device: torch.device) -> float:
    if device.type != "cuda":
        start_s = time.perf_counter()
        work()
        return time.perf_counter() - start_s
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize(device)
    start.record()
    work()
    end.record()
    torch.cuda.synchronize(device)
    return start.elapsed_time(end) / 1e3


if __name__ == "__main__":
    main()
