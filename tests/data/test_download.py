from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import threading
from pathlib import Path

import pytest
from unreliable_server import Mishap, UnreliableServer

from fivefold.data import download as module
from fivefold.data.download import Outcome, download, fetch_legal
from fivefold.data.fivek import FivekHost, RemoteFile, read_index, select_files
from fivefold.data.licence import accept, not_accepted, read_licences
from fivefold.data.pace import Pace, Patience, StoppedError
from fivefold.data.part import DiskError
from fivefold.data.progress import Meter, Progress
from fivefold.errors import DataError

QUICK = Patience(attempts=3, first_wait_s=0.001, longest_wait_s=0.02, timeout_s=2.0)
NAMES = {"Adobe": ["a0001-one", "a0003-with space"], "AdobeMIT": ["a0002-two"]}


def tiff(seed: int, size: int = 3000) -> bytes:
    return b"II*\0" + random.Random(seed).randbytes(size)


@pytest.fixture
def host(server: UnreliableServer) -> FivekHost:
    """A small FiveK in the official layout: three photos, experts A and C."""
    for licence, names in NAMES.items():
        server.files[f"legal/License{licence}.txt"] = f"Terms of {licence}.\n".encode()
        server.files[f"legal/files{licence}.txt"] = "\n".join([*names, ""]).encode()
        for name in names:
            quoted = name.replace(" ", "%20")
            server.files[f"img/dng/{quoted}.dng"] = tiff(hash(name) % 1000)
            for expert in "ac":
                server.files[f"img/tiff16_{expert}/{quoted}.tif"] = tiff(ord(expert), 4000)
    return FivekHost(url=server.url)


@pytest.fixture
def folder(host: FivekHost, tmp_path: Path) -> Path:
    """A folder with the lists fetched and the licences accepted."""
    folder = tmp_path / "fivek"
    fetch_legal(folder, host, patience=QUICK)
    accept(folder, read_licences(folder, host))
    return folder


def files_of(folder: Path, host: FivekHost, renditions: tuple[str, ...]) -> list[RemoteFile]:
    return select_files(read_index(folder, host), renditions, host=host)


def run(files: list[RemoteFile], folder: Path, host: FivekHost, **options: object) -> list[Outcome]:
    return download(files, folder, host, pace=Pace(), patience=QUICK, **options)  # type: ignore[arg-type]


def test_the_official_layout_arrives_under_its_own_paths(
    host: FivekHost, server: UnreliableServer, folder: Path
) -> None:
    """Every asked-for picture lies where the server has it; names with spaces included."""
    files = files_of(folder, host, ("input", "a", "c"))
    outcomes = run(files, folder, host)
    assert [o.state for o in outcomes] == ["fetched"] * 9
    assert [o.file for o in outcomes] == files
    assert (folder / "img/dng/a0003-with space.dng").read_bytes() == server.files[
        "img/dng/a0003-with%20space.dng"
    ]
    assert {f.path.split("/")[1] for f in files} == {"dng", "tiff16_a", "tiff16_c"}


def test_a_second_run_asks_the_server_for_nothing(
    host: FivekHost, server: UnreliableServer, folder: Path
) -> None:
    """What arrived whole is kept without a request."""
    files = files_of(folder, host, ("input",))
    run(files, folder, host)
    server.asked.clear()
    assert [o.state for o in run(files, folder, host)] == ["kept"] * 3
    assert server.asked == []


def test_a_kept_file_of_another_size_is_fetched_again(
    host: FivekHost, server: UnreliableServer, folder: Path
) -> None:
    """Sizes are checked on every run."""
    files = files_of(folder, host, ("input",))
    run(files, folder, host)
    goal = folder / files[0].path
    goal.write_bytes(goal.read_bytes()[:-1])
    assert [o.state for o in run(files, folder, host)] == ["fetched", "kept", "kept"]
    assert goal.stat().st_size == 3004


def test_a_leftover_part_of_a_whole_file_is_removed(host: FivekHost, folder: Path) -> None:
    """A kill between renaming the part and deleting its note leaves no litter for good."""
    files = files_of(folder, host, ("c",))
    run(files, folder, host)
    note = folder / (files[0].path + ".part.json")
    note.write_text("{}")
    run(files, folder, host)
    assert not note.exists()


def test_verify_finds_a_changed_byte(host: FivekHost, folder: Path) -> None:
    """With ``verify`` the hash is compared too; without it a flipped byte goes unseen."""
    files = files_of(folder, host, ("input",))
    run(files, folder, host)
    goal = folder / files[1].path
    whole = goal.read_bytes()
    goal.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert [o.state for o in run(files, folder, host)] == ["kept"] * 3
    assert [o.state for o in run(files, folder, host, verify=True)] == ["kept", "fetched", "kept"]
    assert goal.read_bytes() == whole


