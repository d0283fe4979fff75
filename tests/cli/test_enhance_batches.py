"""Thousands of photos: killed anywhere, finished later, and nothing lost on the way."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import Result
from PIL import Image

from fivefold.photo import atomic
from fivefold.photo.files import read_photo
from fivefold.runtime import batch
from fivefold.runtime.journal import JOURNAL_NAME

Run = Callable[..., Result]
Start = Callable[..., subprocess.Popen[bytes]]


def make_photos(folder: Path, count: int, size: tuple[int, int] = (9, 12)) -> None:
    """Tiny photos, each of a level of its own, in two folders."""
    for number in range(count):
        path = folder / f"{number % 2}/{number:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((*size, 3), number % 180, np.uint8)).save(path)


def everything(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def results(folder: Path) -> list[str]:
    """What people see: nothing hidden."""
    visible = [path for path in everything(folder) if not path.name.startswith(".")]
    return [str(path.relative_to(folder)) for path in visible]


def journal_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / JOURNAL_NAME).read_bytes().splitlines()]


def test_killed_anywhere_only_whole_files_are_left_and_a_second_run_finishes(
    fivefold: Run, start: Start, photos: Path
) -> None:
    """``kill -9`` six times at random; then each photo has its result, and nothing else is there.

    The journal may lack the results of the moments of the kills, and has no other gaps.
    """
    make_photos(photos / "many", 300)
    chance = random.Random(5)
    words = ["enhance", "many", "-o", "out", "--skip-existing"]
    kills = 0
    for goal in (1, 20, 60, 110, 170, 230):
        process = start(*words, "--jobs", "2", stderr=subprocess.DEVNULL)
        deadline_s = time.monotonic() + 60
        while process.poll() is None and len(results(photos / "out")) < goal:
            assert time.monotonic() < deadline_s
            time.sleep(0.001)
        time.sleep(chance.random() * 0.02)
        process.kill()
        process.communicate(timeout=60)
        kills += process.returncode == -9
        for name in results(photos / "out"):
            assert read_photo(photos / "out" / name).pixels.shape == (9, 12, 3)
        hidden = {p for p in everything(photos / "out") if p.name.startswith(".")}
        parts = {p for p in hidden if p.name.endswith(atomic.PARTIAL_SUFFIX)}
        assert hidden - parts <= {photos / "out" / JOURNAL_NAME}
        assert len(parts) <= 2
    assert kills >= 4
    # What a kill leaves depends on the moment: be sure that there is something to clear.
    (photos / f"out/0/.0123456789abcdef{atomic.PARTIAL_SUFFIX}").write_bytes(b"half")
    last = fivefold(*words)
    assert last.code == 0
    assert results(photos / "out") == results(photos / "many")
    assert len(everything(photos / "out")) == 301
    for number in (0, 150, 299):
        level = number % 180
        result = read_photo(photos / f"out/{number % 2}/{number:05}.png").pixels
        assert np.abs(result - level * (1.25 + 0.1 * level / 255)).max() <= 1
    lines = (photos / "out" / JOURNAL_NAME).read_bytes().splitlines()
    noted = {json.loads(line)["target"] for line in lines if line.endswith(b"}")}
    assert len(noted) >= 300 - 2 * kills
    again = fivefold(*words)
    assert "0 photos enhanced, 300 skipped in" in again.err


def test_what_is_being_written_is_not_cleared_away(tmp_path: Path) -> None:
    """Of two temporary files one has a writer: it stays."""
    dead, alive = (tmp_path / f".{name}{atomic.PARTIAL_SUFFIX}" for name in ("dead", "alive"))
    dead.write_bytes(b"half")
    code = f"""
