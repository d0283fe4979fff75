"""``fivefold enhance`` on one 12-megapixel JPEG, from a cold start, beside ImageMagick.

All are measured in turn, so that whatever else the machine does slows all of them; what counts is
the median of the ratios. ``python benchmarks/cold_start.py --help`` tells the options.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

EXAMPLE = Path(__file__).parent.parent / "examples/coast.jpg"
SIZE_PX = (4000, 3000)


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="of each (default 11)")
    parser.add_argument("--magick", default="convert", help="ImageMagick's program, if it is here")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.rounds, shutil.which(options.magick))
    if options.json:
        print(json.dumps(figures))
        return
    print(f"one {SIZE_PX[0]} × {SIZE_PX[1]} JPEG, median of {options.rounds} rounds in turn")
    for name, figure in figures.items():
        print(f"{name:26} {figure['seconds']:6.2f} s   {figure['ratio']:5.2f} × fivefold")


def measure(folder: Path, rounds: int, magick: str | None) -> dict[str, dict[str, float]]:
    """Seconds, and their ratio to fivefold's, of each program that is here.

    Args:
        folder: Where photos are written; emptied by the caller.
        rounds: How often each is run.
        magick: Path of ImageMagick, or ``None`` without it.
    """
    photo = folder / "photo.jpg"
    Image.open(EXAMPLE).convert("RGB").resize(SIZE_PX).save(photo, quality=92)
    target = str(folder / "result.jpg")
    commands = {
        "fivefold enhance": [sys.executable, "-m", "fivefold", "enhance", photo, "-o", target]
    }
    if magick is not None:
        commands["magick -auto-level"] = [magick, photo, "-auto-level", target]
        commands["… -auto-level -auto-gamma"] = [
            magick,
            photo,
            "-auto-level",
            "-auto-gamma",
            target,
        ]
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            start_s = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - start_s)
    ours = seconds["fivefold enhance"]
    return {
        name: {
            "seconds": statistics.median(theirs),
            "ratio": statistics.median(t / o for t, o in zip(theirs, ours, strict=True)),
        }
        for name, theirs in seconds.items()
    }


if __name__ == "__main__":
    main()