def test_a_file_that_came_another_way_is_kept_if_its_size_is_right(
    host: FivekHost, server: UnreliableServer, folder: Path
) -> None:
    """Files fetched before with another program are not fetched twice."""
    files = files_of(folder, host, ("input",))
    right, wrong = folder / files[0].path, folder / files[1].path
    right.parent.mkdir(parents=True)
    right.write_bytes(server.files[files[0].path])
    wrong.write_bytes(b"II*\0 half of it")
    assert [o.state for o in run(files, folder, host)] == ["kept", "fetched", "fetched"]
    assert not server.requests_for(files[0].path)
    assert len(server.requests_for(files[0].path, "HEAD")) == 1


def test_what_cannot_be_had_never_stops_the_rest(
    host: FivekHost, server: UnreliableServer, folder: Path
) -> None:
    """A missing file, a refused one, a broken one and a log-in page are each reported."""
    del server.files["img/tiff16_a/a0001-one.tif"]
    server.always["img/tiff16_c/a0001-one.tif"] = Mishap(status=403)
    server.always["img/tiff16_a/a0002-two.tif"] = Mishap(break_after=0)
    server.files["img/tiff16_c/a0002-two.tif"] = b"<html>Please log in</html>"
    files = files_of(folder, host, ("a", "c"))
    outcomes = run(files, folder, host)
    assert [o.state for o in outcomes] == ["missing", "failed", "failed", "failed"] + [
        "fetched"
    ] * 2
    assert [bool(o.reason) for o in outcomes] == [True] * 4 + [False] * 2
    assert "no TIFF" in outcomes[3].reason
    assert not (folder / files[3].path).exists()


def test_the_record_holds_size_and_hash(host: FivekHost, folder: Path) -> None:
    """The record says what arrived, so that anyone can check it later."""
    files = files_of(folder, host, ("c",))
    run(files, folder, host)
    lines = (folder / module.RECORD).read_text().splitlines()
    entries = {entry["path"]: entry for entry in map(json.loads, lines)}
    assert set(entries) == {f.path for f in files}
    for path, entry in entries.items():
        content = (folder / path).read_bytes()
        assert entry["size_bytes"] == len(content) == 4004
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("cut", [1, 30, 90])
def test_a_record_cut_short_costs_one_question(
    host: FivekHost, server: UnreliableServer, folder: Path, cut: int
) -> None:
    """A kill while the record is written loses no file: its size is asked for, no byte fetched."""
    files = files_of(folder, host, ("c",))
    run(files, folder, host)
    record = folder / module.RECORD
    record.write_bytes(record.read_bytes()[:-cut])
    server.asked.clear()
    assert [o.state for o in run(files, folder, host)] == ["kept"] * 3
    assert [a.method for a in server.asked] == ["HEAD"]
    server.asked.clear()
    assert [o.state for o in run(files, folder, host)] == ["kept"] * 3
    assert server.asked == []


def test_workers_share_the_work(host: FivekHost, server: UnreliableServer, folder: Path) -> None:
    """So many files are on their way at once, and no more."""
    files = files_of(folder, host, ("input", "a"))
    for file in files:
        server.always[file.path.replace(" ", "%20")] = Mishap(stall_s=0.1)
    run(files, folder, host, workers=3)
    assert server.most_at_once == 3


def test_progress_ends_at_the_whole(host: FivekHost, folder: Path) -> None:
    """The last report counts every file and byte, and nothing remains."""
    reports: list[Progress] = []
    run(files_of(folder, host, ("a", "c")), folder, host, on_progress=reports.append)
    last = reports[-1]
    assert (last.files_done, last.files, last.remaining_s) == (6, 6, 0.0)
    assert last.bytes_done == last.bytes_expected == 6 * 4004


def test_an_interrupt_stops_and_the_next_run_goes_on(
    host: FivekHost, server: UnreliableServer, folder: Path
) -> None:
    """Ctrl-C ends all workers soon, keeps the parts, and is passed on."""
    files = files_of(folder, host, ("a", "c"))
    for file in files[2:]:
        server.mishaps[file.path.replace(" ", "%20")].append(Mishap(stall_s=0.3))

    def interrupt(progress: Progress) -> None:
        if progress.files_done >= 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(files, folder, host, workers=2, on_progress=interrupt)
    assert not any(t.name.startswith("download") for t in threading.enumerate())
    states = [o.state for o in run(files, folder, host)]
    assert "kept" in states
    assert "fetched" in states
    assert set(states) == {"kept", "fetched"}


def test_stop_ends_a_download(host: FivekHost, folder: Path) -> None:
    """Another thread can end a download through its pace."""
    pace = Pace()
    pace.stop.set()
    with pytest.raises(StoppedError):
        download(files_of(folder, host, ("a",)), folder, host, pace=pace, patience=QUICK)


