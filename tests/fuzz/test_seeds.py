"""What the fuzz targets start from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fivefold.export.grid_file import unpack_grid
from fivefold.photo.files import read_photo
from fivefold.runtime.bundle import Bundle

LIMIT_BYTES = 1 << 20
"""What libFuzzer cuts inputs to, unless it is told otherwise."""
READERS = {"photo": read_photo, "jpeg": read_photo, "bundle": Bundle.read, "grid": unpack_grid}


def test_seeds_are_whole_and_sound(tmp_path: Path) -> None:
    """Each is short enough to stay as it is, and its target's reader takes it."""
    pytest.importorskip("pillow_heif")
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests), str(tests / "photo"), *filter(None, sys.path)])
    command = [sys.executable, tests / "fuzz/seeds.py", tmp_path]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=True, timeout=120)
    for kind, read in READERS.items():
        files = list((tmp_path / kind).iterdir())
        assert files
        for file in files:
            assert file.stat().st_size <= LIMIT_BYTES
            read(file.read_bytes() if kind == "grid" else file)
