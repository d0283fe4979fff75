"""A Ray cluster of two machines, and the command that uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from machines import Machines

from s3_server import bucket, s3_server, session_environment
from started_program import start_program
from tiny_bundle import bundle_path, network

__all__ = ["bucket", "bundle_path", "network", "s3_server", "session_environment"]

HERE = Path(__file__).parent
PAUSE_S = 0.1


@pytest.fixture(scope="module")
def machines(
    s3_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Machines]:
    """A cluster of two machines with one core each, which can reach the S3 server."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'fivefold[ray]'")
    log = tmp_path_factory.mktemp("ray") / "attempts"
    program = start_program(
        HERE / "raylets.py",
        PYTHONPATH=os.pathsep.join([str(HERE / "on_workers"), *sys.path]),
        FIVEFOLD_TEST_LOG=str(log),
        FIVEFOLD_TEST_PAUSE_S=str(PAUSE_S),
        RAY_USAGE_STATS_ENABLED="0",
        RAY_worker_niceness="0",  # its workers yield to everything else, which takes long
    )
    yield Machines(program.line(), log, program)
    program.stop()


@pytest.fixture
def enhance(bundle_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start ``fivefold enhance … --json`` with the tiny bundle in a process of its own."""
    with ExitStack() as started:

        def start(*words: str | Path) -> subprocess.Popen[str]:
            command = [sys.executable, "-m", "fivefold", "enhance", *map(str, words), "--json"]
            process = started.enter_context(
                subprocess.Popen(
                    [*command, "--bundle", str(bundle_path)],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            started.callback(process.kill)
            return process

        yield start
