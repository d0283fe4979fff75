"""How fast videos are enhanced, and how little the results flicker.

Without a clip a pan over a photo of the examples is made, 1920 × 1080. Each contestant runs in
turn, so that whatever else the machine does slows all of them; medians are told, and the ratio to
decoding and encoding alone. For clips that are given the flicker of several rhythms is measured,
see ``fivefold.video.flicker``. ``python benchmarks/video.py --help`` tells the options.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from fivefold import kernels
from fivefold.kernels.grid import BilateralGrid
from fivefold.photo.colour import srgb_to_lab
from fivefold.photo.resize import area_average
from fivefold.runtime.enhancer import Enhancer
from fivefold.video.colour import Converter, FrameColours
from fivefold.video.enhance import VideoSettings, enhance_video
from fivefold.video.flicker import flicker
from fivefold.video.reader import VideoReader
from fivefold.video.timeline import GridTimeline

EXAMPLE = Path(__file__).parent.parent / "examples/coast.jpg"
SIZE_PX = (1920, 1080)
RATE = 30
PRESETS = ("medium", "veryfast", "ultrafast")
RHYTHMS = ((1, 0.0), (1, 0.5), (6, 0.0), (6, 0.25), (6, 0.5), (6, 1.0), (12, 0.5), (24, 0.5))
CELLS = (144, 256)  # to which frames are reduced before they are compared


def main() -> None:
    """Measure, and print tables or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="*", help="measure the flicker of these instead of speed")
    parser.add_argument("--rounds", type=int, default=3, help="of each (default 3)")
    parser.add_argument("--frames", type=int, default=90, help="at the most (default 90)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    enhancer = Enhancer.load(threads=1)
    if options.clips:
        report = {
            Path(clip).name: measure_flicker(clip, enhancer, options.frames)
            for clip in options.clips
        }
    else:
        report = measure_speed(enhancer, options.rounds, options.frames)
    if options.json:
        print(json.dumps(report, indent=1))
    elif options.clips:
        _print_flicker(report)
    else:
        print("| preset | times real time | CPU seconds a second | × decoding and encoding alone |")
        print("| --- | ---: | ---: | ---: |")
        for preset, row in report.items():
            print(
                f"| {preset} | {row['realtime_factor']:.2f} | {row['cpu_s']:.2f} | "
                f"{row['cpu_ratio']:.2f} |"
            )


def measure_speed(enhancer: Enhancer, rounds: int, frames: int) -> dict[str, dict[str, float]]:
    """Enhance a clip of 1920 × 1080, beside decoding and encoding it.

    Args:
        enhancer: For one thread.
        rounds: How often each is run.
        frames: Of the clip.

    Returns:
        By preset of the encoder: real-time factors and seconds of processor time for each second
        of video, of both, and the ratio of the latter.
    """
    report = {}
    with tempfile.TemporaryDirectory() as folder:
        clip, target = Path(folder, "clip.mp4"), Path(folder, "out.mp4")
        _write_pan(clip, frames)
        for preset in PRESETS:
            runs: dict[float, list[tuple[float, float]]] = {0.0: [], 1.0: []}
            for _ in range(rounds):
                for strength, times in runs.items():
                    settings = VideoSettings(strength=strength, preset=preset)
                    start_s = time.process_time()
                    told = enhance_video(clip, target, enhancer, settings)
                    used_s = time.process_time() - start_s
                    times.append((told.realtime_factor, used_s / told.duration_s))
            (plain_speed, plain_s), (speed, cpu_s) = (
                (statistics.median(t[0] for t in times), statistics.median(t[1] for t in times))
                for times in runs.values()
            )
            report[preset] = {
                "realtime_factor": speed,
                "realtime_factor_codec": plain_speed,
                "cpu_s": cpu_s,
                "cpu_s_codec": plain_s,
                "cpu_ratio": cpu_s / plain_s,
            }
    return report


def measure_flicker(clip: str, enhancer: Enhancer, frames: int) -> dict[str, Any]:
    """Enhance the beginning of a clip in several rhythms, without coding it, and compare.

    Args:
        clip: One shot.
        enhancer: For one thread.
        frames: How many at the most.

    Returns:
        The source's flicker on its static cells, that of one grid for all frames, and by rhythm
        the result's with its distance (mean ΔE*76) from enhancing each frame by itself.
    """
    cells, grids, times = [], [], []
    for picture, grid, time_s in _predictions(clip, enhancer):
        cells.append(picture)
        grids.append(grid)
        times.append(time_s)
        if len(cells) == frames:
            break
    alone = [srgb_to_lab(p) for p in _rendered(cells, grids)]
    rows = []
    for every, smoothing_s in RHYTHMS:
        timeline = GridTimeline[int](
            grids.__getitem__, every=every, smoothing_s=smoothing_s, held_frames=len(cells)
        )
        pairs = [pair for i, t in enumerate(times) for pair in timeline.push(i, t)]
        pairs += timeline.flush()
        result = _rendered(cells, [grid for _, grid in pairs])
        distance = [
            np.linalg.norm(srgb_to_lab(p) - lab, axis=-1).mean()
            for p, lab in zip(result, alone, strict=True)
        ]
        rows.append(
            {
                "every": every,
                "smoothing_s": smoothing_s,
                "flicker": flicker(zip(cells, result, strict=True)).result,
                "distance": float(np.mean(distance)),
            }
        )
    mean = np.mean([grid.coefficients for grid in grids], axis=0, dtype=np.float32)
    constant = [BilateralGrid(mean, grids[0].guide)] * len(cells)
    floor = flicker(zip(cells, _rendered(cells, constant), strict=True))
    return {
        "frames": len(cells),
        "static_share": floor.static_share,
        "source": floor.source,
        "one_grid": floor.result,
        "rhythms": rows,
    }


def _predictions(
    clip: str, enhancer: Enhancer
) -> Iterator[tuple[NDArray[np.float32], BilateralGrid, float]]:
    with VideoReader(clip) as reader:
        first = reader.first_frame
        colours = FrameColours.of(first, clip)
        converter = Converter(colours, first.width, first.height, "yuv420p")
        for item in reader.items():
            if not isinstance(item, Packet):
                _, photo = converter.to_rgb(item)
                picture = area_average(photo.pixels, *CELLS)
                yield picture, enhancer.predict(photo), float((item.pts or 0) * reader.time_base)


def _rendered(
    cells: list[NDArray[np.float32]], grids: list[BilateralGrid]
) -> list[NDArray[np.float32]]:
    return [
        np.asarray(kernels.render(picture, grid, threads=1), np.float32)
        for picture, grid in zip(cells, grids, strict=True)
    ]


def _write_pan(path: Path, frames: int) -> None:
    """A pan of two pixels a frame, with the grain of a sensor."""
    width, height = SIZE_PX
    wide = np.array(Image.open(EXAMPLE).convert("RGB").resize((width + 2 * frames, height)))
    random = np.random.default_rng(0)
    grain = random.normal(0, 3, (height + 64, width + 64, 1)).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "20", "preset": "veryfast"}
        stream.codec_context.time_base = Fraction(1, RATE)
        for i in range(frames):
            y, x = random.integers(0, 64, 2)
            pixels = wide[:, 2 * i : 2 * i + width] + grain[y : y + height, x : x + width]
            frame = VideoFrame.from_ndarray(np.clip(pixels, 0, 255).astype(np.uint8), "rgb24")
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _print_flicker(report: dict[str, Any]) -> None:
    for name, facts in report.items():
        print(f"\n{name}: {facts['frames']} frames, {facts['static_share']:.0%} static")
        print(f"source {facts['source']:.3f}, one grid for all {facts['one_grid']:.3f}\n")
        print("| every | smoothing s | flicker, ΔE | distance from each frame by itself, ΔE |")
        print("| ---: | ---: | ---: | ---: |")
        for row in facts["rhythms"]:
            print(
                f"| {row['every']} | {row['smoothing_s']:g} | {row['flicker']:.3f} | "
                f"{row['distance']:.2f} |"
            )


if __name__ == "__main__":
    main()
