"""What the README's Python gives; that all examples run is tested in docs/."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import fivefold
from tiny_bundle import bundle_path, network, shipped

__all__ = ["bundle_path", "network", "shipped"]

README = (Path(__file__).parent.parent / "README.md").read_text()


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
