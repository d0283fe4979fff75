"""The page's source, built by Node where that is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"


def build(script: str, folder: Path) -> None:
    """Build an edition of the page into a folder; skips the test where Node is missing."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("node is not installed")
    if not (WEB / "node_modules").is_dir():
        pytest.skip("the page's tools are not there: run npm ci in web/")
    command = [npm, "run", "--silent", script, "--", "--outDir", str(folder), "--logLevel", "warn"]
    finished = subprocess.run(command, cwd=WEB, capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stdout + finished.stderr
