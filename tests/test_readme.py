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
    """What the table says of one photo and of folders stands in the files that it refers to."""
    cold, one, _, _, folder, large = results("whole_photo.json")
    cold_zen4, one_zen4, two, _, folder_zen4, _ = results("whole_photo_zen4.json")
    ours, reusing = "fivefold enhance", "the same, with memory reused"
    in_pieces = "the same, decoded in pieces as well"
    slower = {name: f"{figures['ratio']:.1f}" for name, figures in cold.items()}
    for row in (
        f"| {cold[ours]['seconds']:.2f} s, {cold[ours]['peak_mb']:.0f} MB "
        f"| ImageMagick `-auto-level -auto-gamma` takes "
        f"{slower['ImageMagick -auto-level -auto-gamma']} times as long, "
        f"`-auto-level` alone {slower['ImageMagick -auto-level']}, "
        f"`autolevels` {slower['autolevels']}, `darktable-cli` {slower['darktable-cli']}, "
        f"GraphicsMagick `-normalize` {slower['GraphicsMagick -normalize']} times |",
        f"one thread | {one[ours]['ratio']:.2f} times as long | decoding and "
        f"encoding alone: 1; {one[reusing]['ratio']:.2f} if they,",
        f"(Zen 4) | {two[ours]['ratio']:.2f} times as long | decoding and "
        f"encoding alone: 1; {two[reusing]['ratio']:.2f} if they, too, use their memory again, "
        f"{two[in_pieces]['ratio']:.2f} if they also decode",
        f"| {folder[ours]['ratio']:.2f} times as long | decoding and "
        f"encoding alone: 1; {folder[reusing]['ratio']:.2f} if they,",
        f"| {large[ours]['peak_mb']:.0f} MB; ",
        f"takes {one_zen4[ours]['ratio']:.2f} and a folder {folder_zen4[ours]['ratio']:.2f} times "
        "as long as the codec alone, and from a cold start ImageMagick "
        f"{cold_zen4['ImageMagick -auto-level -auto-gamma']['ratio']:.1f} times as long",
    ):
        assert row in README.replace("\n", " ")


def results(name: str) -> list[dict[str, dict[str, float]]]:
    """The contestants of each case in a file of results."""
    cases = json.loads((ROOT / "benchmarks/results" / name).read_text())["cases"]
    return [case["contestants"] for case in cases.values()]
