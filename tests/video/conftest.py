"""Fixtures of the videos' tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from clips import Told

from fivefold.cli import main
from tiny_bundle import bundle_path, enhancer, network, write_tiny

__all__ = ["bundle_path", "enhancer", "network", "write_tiny"]


@pytest.fixture
def fivefold(bundle_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Run a command in this process, with the tiny bundle."""

    def run(*words: str | Path) -> Told:
        try:
            code = main([*map(str, words), "--bundle", str(bundle_path)])
        except SystemExit as leaving:
            code = leaving.code
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Told(code, out, err)

    return run
