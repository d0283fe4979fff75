"""The service under load from another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.web.conftest import encoded, picture, running

SECONDS = float(os.environ.get("FIVEFOLD_LOAD_S", "3"))
STATM = Path("/proc/self/statm")


def load(address: str, photo: Path, path: str, seconds: float, clients: int) -> dict:
    """The figures of ``tests/web/load.py``."""
    command = [sys.executable, "-m", "tests.web.load", address, str(photo), "--path", path]
    finished = subprocess.run(
        [*command, "--seconds", str(seconds), "--clients", str(clients)],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[2],
        timeout=seconds + 90,
    )
    figures: dict = json.loads(finished.stdout)
    return figures


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not STATM.exists(), reason="needs /proc to see another process's memory")
@pytest.mark.parametrize("path", ["/enhance", "/grid"])
def test_no_request_is_lost_and_memory_stays_flat(bundles, tmp_path, path, record_property):
    """More clients than workers: every answer is 200 and whole, and memory does not grow.

    The short run here takes a few seconds; FIVEFOLD_LOAD_S makes it longer.
    """
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(encoded(picture(1000, 750), "JPEG", quality=92))
    with running("--port", "0", "--bundle", str(bundles[0])) as (address, process):
        load(address, photo, path, max(1.5, SECONDS / 3), 8)
        before = resident_bytes(process.pid)
        figures = load(address, photo, path, SECONDS, 8)
        growth = resident_bytes(process.pid) - before
    record_property("figures", figures)
    memory = f"memory {before >> 20} MiB, {growth / (1 << 20):+.1f} MiB"
    sys.stdout.write(f"{path} {figures} {memory}\n")  # shown by pytest -s
    assert figures["statuses"].keys() == {"200"}
    assert figures["requests"] >= 8
    assert growth < max(0.1 * before, 24 << 20)


def test_overload_turns_away_and_loses_nothing(bundles, tmp_path):
    """Past the queue clients get 503 and come back; nobody is cut off, and the rest is served."""
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(encoded(picture(1600, 1200), "JPEG", quality=92))
    limits = ("--workers", "1", "--queue", "1")
    with running("--port", "0", "--bundle", str(bundles[0]), *limits) as (address, _):
        figures = load(address, photo, "/enhance", 2, 8)
    assert figures["statuses"].keys() == {"200", "503"}, figures
