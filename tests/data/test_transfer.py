from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from unreliable_server import Mishap, UnreliableServer

from fivefold.data.fivek import RemoteFile
from fivefold.data.pace import Pace, Patience, StoppedError
from fivefold.data.part import DiskError
from fivefold.data.transfer import MissingFileError, fetch
from fivefold.errors import DataError

QUICK = Patience(attempts=3, first_wait_s=0.001, longest_wait_s=0.02, timeout_s=2.0)
BODY = random.Random(1).randbytes(5000)


@pytest.fixture
def file(server: UnreliableServer) -> RemoteFile:
    server.files["img/a.bin"] = BODY
    server.etags["img/a.bin"] = '"v1"'
    return RemoteFile(url=server.url + "img/a.bin", path="img/a.bin")


def bring(file: RemoteFile, folder: Path, patience: Patience = QUICK) -> bytes:
    size = fetch(file, folder, pace=Pace(), patience=patience)
    content = (folder / file.path).read_bytes()
    assert size == len(content)
    return content


def leave_part(folder: Path, content: bytes, **note: object) -> None:
    goal = folder / "img/a.bin"
    goal.parent.mkdir(parents=True, exist_ok=True)
    (folder / "img/a.bin.part").write_bytes(content)
    facts = {"size_bytes": len(BODY), "etag": '"v1"', "last_modified": None} | note
    (folder / "img/a.bin.part.json").write_text(json.dumps(facts))


def test_a_file_arrives_whole_and_leaves_nothing_else(file: RemoteFile, tmp_path: Path) -> None:
    """A transfer gives the server's bytes, and no part or note stays behind."""
    assert bring(file, tmp_path) == BODY
    assert [path.name for path in (tmp_path / "img").iterdir()] == ["a.bin"]


@pytest.mark.parametrize("count", [0, 1, 2, 2500, 4998, 4999, 5000])
def test_a_part_of_any_length_is_completed(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path, count: int
) -> None:
    """Whatever byte an earlier run ended at, only the rest is asked for, and the whole is right."""
    leave_part(tmp_path, BODY[:count])
    assert bring(file, tmp_path) == BODY
    (asked,) = server.requests_for(file.path)
    assert asked.range == (f"bytes={count}-" if count else None)
    assert asked.if_range == ('"v1"' if count else None)


@pytest.mark.parametrize("cut", [0, 1, 20, 40])
def test_a_note_cut_short_discards_the_part(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path, cut: int
) -> None:
    """Bytes of an unknown version are not trusted."""
    leave_part(tmp_path, b"x" * 100)
    note = tmp_path / "img/a.bin.part.json"
    note.write_bytes(note.read_bytes()[:cut])
    assert bring(file, tmp_path) == BODY
    assert server.requests_for(file.path)[0].range is None


def test_a_broken_connection_goes_on_where_it_broke(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path
) -> None:
    """Each break costs one request for what is still missing."""
    server.mishaps[file.path].extend(Mishap(break_after=1000) for _ in range(4))
    assert bring(file, tmp_path) == BODY
    ranges = [asked.range for asked in server.requests_for(file.path)]
    assert ranges == [None] + [f"bytes={1000 * i}-" for i in range(1, 5)]


def test_progress_renews_patience(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path
) -> None:
    """More breaks than attempts are survived as long as each try brings new bytes."""
    server.mishaps[file.path].extend(Mishap(break_after=100) for _ in range(20))
    assert bring(file, tmp_path) == BODY


def test_a_server_without_progress_is_given_up(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path
) -> None:
    """After the stated number of fruitless tries the reason is told, and the part is kept."""
    leave_part(tmp_path, BODY[:100])
    server.always[file.path] = Mishap(break_after=0)
    with pytest.raises(DataError, match=r"100 of 5000 bytes.*3 attempts"):
        bring(file, tmp_path)
    assert len(server.requests_for(file.path)) == 3
    assert (tmp_path / "img/a.bin.part").stat().st_size == 100


