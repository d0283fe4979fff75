"""A journal survives kills and full disks, and knows which results are out of date."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivefold.runtime.bundle import Bundle
from fivefold.runtime.file_state import FileState
from fivefold.runtime.journal import Journal, Recipe, model_sha256

RECIPE = Recipe("tiny", "ab" * 32, 1.0, None, None, strip_metadata=False, note=True)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "in/a.jpg"
    path.parent.mkdir()
    path.write_text("a photo")
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "out/a.jpg"
    path.parent.mkdir()
    path.write_text("a result")
    return path


def note(journal: Journal, photo: Path, target: Path, recipe: Recipe = RECIPE) -> None:
    state = FileState.of(photo)
    journal.add(photo, target, recipe, state=state, seconds=0.25)
    assert journal.failure is None


def test_a_line_tells_what_was_done(photo: Path, target: Path) -> None:
    """Paths from the journal's folder, both states, the recipe, the time: one JSON object."""
    with Journal(target.parent / "j") as journal:
        note(journal, photo, target)
    (line,) = (target.parent / "j").read_text().splitlines()
    entry = json.loads(line)
    assert (entry["source"], entry["target"]) == ("../in/a.jpg", "a.jpg")
    assert (entry["source_bytes"], entry["target_bytes"]) == (7, 8)
    assert entry["source_mtime_ns"] == photo.stat().st_mtime_ns
    assert (entry["model"], entry["strength"], entry["quality"]) == ("tiny", 1.0, None)
    assert (entry["seconds"], entry["error"]) == (0.25, None)
    assert entry["finished"].startswith("20")


def test_a_result_is_known_until_somebody_changes_it(photo: Path, target: Path) -> None:
    """Also by a journal that is opened later, and not once it is gone."""
    with Journal(target.parent / "j") as journal:
        assert not journal.knows(target)
        note(journal, photo, target)
        assert journal.knows(target)
    later = Journal(target.parent / "j")
    assert later.knows(target)
    assert later.source_of(target).samefile(photo)
    target.write_text("retouched by hand")
    assert not later.knows(target)
    target.unlink()
    assert not later.knows(target)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"strength": 0.5}, "made with another strength"),
        ({"quality": 80}, "made with another quality"),
        ({"bit_depth": 16}, "made with another bit depth"),
        ({"model": "other"}, "made with another model"),
        ({"model_sha256": "cd" * 32}, "made with another model"),
        ({"strip_metadata": True}, "made with another choice of metadata"),
        ({"note": False}, "made with another note"),
    ],
)
def test_results_of_other_options_are_recognised(
    photo: Path, target: Path, change: dict[str, object], reason: str | None
) -> None:
    """Whatever a result depends on, and only that, makes it stale."""
    with Journal(target.parent / "j") as journal:
        note(journal, photo, target)
    assert Journal(target.parent / "j").why_stale(photo, target, replace(RECIPE, **change)) == (
        reason
    )


def test_bundles_and_blends_are_told_apart(bundle_path: Path) -> None:
    """Another weight of a style is another model; the weight of an only style is nothing."""
    bundle = Bundle.read(bundle_path)
    blends = [(1.0,), (0.5, 0.5), (0.25, 0.75)]
    assert len({model_sha256(bundle, blend) for blend in blends}) == 3
    assert model_sha256(bundle) == model_sha256(bundle, (1.0,))


def test_a_newer_photo_makes_its_result_stale(photo: Path, target: Path) -> None:
    """Another size or time; a photo that is gone makes nothing stale, nor does one never told."""
    journal = Journal(target.parent / "j")
    assert journal.why_stale(photo, target, RECIPE) is None
    with journal:
        note(journal, photo, target)
    photo.write_text("another photo")
    assert journal.why_stale(photo, target, RECIPE) == "the photo has changed since"
    photo.write_text("a photo")
    os.utime(photo, (1, 1))
    assert journal.why_stale(photo, target, RECIPE) == "the photo has changed since"
    photo.unlink()
    assert journal.why_stale(photo, target, RECIPE) is None


