"""Fixtures of the command line's tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import Result
from PIL import Image

from fivefold.cli import main
from tiny_bundle import bundle_path, network

__all__ = ["bundle_path", "network"]


@pytest.fixture
def fivefold(bundle_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run a command in this process; ``enhance`` and ``watch`` use the tiny bundle."""

    def run(*words: str | Path) -> Result:
        arguments = [str(word) for word in words]
        if arguments[:1] in (["enhance"], ["watch"]) and "--bundle" not in arguments:
            arguments += ["--bundle", str(bundle_path)]
        try:
            code = main(arguments)
        except SystemExit as leaving:
            code = leaving.code
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Result(code, out, err)

    return run


@pytest.fixture
def start(bundle_path: Path) -> Callable[..., subprocess.Popen[bytes]]:
    """Start a command in a process of its own; ``enhance`` and ``watch`` use the tiny bundle."""

    def run(*words: str | Path, **options: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "fivefold", *map(str, words)]
        if words[0] in ("enhance", "watch"):
            command += ["--bundle", str(bundle_path)]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(command, **{**pipes, "env": os.environ, **options})

    return run


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three photos in a folder ``in`` of the current folder."""
    for name, level in (("a.jpg", 80), ("b.png", 100), ("sub/c.webp", 120)):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((24, 32, 3), level, np.uint8)).save(path, quality=95)
    monkeypatch.chdir(tmp_path)
    return tmp_path