def test_a_server_that_ignores_ranges_is_read_from_the_start(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path
) -> None:
    """A 200 answer to a range request replaces the part instead of being appended to it."""
    leave_part(tmp_path, BODY[:700])
    server.always[file.path] = Mishap(ignore_range=True)
    assert bring(file, tmp_path) == BODY


def test_a_breaking_server_without_ranges_does_not_go_on_for_ever(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path
) -> None:
    """Reading the same bytes again is no progress."""
    server.always[file.path] = Mishap(ignore_range=True, break_after=500)
    with pytest.raises(DataError, match="500 of 5000"):
        bring(file, tmp_path)
    assert len(server.requests_for(file.path)) == 4  # one that brought bytes, three that did not


def test_a_file_that_changed_is_read_anew(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path
) -> None:
    """Parts of two versions are never joined."""
    leave_part(tmp_path, b"old" * 100, etag='"v0"', size_bytes=300_000)
    assert bring(file, tmp_path) == BODY


@pytest.mark.parametrize("size", [100, 4000, 6000])
def test_a_changed_size_without_validators_is_noticed(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path, size: int
) -> None:
    """The size alone tells versions apart where the server names none."""
    del server.etags[file.path]
    leave_part(tmp_path, b"x" * min(size, 4500), etag=None, size_bytes=size)
    assert bring(file, tmp_path) == BODY


def test_a_part_longer_than_the_file_is_discarded(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path
) -> None:
    """A 416 answer with another size means that the part is of another version."""
    leave_part(tmp_path, b"x" * 9000, size_bytes=9500)
    assert bring(file, tmp_path) == BODY


def test_a_range_that_starts_elsewhere_is_not_appended(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path
) -> None:
    """A 206 answer counts only if it goes on at the very next byte."""
    leave_part(tmp_path, BODY[:700])
    server.mishaps[file.path].append(Mishap(wrong_range=True))
    assert bring(file, tmp_path) == BODY


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_file_is_told_at_once(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path, status: int
) -> None:
    """404 and 410 are answers, not accidents: no second request."""
    server.always[file.path] = Mishap(status=status)
    with pytest.raises(MissingFileError, match=str(status)):
        bring(file, tmp_path)
    assert len(server.requests_for(file.path)) == 1


def test_a_refusal_is_told_at_once(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path
) -> None:
    """Other refusals are not retried either, and are no missing file."""
    server.always[file.path] = Mishap(status=403)
    with pytest.raises(DataError, match="403") as caught:
        bring(file, tmp_path)
    assert not isinstance(caught.value, MissingFileError)
    assert len(server.requests_for(file.path)) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path, status: int
) -> None:
    """Passing trouble is retried, after the wait that the server asks for, capped by patience."""
    asked_for = {"Retry-After": "3600"}
    server.mishaps[file.path].append(Mishap(status=status, headers=asked_for))
    began_s = time.monotonic()
    assert bring(file, tmp_path) == BODY
    assert 0.02 <= time.monotonic() - began_s < 2
    assert len(server.requests_for(file.path)) == 2


@pytest.mark.parametrize(
    "date", ["Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT", "soon"]
)
def test_a_date_to_come_back_at(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path, date: str
) -> None:
    """``Retry-After`` may be a date, past, far off (capped) or none at all."""
    server.mishaps[file.path].append(Mishap(status=503, headers={"Retry-After": date}))
    began_s = time.monotonic()
    assert bring(file, tmp_path) == BODY
    assert time.monotonic() - began_s < 2


def test_an_answer_without_a_size_is_refused(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path
) -> None:
    """A size that was never stated cannot be checked, so the file does not appear."""
    server.always[file.path] = Mishap(no_length=True)
    with pytest.raises(DataError, match="no size"):
        bring(file, tmp_path)
    assert not (tmp_path / file.path).exists()


def test_chunks_delimit_themselves(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path
) -> None:
    """A chunked answer needs no stated size, and one that breaks is noticed."""
    server.mishaps[file.path].append(Mishap(chunked=True, break_after=2000))
    server.always[file.path] = Mishap(chunked=True)
    assert bring(file, tmp_path) == BODY


