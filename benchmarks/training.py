"""A training step at batch size 4 on 512 × 512 crops: as fivefold makes it, and in plain PyTorch.

Both ways are measured in turn and in processor time, so that what else the machine does matters
little; what counts is the ratio of the medians. ``python benchmarks/training.py --help`` tells the
options.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.nn import functional

from fivefold.data.pair import Pair
from fivefold.data.pairs import Sample
from fivefold.model import enhancer_net, fused_slicing
from fivefold.model.enhancer_net import THUMBNAIL_SIZE_PX, EnhancerNet
from fivefold.train.adam import adam, make_steps_fast
from fivefold.train.objective import Objective

BATCH = 4
SIDE_PX = 512


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="of each way (default 15)")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch (default 1)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not fused_slicing.IS_AVAILABLE:
        parser.error("the compiled kernels are not installed")
    torch.set_num_threads(options.threads)
    figures = measure(options.rounds)
    if options.json:
        print(json.dumps(figures))
        return
    print(
        f"batch {BATCH}, {SIDE_PX} × {SIDE_PX} crops, {options.threads} thread(s), "
        f"processor time, medians of {options.rounds}, interleaved\n"
    )
    print("| | compiled | plain PyTorch | ratio | photos/s and core, compiled |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, row in figures.items():
        print(
            f"| {name} | {row['compiled_ms']:.0f} ms | {row['plain_ms']:.0f} ms | "
            f"{row['ratio']:.1f} | {row['photos_per_core_second']:.1f} |"
        )


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Time the full-resolution pass and whole training steps, both ways.

    Args:
        rounds: How often each way is run; one more round to warm up is not counted.
    """
    samples = [_sample(i) for i in range(BATCH)]
    work = _pass(samples)
    figures = {"full-resolution pass, forward and backward": _compare(work, work, rounds)}
    for preset in ("small", "paper"):
        name = f"training step, preset {preset}"
        own = _step(preset, samples, fast=True)
        figures[f"{name}; PyTorch takes the batch at once"] = _compare(
            own, _plain_step(preset, samples), rounds
        )
        by_photo = _step(preset, samples, fast=False)
        figures[f"{name}; PyTorch takes photo by photo"] = _compare(own, by_photo, rounds)
    figures["the last one with fast_steps = false"] = _compare(by_photo, by_photo, rounds)
    return figures


def _pass(samples: list[Sample]) -> Callable[[], None]:
    torch.manual_seed(0)
    net = EnhancerNet("small").train()
    photos = torch.stack([sample.photo for sample in samples])
    grids = net.predict(torch.stack([sample.thumbnail for sample in samples])).detach()
    grids.requires_grad_()

    def work() -> None:
        net.render(photos, grids).square().mean().backward()

    return work


def _step(preset: str, samples: list[Sample], *, fast: bool) -> Callable[[], None]:
    torch.manual_seed(0)
    net = EnhancerNet(preset)
    if fast:
        net = make_steps_fast(net)
    objective = Objective(net).train()
    optimiser = adam(net, 1e-6, fast=fast)

    def work() -> None:
        optimiser.zero_grad()
        loss, _ = objective(samples)
        loss.backward()
        optimiser.step()

    return work


def _plain_step(preset: str, samples: list[Sample]) -> Callable[[], None]:
    """A step as one writes it for crops of one size: the whole batch through every operation."""
    torch.manual_seed(0)
    net = EnhancerNet(preset).train()
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-6)
    thumbnails, photos, targets = (
        torch.stack([getattr(sample, part) for sample in samples])
        for part in ("thumbnail", "photo", "target")
    )

    def work() -> None:
        optimiser.zero_grad()
        functional.mse_loss(net(thumbnails, photos), targets).backward()
        optimiser.step()

    return work


def _compare(
    work: Callable[[], None], plain_work: Callable[[], None], rounds: int
) -> dict[str, float]:
    compiled_s, plain_s = [], []
    for _ in range(rounds + 1):
        compiled_s.append(_seconds(work))
        with _plain_pytorch():
            plain_s.append(_seconds(plain_work))
    compiled, plain = (statistics.median(times[1:]) for times in (compiled_s, plain_s))
    return {
        "compiled_ms": 1e3 * compiled,
        "plain_ms": 1e3 * plain,
        "ratio": plain / compiled,
        "photos_per_core_second": BATCH / compiled,
    }


def _seconds(work: Callable[[], None]) -> float:
    start_s = time.process_time()
    work()
    return time.process_time() - start_s


@contextmanager
def _plain_pytorch() -> Iterator[None]:
    """Let the network take the way that it has where nothing is compiled."""
    before = enhancer_net.can_render
    enhancer_net.can_render = lambda *_: False
    try:
        yield
    finally:
        enhancer_net.can_render = before


def _sample(number: int) -> Sample:
    random = torch.Generator().manual_seed(number)
    nowhere = Path()
    return Sample(
        thumbnail=torch.rand(3, THUMBNAIL_SIZE_PX, THUMBNAIL_SIZE_PX, generator=random),
        photo=torch.rand(3, SIDE_PX, SIDE_PX, generator=random),
        target=torch.rand(3, SIDE_PX, SIDE_PX, generator=random),
        mask=torch.ones(SIDE_PX, SIDE_PX),
        pair=Pair(str(number), nowhere, nowhere, style="random", kind="random"),
    )


if __name__ == "__main__":
    main()