def test_a_result_changed_by_hand_is_never_stale(photo: Path, target: Path) -> None:
    """It is theirs now, whatever became of the photo."""
    with Journal(target.parent / "j") as journal:
        note(journal, photo, target)
        photo.write_text("another photo")
        target.write_text("retouched by hand")
        assert journal.why_stale(photo, target, replace(RECIPE, strength=0.5)) is None


def test_times_of_coarse_file_systems_are_the_same(photo: Path, target: Path) -> None:
    """A memory card keeps times to two seconds: written there, a photo has not changed."""
    os.utime(photo, ns=(0, 1_700_000_001_234_567_890))
    with Journal(target.parent / "j") as journal:
        note(journal, photo, target)
    os.utime(photo, ns=(0, 1_700_000_000_000_000_000))
    assert Journal(target.parent / "j").why_stale(photo, target, RECIPE) is None
    os.utime(photo, ns=(0, 1_700_000_003_500_000_000))
    assert Journal(target.parent / "j").why_stale(photo, target, RECIPE) is not None


def test_a_folder_may_be_moved_with_its_journal(photo: Path, target: Path, tmp_path: Path) -> None:
    """Paths are relative: results are known in the new place."""
    with Journal(target.parent / "j") as journal:
        note(journal, photo, target)
    moved = target.parent.rename(tmp_path / "moved")
    assert Journal(moved / "j").knows(moved / "a.jpg")