def test_a_silent_server_times_out(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path
) -> None:
    """A server that accepts and says nothing is a failure after the stated silence."""
    server.mishaps[file.path].append(Mishap(stall_s=30.0))
    patience = Patience(attempts=3, first_wait_s=0.001, timeout_s=0.2)
    assert bring(file, tmp_path, patience) == BODY


def test_no_server_at_all_is_given_up(tmp_path: Path) -> None:
    """A refused connection is retried and then told in one line."""
    file = RemoteFile(url="http://127.0.0.1:9/a.bin", path="a.bin")
    with pytest.raises(DataError, match="3 attempts") as caught:
        bring(file, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_no_network_trouble(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path
) -> None:
    """Disk errors are told apart, so that a download can stop instead of trying 30,000 files."""
    (tmp_path / "img").write_text("in the way")
    with pytest.raises(DiskError):
        bring(file, tmp_path)
    assert server.asked == []


def test_stop_keeps_what_arrived(
    file: RemoteFile, server: UnreliableServer, tmp_path: Path
) -> None:
    """A stopped transfer ends at once and can go on later."""
    pace = Pace(bytes_per_s=1.0)  # the first block takes 5000 s
    with pytest.raises(StoppedError):
        fetch(
            file,
            tmp_path,
            pace=pace,
            patience=QUICK,
            on_bytes=lambda count: pace.stop.set() if count else None,
        )
    assert (tmp_path / "img/a.bin.part").read_bytes() == BODY
    assert bring(file, tmp_path) == BODY


def test_pace_limits_requests_and_bytes() -> None:
    """Five requests at 50 a second take 4 gaps; 3,000 bytes at 30,000 a second take 0.1 s."""
    pace = Pace(requests_per_s=50.0, bytes_per_s=30_000.0)
    began_s = time.monotonic()
    for _ in range(5):
        pace.before_request()
    assert 0.08 <= time.monotonic() - began_s < 0.5
    began_s = time.monotonic()
    for _ in range(3):
        pace.after_bytes(1000)
    assert 0.1 <= time.monotonic() - began_s < 0.5


def test_pace_refuses_a_limit_of_nothing() -> None:
    """A limit of 0 would wait for ever."""
    with pytest.raises(ValueError, match=r"bytes_per_s.*0"):
        Pace(bytes_per_s=0)


def test_waits_double_up_to_a_bound() -> None:
    """The bound of the n-th wait is first · 2ⁿ⁻¹, capped; the jitter scales it."""
    patience = Patience(first_wait_s=1.0, longest_wait_s=5.0)
    assert [patience.wait_s(n, 1.0) for n in (1, 2, 3, 4, 9)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert patience.wait_s(3, 0.25) == 1.0


def test_kill_in_the_middle_of_a_transfer(server: UnreliableServer, tmp_path: Path) -> None:
    """A process killed by signal 9 leaves a part that the next one completes, byte for byte."""
    body = random.Random(2).randbytes(3_000_000)
    server.files["b.bin"], server.etags["b.bin"] = body, '"b"'
    program = (
        "import sys; from pathlib import Path\n"
        "from fivefold.data.fivek import RemoteFile\n"
        "from fivefold.data.pace import Pace, Patience\n"
        "from fivefold.data.transfer import fetch\n"
        "fetch(RemoteFile(sys.argv[1], 'b.bin'), Path(sys.argv[2]),"
        " pace=Pace(bytes_per_s=2e6), patience=Patience())"
    )
    url = server.url + "b.bin"
    process = subprocess.Popen([sys.executable, "-c", program, url, str(tmp_path)])
    part = tmp_path / "b.bin.part"
    while not part.exists() or part.stat().st_size == 0:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    count = part.stat().st_size
    assert 0 < count < len(body)
    assert bring(RemoteFile(url, "b.bin"), tmp_path) == body
    assert server.requests_for("b.bin")[-1].range == f"bytes={count}-"
