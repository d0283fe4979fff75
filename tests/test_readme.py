"""What the README shows works as it is shown."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import fivefold
from fivefold import cli
from tiny_bundle import bundle_path, network, shipped

__all__ = ["bundle_path", "network", "shipped"]

README = (Path(__file__).parent.parent / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.usefixtures("shipped")
def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a ``photo.jpg``, the example writes both files that it names."""
    monkeypatch.chdir(tmp_path)
    pixels = np.full((40, 60, 3), 100, np.uint8)
    fivefold.write_photo(fivefold.Photo(pixels), "photo.jpg")
    (example,) = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    for name in ("better.jpg", "better.png"):
        assert fivefold.read_photo(tmp_path / name).pixels.mean() > 110


def test_the_commands_exist() -> None:
    """Every ``fivefold …`` line is a command that the parser accepts."""
    lines = [line for block in blocks("console") for line in block.splitlines()]
    commands = [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]
    words = [command[1:] for command in commands if command[0] == "fivefold"]
    assert len(words) >= 3
    for command in words:
        end = command.index("<") if "<" in command else len(command)
        assert cli.parser().parse_args(command[:end])
