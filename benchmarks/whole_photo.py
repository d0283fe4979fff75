"""``fivefold bench`` on a photo made of four of the examples, with all that it can measure.

``python benchmarks/whole_photo.py --save`` keeps the figures in ``results/whole_photo.json``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from PIL import Image

from fivefold.cli import main as fivefold

EXAMPLES = Path(__file__).parent.parent / "examples"
NAMES = ("coast", "forest_stream", "mountains", "autumn_hillside")
RESULTS = Path(__file__).parent / "results/whole_photo.json"
TILE_PX = (2000, 1500)


def main() -> int:
    """Measure, print tables, and keep the figures if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", default="7", help="of each (default 7)")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        make_photo(photo)
        cases = [
            word
            for case in ("cold", "warm", "pass", "folder", "large")
            for word in ("--case", case)
        ]
        saved = ["--json", str(RESULTS)] if options.save else []
        return fivefold(["bench", str(photo), *cases, "--rounds", options.rounds, *saved])


def make_photo(path: Path) -> None:
    """Write 12 megapixels with a camera's detail: four examples at twice their size."""
    width_px, height_px = TILE_PX
    whole = Image.new("RGB", (2 * width_px, 2 * height_px))
    for n, name in enumerate(NAMES):
        with Image.open(EXAMPLES / f"{name}.jpg") as example:
            tile = example.convert("RGB").resize(TILE_PX, Image.Resampling.LANCZOS)
        whole.paste(tile, (n % 2 * width_px, n // 2 * height_px))
    whole.save(path, quality=92)


if __name__ == "__main__":
    sys.exit(main())
