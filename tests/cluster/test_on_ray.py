"""Many machines do what one does; whatever is lost on the way, nothing is lost or doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest
from machines import Machines
from photos_anywhere import files_below, finish, locally_enhanced, names_below, put_photos

from fivefold.cluster.attempts import MAX_ATTEMPTS
from s3_server import new_bucket

Start = Callable[..., subprocess.Popen[str]]


@dataclass
class Done:
    """What a command on a cluster left behind."""

    bucket: str
    code: int
    records: list[dict[str, Any]]
    errors: str
    expected: dict[str, bytes]


@pytest.fixture(scope="module")
def done(machines: Machines, bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Ten photos, one file that is none, and one that kills whoever opens it."""
    bucket = new_bucket()
    photos = put_photos(f"{bucket}/in", 10)
    fsspec.filesystem("s3").pipe(
        {f"{bucket}/in/none.jpg": b"no photo", f"{bucket}/in/deadly.jpg": b"kills its worker"}
    )
    command = [sys.executable, "-m", "fivefold", "enhance", f"{bucket}/in", "-o", f"{bucket}/out"]
    command += ["--cluster", machines.address, "--bundle", str(bundle_path), "--json"]
    code, records, errors = finish(
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    )
    expected = locally_enhanced(photos, tmp_path_factory.mktemp("here"), bundle_path)
    return Done(bucket, code, records, errors, expected)


def test_the_results_are_those_of_one_machine(done: Done) -> None:
    """Byte for byte, below the same names, and nothing else is there."""
    assert files_below(f"{done.bucket}/out") == done.expected


def test_every_photo_is_told_once(done: Done) -> None:
    """What failed fails the command, each with its reason; the summary counts all."""
    *told, last = done.records
    assert sorted(record["source"] for record in told) == sorted(
        f"{done.bucket}/in/{name}" for name in (*done.expected, "none.jpg", "deadly.jpg")
    )
    failed = {record["source"]: record["error"] for record in told if not record["ok"]}
    assert set(failed) == {f"{done.bucket}/in/none.jpg", f"{done.bucket}/in/deadly.jpg"}
    assert "not a picture" in failed[f"{done.bucket}/in/none.jpg"]
    assert f"{MAX_ATTEMPTS} workers died" in failed[f"{done.bucket}/in/deadly.jpg"]
    assert (last["summary"]["enhanced"], last["summary"]["failed"]) == (10, 2)
    assert done.code == 1
    assert len(done.errors.splitlines()) == 2


def test_a_deadly_photo_is_not_tried_for_ever(done: Done, machines: Machines) -> None:
    """As often as it says, and at most the photo before it is done again for its sake, once."""
    attempts = machines.attempts()
    assert attempts["deadly.jpg"] == MAX_ATTEMPTS
    assert attempts["none.jpg"] == 1
    assert sum(attempts[name.rpartition("/")[2]] for name in done.expected) <= 10 + 1


def test_going_on_tries_only_what_failed(done: Done, machines: Machines, enhance: Start) -> None:
    """Results that are there stay; a deadly photo is told again, and kills nobody."""
    bucket = done.bucket
    before = machines.attempts()
    words = [f"{bucket}/in", "-o", f"{bucket}/out", "--skip-existing"]
    code, records, _ = finish(enhance(*words))
    summary = records[-1]["summary"]
    assert (summary["enhanced"], summary["skipped"], summary["failed"]) == (0, 10, 2)
    assert machines.attempts() == before
    assert code == 1


def test_lost_workers_and_machines_are_made_up_for(
    machines: Machines, bundle_path: Path, enhance: Start, bucket: str, tmp_path: Path
) -> None:
    """A worker is killed, then a machine goes: every photo is there, once, and right."""
    photos = put_photos(f"{bucket}/in", 40)
    before = machines.attempts()
    process = enhance(f"{bucket}/in", "-o", f"{bucket}/out", "--cluster", machines.address)
    wait_for(lambda: len(names_below(f"{bucket}/out")) >= 4, process)
    os.kill(machines.workers()[-1], signal.SIGKILL)
    wait_for(lambda: len(names_below(f"{bucket}/out")) >= 14, process)
    machines.remove()
    left = len(names_below(f"{bucket}/out"))
    code, records, errors = finish(process)
    machines.add()
    assert left < 40, "the machine was lost too late to matter"
    assert (code, errors) == (0, "")
    *told, last = records
    assert last["summary"]["enhanced"] == 40
    assert len({record["source"] for record in told}) == len(told) == 40
    assert files_below(f"{bucket}/out") == locally_enhanced(photos, tmp_path, bundle_path)
    again = machines.attempts() - before
    assert sum(again.values()) <= 40 + 8, "only what was under way is done again"


def test_what_stops_a_worker_is_told_by_the_driver(machines: Machines, tmp_path: Path) -> None:
    """As the exception that it was, in one line."""
    program = """
import sys
from fivefold.cluster.on_ray import enhance_on_ray, ray_cluster
from fivefold.cluster.plan import RemoteTask
from fivefold.errors import BundleDamagedError
from fivefold.runtime.batch import Settings
with ray_cluster(sys.argv[1]):
    try:
        list(enhance_on_ray([RemoteTask(*sys.argv[2:])], b"no bundle", Settings()))
    except BundleDamagedError as error:
        print(error)
"""
    photos = put_photos(str(tmp_path / "in"), 1)
    (source,) = (str(tmp_path / "in" / name) for name in photos)
    command = [sys.executable, "-c", program, machines.address, source, str(tmp_path / "out.png")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout == "bundle: not a fivefold bundle\n", done.stderr


def test_a_cluster_that_is_not_there_is_told(enhance: Start, bucket: str) -> None:
    """In one line, with its address, and without a trace of Ray's."""
    put_photos(f"{bucket}/in", 1)
    code, records, errors = finish(
        enhance(f"{bucket}/in", "-o", f"{bucket}/out", "--cluster", "127.0.0.1:9")
    )
    assert (code, records) == (1, [])
    assert errors.startswith("fivefold: 127.0.0.1:9: ")
    assert len(errors.splitlines()) == 1


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline_s = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