def test_disk_trouble_stops_everything(
    host: FivekHost, server: UnreliableServer, folder: Path
) -> None:
    """A folder that cannot be written is told once, not once a file."""
    (folder / "img").write_text("in the way")
    with pytest.raises(DiskError, match="img"):
        run(files_of(folder, host, ("a", "c")), folder, host)


def test_two_downloads_in_one_folder_are_refused(
    host: FivekHost, server: UnreliableServer, folder: Path
) -> None:
    """The second says why, instead of writing into the first one's parts."""
    files = files_of(folder, host, ("a",))
    server.mishaps[files[0].path].append(Mishap(stall_s=0.5))
    first = threading.Thread(target=run, args=(files, folder, host))
    first.start()
    while not server.requests_for(files[0].path):
        pass
    with pytest.raises(DataError, match="another download"):
        run(files, folder, host)
    first.join()


def test_without_the_licence_nothing_is_fetched(
    host: FivekHost, server: UnreliableServer, tmp_path: Path
) -> None:
    """The licences are asked for once a folder, and again when their wording changes."""
    folder = tmp_path / "fivek"
    fetch_legal(folder, host, patience=QUICK)
    licences = read_licences(folder, host)
    assert [licence.text for licence in licences] == ["Terms of Adobe.\n", "Terms of AdobeMIT.\n"]
    assert not_accepted(folder, licences) == licences
    files = files_of(folder, host, ("a",))
    with pytest.raises(DataError, match="licence"):
        run(files, folder, host)
    accept(folder, licences)
    assert not_accepted(folder, licences) == []
    assert {o.state for o in run(files, folder, host)} == {"fetched"}
    (folder / "legal/LicenseAdobe.txt").write_text("Other terms.\n")
    assert [li.text for li in not_accepted(folder, read_licences(folder, host))] == [
        "Other terms.\n"
    ]


def test_a_damaged_acceptance_is_told(folder: Path, host: FivekHost) -> None:
    """A file that is no acceptance is neither taken for one nor overwritten."""
    (folder / "licence-accepted.json").write_text("[]")
    with pytest.raises(DataError, match="licence-accepted"):
        not_accepted(folder, read_licences(folder, host))


def test_a_list_that_is_none_is_fetched_again(
    host: FivekHost, server: UnreliableServer, tmp_path: Path
) -> None:
    """A log-in page in place of a list is refused and does not stay in the folder."""
    good = server.files["legal/filesAdobe.txt"]
    server.files["legal/filesAdobe.txt"] = b"<html>\n"
    with pytest.raises(DataError, match="line 1"):
        fetch_legal(tmp_path, host, patience=QUICK)
    server.files["legal/filesAdobe.txt"] = good
    fetch_legal(tmp_path, host, patience=QUICK)
    assert len(read_index(tmp_path, host)) == 3


def test_no_workers_are_refused(host: FivekHost, folder: Path) -> None:
    """A count of workers below one is the caller's mistake."""
    with pytest.raises(ValueError, match=r"workers.*0"):
        run([], folder, host, workers=0)


def test_the_meter_foretells_from_the_files_begun() -> None:
    """Two of four files begun, 100 bytes each: 400 expected; 50 in 10 s: 70 s for 350 more."""
    now_s = 0.0
    meter = Meter(4, clock=lambda: now_s)
    meter.size("a", 100)
    meter.at_hand("a", 0)
    meter.size("b", 100)
    meter.at_hand("b", 20)  # left by an earlier run: at hand, but did not arrive now
    now_s = 10.0
    meter.at_hand("a", 50)
    assert meter.progress() == Progress(0, 4, 70, 400, 5.0, 66.0)


def test_the_meter_counts_missing_files_as_nothing() -> None:
    """A file that the server does not have adds no expected bytes."""
    meter = Meter(2)
    meter.settle("a")
    meter.size("b", 10)
    meter.at_hand("b", 10)
    meter.settle("b")
    progress = meter.progress()
    assert (progress.bytes_expected, progress.remaining_s) == (10, 0.0)


def test_the_rate_forgets_what_is_long_past() -> None:
    """After a pause of minutes the rate is that of the last minute."""
    now_s = 0.0
    meter = Meter(1, clock=lambda: now_s)
    meter.size("a", 10_000)
    meter.at_hand("a", 0)
    for now_s in range(0, 400, 10):
        if now_s >= 300:
            meter.at_hand("a", (now_s - 290) * 10)
        progress = meter.progress()
    assert progress.bytes_per_s == pytest.approx(10.0)


def test_outcomes_are_frozen(folder: Path) -> None:
    """A report is a fact, not a scratch pad."""
    outcome = Outcome(RemoteFile("http://x/", "x"), "kept")
    with pytest.raises(dataclasses.FrozenInstanceError):
        outcome.state = "failed"  # type: ignore[misc]