@given(data=st.data())
def test_a_kill_at_any_byte_costs_one_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Cut anywhere, a journal knows every line before the cut, and takes new ones after it."""
    folder = tmp_path_factory.mktemp("journal")
    targets = [folder / f"{i}.jpg" for i in range(4)]
    for target in targets:
        target.write_text(target.name)
    with Journal(folder / "j") as journal:
        for target in targets[:3]:
            note(journal, target, target)
    whole = (folder / "j").read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    (folder / "j").write_bytes(whole[:cut])
    complete = whole[:cut].count(b"\n")
    with Journal(folder / "j") as journal:
        assert [journal.knows(target) for target in targets[:complete]] == [True] * complete
        note(journal, targets[3], targets[3])
    later = Journal(folder / "j")
    assert all(later.knows(target) for target in [*targets[:complete], targets[3]])


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"[1]",
        b"3",
        b"{}",
        b"\xff\x00\xfe",
        b"[" * 100_000,
        b'{"error": null, "target": ["a"]}',
        b'{"error": null, "target": "a.jpg", "source": 1, "source_bytes": "x"}',
        b'{"error": null, "target": "a.jpg", "source": "a", "source_bytes": 1e999}',
    ],
)
def test_damaged_lines_tell_nothing(photo: Path, target: Path, line: bytes) -> None:
    """Whatever a crash left in the middle, the lines around it are read."""
    path = target.parent / "j"
    with Journal(path) as journal:
        note(journal, photo, target)
    path.write_bytes(line + b"\n" + path.read_bytes() + line + b"\n")
    assert Journal(path).knows(target)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
        b"Dear diary,\n\n",
        b'{\n  "source": "a"\n}\n',
        b'{"source": "wire", "title": "news"}\n',
        b"3\n[1]\n\xff\n" + b"[" * 100_000,
        b'PK\x03\x04 {"source": "a.jpg", "target"',
    ],
)
def test_what_is_no_journal_is_not_added_to(photo: Path, target: Path, content: bytes) -> None:
    """A photo, a text, other people's JSON: an error that names it, and not a byte of it changes.

    Where nobody opened the journal before there was a line to add, its failure says the same.
    """
    path = target.parent / "j"
    path.write_bytes(content)
    with pytest.raises(FileExistsError, match="not a journal") as raised:
        Journal(path).open()
    assert raised.value.filename == str(path)
    with Journal(path) as journal:
        journal.add(photo, target, RECIPE, state=FileState.of(photo), seconds=1)
    assert isinstance(journal.failure, FileExistsError)
    assert path.read_bytes() == content


@pytest.mark.parametrize("line", [b"", b"\n", b"{", b'{"source": "cut', b"nonsense\n"])
def test_a_journal_that_was_damaged_still_is_one(photo: Path, target: Path, line: bytes) -> None:
    """Empty, cut short in its first line, or with nonsense before its first whole line."""
    path = target.parent / "j"
    if line == b"nonsense\n":
        with Journal(path) as journal:
            note(journal, photo, target)
        line += path.read_bytes()
    path.write_bytes(line)
    with Journal(path) as journal:
        note(journal, photo, target)
    assert path.read_bytes().startswith(line)
    assert Journal(path).knows(target)


@pytest.mark.parametrize("name", ["two\nlines.jpg", "ä – 写真.jpg", os.fsdecode(b"caf\xe9.jpg")])
def test_any_name_comes_back(tmp_path: Path, name: str) -> None:
    """Line ends, letters of any script, and bytes that are no text."""
    photo = tmp_path / name
    try:
        photo.write_text("x")
    except OSError:
        pytest.skip("this file system wants text")
    with Journal(tmp_path / "j") as journal:
        note(journal, photo, photo)
    assert (tmp_path / "j").read_bytes().count(b"\n") == 1
    assert Journal(tmp_path / "j").knows(photo)


def test_threads_and_processes_may_share_a_journal(tmp_path: Path) -> None:
    """Two journals of one file, four threads each: every line arrives whole."""
    target = tmp_path / "a"
    target.touch()

    def add(journal: Journal) -> None:
        for _ in range(50):
            note(journal, target, target)

    with Journal(tmp_path / "j") as one, Journal(tmp_path / "j") as other:
        threads = [threading.Thread(target=add, args=[j]) for j in (one, other) * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = (tmp_path / "j").read_text().splitlines()
    assert len(lines) == 400
    assert all(json.loads(line)["target"] == "a" for line in lines)


def test_a_journal_that_cannot_be_written_says_so_once_asked(
    photo: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk raises nothing where photos are made; what follows begins a line of its own."""
    write = os.write

    def half(descriptor: int, line: bytes) -> int:
        if len(line) < 100:
            raise OSError(28, "No space left on device")
        return write(descriptor, line[: len(line) - 50])

    path = target.parent / "j"
    with Journal(path) as journal:
        monkeypatch.setattr(os, "write", half)
        journal.add(photo, target, RECIPE, state=FileState.of(photo), seconds=1)
        monkeypatch.undo()
        assert journal.failure.strerror == "No space left on device"
        journal.add(photo, target, RECIPE, state=FileState.of(photo), seconds=1)
    damaged, whole = path.read_bytes().splitlines()
    assert not damaged.endswith(b"}")
    assert json.loads(whole)["target"] == "a.jpg"
    assert Journal(path).knows(target)


def test_failures_are_noted_where_something_was_written(photo: Path, tmp_path: Path) -> None:
    """A batch that wrote nothing leaves no folder behind for its journal."""
    missing = Journal(tmp_path / "none/j")
    missing.add(photo, tmp_path / "none/a.jpg", None, state=None, seconds=1, error="truncated")
    assert missing.failure is None
    assert not (tmp_path / "none").exists()
    with Journal(tmp_path / "j") as journal:
        journal.add(photo, tmp_path / "a.jpg", None, state=None, seconds=1, error="truncated")
        assert not journal.knows(tmp_path / "a.jpg")
    assert json.loads((tmp_path / "j").read_text())["error"] == "truncated"


def test_opening_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A journal that was asked for is tried before any work; a missing folder is made."""
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError) as raised:
        Journal(tmp_path / "file/none/j").open()
    assert raised.value.filename == str(tmp_path / "file")
    with Journal(tmp_path / "new/deep/j") as journal:
        journal.open()
    assert (tmp_path / "new/deep/j").exists()
    with pytest.raises(IsADirectoryError):
        Journal(tmp_path).open()