import sys, time
from pathlib import Path
from fivefold.photo import atomic
with Path({str(alive)!r}).open("xb") as file:
    atomic._lock(file)
    print("ready", flush=True)
    sys.stdin.read()
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as writer:
        assert writer.stdout.readline() == b"ready\n"
        atomic.remove_leftovers(tmp_path)
        assert list(tmp_path.iterdir()) == [alive]
        writer.kill()
    atomic.remove_leftovers(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_of_results_has_a_hidden_journal(fivefold: Run, photos: Path) -> None:
    """One line for each photo, also for those that failed, in the output folder only."""
    (photos / "in/bad.png").write_text("text")
    before = everything(photos / "in")
    assert fivefold("enhance", "in", "-o", "out").code == 1
    entries = {entry["target"]: entry for entry in journal_of(photos / "out")}
    assert set(entries) == {"a.jpg", "b.png", "sub/c.webp", "bad.png"}
    assert entries["a.jpg"]["source"] == "../in/a.jpg"
    assert entries["a.jpg"]["model"] == "tiny"
    assert entries["bad.png"]["error"].startswith("in/bad.png: ")
    assert entries["bad.png"]["target_bytes"] is None
    assert everything(photos / "in") == before


@pytest.mark.parametrize(
    "words",
    [
        ["in/a.jpg"],
        ["in"],
        ["in", "--in-place"],
        ["in/a.jpg", "-o", "x.jpg"],
        ["in/a.jpg", "-o", "out"],
        ["in", "-o", "out", "--no-journal"],
        ["in", "-o", "out", "--dry-run"],
    ],
)
def test_no_journal_where_nobody_expects_one(fivefold: Run, photos: Path, words: list[str]) -> None:
    """Beside photos, for a single one, unwanted, or when nothing is done."""
    assert fivefold("enhance", *words).code == 0
    assert not [path for path in everything(photos) if path.name.startswith(".")]


def test_a_journal_may_be_asked_for(fivefold: Run, photos: Path) -> None:
    """In any place, for any way to work; one that cannot be written is told before any work."""
    assert fivefold("enhance", "in/a.jpg", "--journal", "j").code == 0
    assert json.loads((photos / "j").read_text())["target"] == "in/a_enhanced.jpg"
    before = everything(photos)
    result = fivefold("enhance", "in", "--journal", "in/a.jpg/j")
    assert (result.code, result.err) == (1, "fivefold: in/a.jpg: is a file, not a folder\n")
    assert fivefold("enhance", "-", "-o", "x.png", "--journal", "j").code == 2
    assert fivefold("enhance", "in", "--journal", "").code == 2
    assert everything(photos) == before


def test_the_folder_of_a_journal_is_made(fivefold: Run, photos: Path) -> None:
    """As the output folder is, in which it may lie, and elsewhere."""
    for name in ("out/log.jsonl", "logs/of/today.jsonl"):
        assert fivefold("enhance", "in", "-o", "out", "--journal", name).code == 0
        assert len((photos / name).read_bytes().splitlines()) == 3


@pytest.mark.parametrize("words", [["in/b.png", "-o", "x.png"], ["in", "-o", "out"]])
def test_a_journal_is_never_added_to_a_photo(fivefold: Run, photos: Path, words: list[str]) -> None:
    """``--journal`` names a photo by mistake: one line, no work, and the photo is as it was."""
    before = {path: path.read_bytes() for path in everything(photos)}
    result = fivefold("enhance", *words, "--journal", "in/a.jpg")
    assert result.code == 1
    assert result.err == (
        "fivefold: in/a.jpg: is there already and not a journal; it is left as it is\n"
    )
    assert {path: path.read_bytes() for path in everything(photos)} == before


def test_what_is_out_of_date_is_told_and_made_anew_on_request(fivefold: Run, photos: Path) -> None:
    """``--skip-existing`` keeps and counts it; ``--update`` makes it, but not what is by hand."""
    assert fivefold("enhance", "in", "-o", "out").code == 0
    shutil.copy(photos / "in/b.png", photos / "in/a.jpg")
    half = ["enhance", "in", "-o", "out", "--strength", "0.5"]
    kept = {path: path.read_bytes() for path in everything(photos / "out")}
    result = fivefold(*half, "--skip-existing")
    assert "0 photos enhanced, 3 skipped (3 out of date: --update) in" in result.err
    same = fivefold("enhance", "in", "-o", "out", "--skip-existing", "--json").records
    stale = {record["source"]: record["stale"] for record in same if "source" in record}
    assert stale == {"in/a.jpg": "the photo has changed since", "in/b.png": None} | {
        "in/sub/c.webp": None
    }
    assert same[-1]["summary"]["stale"] == 1
    assert {path: path.read_bytes() for path in everything(photos / "out")} == kept
    (photos / "out/sub/c.webp").write_text("retouched by hand")
    told = fivefold(*half, "--update", "--dry-run").out.splitlines()
    assert [line.endswith("(exists: skipped)") for line in told] == [False, False, True]
    result = fivefold(*half, "--update")
    assert "2 photos enhanced, 1 skipped in" in result.err
    assert (photos / "out/sub/c.webp").read_text() == "retouched by hand"
    assert "0 photos enhanced, 3 skipped in" in fivefold(*half, "--update").err


def test_without_a_journal_times_tell_what_is_out_of_date(fivefold: Run, photos: Path) -> None:
    """As with ``cp --update``: a photo newer than its result is enhanced again."""
    words = ["enhance", "in", "-o", "out", "--no-journal", "--update"]
    assert "3 photos enhanced in" in fivefold(*words).err
    later_s = time.time() + 60
    os.utime(photos / "in/b.png", (later_s, later_s))
    assert "1 photo enhanced, 2 skipped in" in fivefold(*words).err


def test_times_of_files_are_kept_on_request(fivefold: Run, photos: Path) -> None:
    """The result's is the photo's, and ``--update`` still knows that it is up to date."""
    os.utime(photos / "in/a.jpg", (1_000_000_000, 1_000_000_000))
    for words in ([], ["--no-journal"]):
        shutil.rmtree(photos / "out", ignore_errors=True)
        assert fivefold("enhance", "in", "-o", "out", "--keep-times", *words).code == 0
        assert (photos / "out/a.jpg").stat().st_mtime == 1_000_000_000
        again = fivefold("enhance", "in", "-o", "out", "--keep-times", "--update", *words)
        assert "0 photos enhanced, 3 skipped in" in again.err
    assert fivefold("enhance", "in/a.jpg", "-o", "new.jpg").code == 0
    assert (photos / "new.jpg").stat().st_mtime > 1_000_000_000
    assert fivefold("enhance", "-", "-o", "new.jpg", "--keep-times").code == 2


def test_originals_in_the_output_folder_are_told_and_safe(fivefold: Run, photos: Path) -> None:
    """A folder below the input may hold originals: not taken for results, not overwritten."""
    shutil.copytree(photos / "in/sub", photos / "in/best")
    result = fivefold("enhance", "in", "-o", "in/best")
    assert result.code == 0
    assert result.errors == [
        "fivefold: in/best: a photo that is there already left out, since results go there"
    ]
    assert results(photos / "in/best") == ["a.jpg", "b.png", "c.webp", "sub/c.webp"]
    again = fivefold("enhance", "in", "-o", "in/best")
    assert (again.code, again.errors) == (0, result.errors)
    assert len(results(photos / "in/best")) == 4

    (photos / "in/best/c.webp").rename(photos / "in/new.webp")
    shutil.copy(photos / "in/a.jpg", photos / "in/best/new.webp")
    before = (photos / "in/best/new.webp").read_bytes()
    for words in ([], ["--update"], ["--no-journal"]):
        result = fivefold("enhance", "in", "-o", "in/best", *words)
        assert result.code == 2
        assert "would overwrite in/best/" in result.err
        assert "no journal names as a result" in result.err
    assert fivefold("enhance", "in", "-o", "in/best", "--skip-existing").code == 0
    assert (photos / "in/best/new.webp").read_bytes() == before


def test_a_pattern_does_not_find_the_results_of_an_earlier_run(fivefold: Run, photos: Path) -> None:
    """``**`` reaches into the output folder; its photos are results."""
    for _ in range(2):
        assert fivefold("enhance", "in/**/*", "-o", "in/out").code == 0
        assert results(photos / "in/out") == ["a.jpg", "b.png", "sub/c.webp"]
    png = fivefold("enhance", "in/*.jpg", "-o", "in", "--format", "png")
    assert (png.code, (photos / "in/a.png").exists()) == (0, True)


def test_a_photo_that_vanishes_is_one_line(
    fivefold: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was found, and is gone when its turn comes: the others are enhanced."""
    read = batch.read_photo

    def vanishing(path: Path, **_: Any) -> Any:
        Path("in/b.png").unlink(missing_ok=True)
        return read(path)

    monkeypatch.setattr(batch, "read_photo", vanishing)
    result = fivefold("enhance", "in", "-o", "out", "--jobs", "1")
    assert result.code == 1
    assert result.errors == ["fivefold: in/b.png: no such file or directory"]
    assert results(photos / "out") == ["a.jpg", "sub/c.webp"]


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("change", ["grows", "is replaced", "vanishes"])
def test_a_photo_that_changes_while_it_is_enhanced_is_not_overwritten(
    fivefold: Run, photos: Path, monkeypatch: pytest.MonkeyPatch, change: str, in_place: bool
) -> None:
    """What was read is not what is there: told, no result of half a photo, no edit lost."""
    read = batch.read_photo
    path = Path("in/b.png")

    def changing(source: Path, **_: Any) -> Any:
        photo = read(source)
        if source == path and change == "grows":
            with path.open("ab") as file:
                file.write(b"more")
        elif source == path and change == "is replaced":
            Path("new").write_text("an edit that took a moment")
            Path("new").rename(path)
        elif source == path:
            path.unlink()
        return photo

    monkeypatch.setattr(batch, "read_photo", changing)
    result = fivefold("enhance", "in", *(["--in-place"] if in_place else ["-o", "out"]))
    assert result.code == 1
    assert result.errors == ["fivefold: in/b.png: changed while it was read"]
    assert path.exists() == (change != "vanishes")
    assert not (photos / "out/b.png").exists()
    if change == "is replaced":
        assert path.read_text() == "an edit that took a moment"


def test_a_full_disk_costs_the_rest_and_a_second_run_finishes(
    fivefold: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 20 files nothing fits, not even a line of the journal: one error each, whole files."""
    make_photos(photos / "many", 50)
    write, room = atomic.write_atomically, iter(range(20))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def filling(path: Path, parts: Any) -> None:
        if next(room, None) is None:
            monkeypatch.setattr(os, "write", full)
            full()
        write(path, parts)

    monkeypatch.setattr("fivefold.photo.files.write_atomically", filling)
    result = fivefold("enhance", "many", "-o", "out", "--jobs", "1")
    monkeypatch.undo()
    monkeypatch.chdir(photos)
    assert result.code == 1
    *lines, journal = result.errors
    assert len(lines) == 30
    assert all(line.endswith(".png: no space left on device") for line in lines)
    assert journal == (
        f"fivefold: out/{JOURNAL_NAME}: No space left on device; the journal is not complete"
    )
    assert len(results(photos / "out")) == 20
    assert "30 photos enhanced, 20 skipped in" in (
        fivefold("enhance", "many", "-o", "out", "--skip-existing").err
    )
    assert len(journal_of(photos / "out")) == 50


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_photos_without_permission_are_one_line_each(fivefold: Run, photos: Path) -> None:
    """A file and a folder that may not be read: both told, the rest enhanced."""
    (photos / "in/b.png").chmod(0)
    (photos / "in/sub").chmod(0)
    result = fivefold("enhance", "in", "-o", "out")
    (photos / "in/sub").chmod(0o755)
    assert result.code == 1
    assert sorted(result.errors) == [
        "fivefold: in/b.png: permission denied",
        "fivefold: in/sub: Permission denied",
    ]
    assert results(photos / "out") == ["a.jpg"]


def test_permission_errors_are_told_whoever_runs_it(
    fivefold: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, refused by the calls and not by the file system: also root sees these lines."""
    open_file = Path.open

    def refusing(path: Path, *options: Any, **more: Any) -> Any:
        if path.name == "b.png":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return open_file(path, *options, **more)

    monkeypatch.setattr(Path, "open", refusing)
    result = fivefold("enhance", "in", "-o", "out")
    assert result.code == 1
    assert result.errors == ["fivefold: in/b.png: permission denied"]
    assert results(photos / "out") == ["a.jpg", "sub/c.webp"]


def test_links_that_go_in_circles_end(fivefold: Run, photos: Path) -> None:
    """A folder that links to itself is not followed; a link to itself is one line."""
    (photos / "in/sub/up").symlink_to(photos / "in")
    (photos / "in/one.jpg").symlink_to("two.jpg")
    (photos / "in/two.jpg").symlink_to("one.jpg")
    (photos / "in/link.jpg").symlink_to("a.jpg")
    result = fivefold("enhance", "in", "-o", "out")
    assert result.code == 1
    assert sorted(result.errors) == [
        f"fivefold: in/{name}.jpg: too many levels of symbolic links" for name in ("one", "two")
    ]
    assert results(photos / "out") == ["a.jpg", "b.png", "sub/c.webp"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_pipes_among_the_photos_are_passed_over(fivefold: Run, photos: Path) -> None:
    """Reading one that nobody writes to would wait for ever."""
    os.mkfifo(photos / "in/pipe.jpg")
    for words in (["in"], ["in/*.jpg"]):
        assert fivefold("enhance", *words, "-o", "out").code == 0


@pytest.mark.parametrize(
    "name", ["zwei\nZeilen.png", "ä – 写真 📷.png", " .png", "-o.png", "%s.png"]
)
def test_any_name_is_enhanced_under_that_name(fivefold: Run, photos: Path, name: str) -> None:
    """Line ends, other scripts, blanks, what looks like an option; and told on one line."""
    (photos / "in/b.png").rename(photos / "in" / name)
    result = fivefold("enhance", "in", "-o", "out", "--json")
    assert result.code == 0
    assert name in {path.name for path in (photos / "out").iterdir()}
    assert f"in/{name}" in [record.get("source") for record in result.records]
    again = fivefold("enhance", "in", "-o", "out", "--update")
    assert "0 photos enhanced, 3 skipped in" in again.err


def test_memory_stays_flat(start: Start, photos: Path) -> None:
    """Over 500 photos of 32 KiB the process grows by less than half of their size."""
    make_photos(photos / "many", 100, size=(104, 104))
    for copy in range(1, 6):
        shutil.copytree(photos / "many", photos / f"many/copy{copy}")
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    process = start("enhance", "many", "-o", "out", "--json", "--jobs", "2")
    pages = {}
    for count, _ in enumerate(process.stdout, 1):
        if count in (100, 600):
            pages[count] = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    process.communicate(timeout=60)
    assert process.returncode == 0
    grown_bytes = (pages[600] - pages[100]) * os.sysconf("SC_PAGE_SIZE")
    assert grown_bytes < 8 << 20


def test_cores_are_shared_out_among_photos(
    fivefold: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small photo is decoded on one core, as others load the program; a large one on all.

    In a folder each photo may use as many as there are for it.
    """
    counts: list[int | None] = []

    def noted(source: Path, **options: Any) -> Any:
        counts.append(options["threads"])
        return read_photo(source, **options)

    monkeypatch.setattr(batch, "read_photo", noted)
    monkeypatch.setattr("fivefold.photo.threads.available_threads", lambda: 4)
    folder = photos / "several"
    folder.mkdir()
    small, large = folder / "small.jpg", folder / "large.jpg"
    Image.new("RGB", (20, 30)).save(small)
    large.write_bytes(small.read_bytes() + bytes(8 << 20))
    for inputs, expected in (([small], [1]), ([large], [4]), ([folder], [2, 2])):
        del counts[:]
        assert fivefold("enhance", *inputs, "-o", photos / "results").code == 0
        assert counts == expected
