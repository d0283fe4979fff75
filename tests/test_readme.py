"""What the README's Python gives, and its figures; that all examples run is tested in docs/."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import fivefold
from tiny_bundle import bundle_path, network, shipped

__all__ = ["bundle_path", "network", "shipped"]

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.usefixtures("shipped")
def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a ``photo.jpg``, the example writes both files that it names."""
    monkeypatch.chdir(tmp_path)
    pixels = np.full((40, 60, 3), 100, np.uint8)
    fivefold.write_photo(fivefold.Photo(pixels), "photo.jpg")
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    for name in ("better.jpg", "better.png"):
        assert fivefold.read_photo(tmp_path / name).pixels.mean() > 110


def test_the_figures_of_whole_photos_are_those_of_the_results() -> None:
    """What the table says of one photo and of folders stands in the file that it refers to."""
    cases = json.loads((ROOT / "benchmarks/results/whole_photo.json").read_text())["cases"]
    cold, one, two, _, folder, large = (case["contestants"] for case in cases.values())
    ours, reusing = "fivefold enhance", "the same, with memory reused"
    slower = {name: f"{figures['ratio']:.1f}" for name, figures in cold.items()}
    for row in (
        f"| {cold[ours]['seconds']:.2f} s, {cold[ours]['peak_mb']:.0f} MB "
        f"| ImageMagick `-auto-level -auto-gamma` takes "
        f"{slower['ImageMagick -auto-level -auto-gamma']} times as long, "
        f"`-auto-level` alone {slower['ImageMagick -auto-level']}, "
        f"`autolevels` {slower['autolevels']}, `darktable-cli` {slower['darktable-cli']}, "
        f"GraphicsMagick `-normalize` {slower['GraphicsMagick -normalize']} times |",
        f"| {one[ours]['ratio']:.2f} times as long; {two[ours]['ratio']:.2f} times | decoding and "
        f"encoding alone: 1; {one[reusing]['ratio']:.2f} and {two[reusing]['ratio']:.2f} if they,",
        f"| {folder[ours]['ratio']:.2f} times as long | decoding and "
        f"encoding alone: 1; {folder[reusing]['ratio']:.2f} if they,",
        f"| {large[ours]['peak_mb']:.0f} MB; ",
    ):
        assert row in README
