"""A photo that arrives is told once, when it is complete."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefold.runtime.search import Found
from fivefold.runtime.watch import Arrivals, watch

SUFFIXES = (".jpg", ".png")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "in"
    path.mkdir()
    return path


def arrivals_in(root: Path, **options: object) -> Arrivals:
    arrivals = Arrivals(root, SUFFIXES, **{"output": root.parent / "out", **options})
    arrivals.take_stock(0, as_seen=True)
    return arrivals


def names(photos: list[Found]) -> list[str]:
    return sorted(str(photo.relative) for photo in photos)


def look(arrivals: Arrivals, now_s: float, *changed: Path) -> list[str]:
    """Look everywhere, or only where something changed, and name what is complete."""
    arrivals.look([str(path) for path in changed] or None, now_s)
    return names(arrivals.complete(now_s))


def aged(path: Path, content: str = "photo", age_s: float = 60) -> Path:
    """A file that was written a while ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_a_growing_file_is_complete_when_it_has_rested(root: Path) -> None:
    """Not while its size or time changes, and once only."""
    arrivals = arrivals_in(root)
    path = root / "a.jpg"
    with path.open("wb", buffering=0) as file:
        for second in range(5):
            file.write(b"more")
            os.utime(path, ns=(0, time.time_ns()))
            assert look(arrivals, second) == []
    assert look(arrivals, 4.9) == []
    assert look(arrivals, 5.1) == ["a.jpg"]
    assert look(arrivals, 9) == []


def test_what_is_renamed_into_place_is_complete_at_once(root: Path, tmp_path: Path) -> None:
    """Its time is older than the rest asked for; where clocks differ, that proves nothing."""
    trusting, doubting = arrivals_in(root), arrivals_in(root, trusts_times=False)
    aged(tmp_path / "part").rename(root / "a.jpg")
    assert look(trusting, 0) == ["a.jpg"]
    assert look(doubting, 0) == []
    assert look(doubting, 1) == ["a.jpg"]


def test_an_empty_file_is_waited_for(root: Path) -> None:
    """Browsers put an empty file there first."""
    arrivals = arrivals_in(root)
    aged(root / "a.jpg", "")
    assert look(arrivals, 0) == look(arrivals, 100) == []
    aged(root / "a.jpg", "content")
    assert look(arrivals, 101) == ["a.jpg"]


def test_what_is_there_already_counts_once_it_changes(root: Path) -> None:
    """Half of a photo at the start is not lost; and all count if that is asked for."""
    aged(root / "a.jpg")
    aged(root / "sub/b.png")
    arrivals = Arrivals(root, SUFFIXES, output=None)
    assert arrivals.take_stock(0, as_seen=True) == {root / "a.jpg", root / "sub/b.png"}
    assert look(arrivals, 1) == []
    aged(root / "a.jpg", "the whole photo")
    assert look(arrivals, 2) == ["a.jpg"]
    arrivals = Arrivals(root, SUFFIXES, output=None)
    assert len(arrivals.take_stock(0, as_seen=False)) == 2
    assert look(arrivals, 0) == ["a.jpg", "sub/b.png"]


def test_a_replaced_photo_counts_again(root: Path) -> None:
    """Another size, or another time."""
    arrivals = arrivals_in(root)
    aged(root / "a.jpg")
    assert look(arrivals, 0) == ["a.jpg"]
    aged(root / "a.jpg", "longer than before")
    assert look(arrivals, 1) == ["a.jpg"]
    aged(root / "a.jpg", "longer than before", age_s=30)
    assert look(arrivals, 2) == ["a.jpg"]
    assert look(arrivals, 3) == []


def test_a_photo_that_goes_before_it_is_complete_is_not_told(root: Path) -> None:
    """Deleted or moved on: nothing to do, no error."""
    arrivals = arrivals_in(root)
    aged(root / "a.jpg", age_s=0)
    assert look(arrivals, 0) == []
    (root / "a.jpg").unlink()
    assert names(arrivals.complete(5)) == []
    assert look(arrivals, 6) == []


@pytest.mark.parametrize("everywhere", [True, False])
def test_results_and_temporary_files_are_no_arrivals(root: Path, everywhere: bool) -> None:
    """The output folder, ``_enhanced`` beside photos, hidden files, other suffixes, links."""
    beside, apart = (
        Arrivals(root, SUFFIXES, output=None),
        Arrivals(root, SUFFIXES, output=root / "results"),
    )
    (root / "link").symlink_to(root)
    paths = [
        aged(root / "a_enhanced.jpg"),
        aged(root / "results/b.jpg"),
        aged(root / "results/deep/b.jpg"),
        aged(root / ".c.jpg"),
        aged(root / ".cache/d.jpg"),
        aged(root / "e.jpg.part"),
        aged(root / ".0123456789abcdef.fivefold-part"),
        aged(root / "f.jpg"),
        root / "link/f.jpg",
        root / "link",
        root.parent / "elsewhere.jpg",
    ]
    heard = [] if everywhere else paths
    assert look(beside, 0, *heard) == ["f.jpg", "results/b.jpg", "results/deep/b.jpg"]
    assert look(apart, 0, *heard) == ["a_enhanced.jpg", "f.jpg"]


def test_hints_are_enough(root: Path) -> None:
    """A file named, a folder named, a folder with folders that came at once: all are found."""
    arrivals = arrivals_in(root)
    aged(root / "a.jpg")
    aged(root / "unheard/b.jpg")
    assert look(arrivals, 0, root / "a.jpg") == ["a.jpg"]
    aged(root / "new/deep/c.jpg")
    assert look(arrivals, 1, root / "new") == ["new/deep/c.jpg"]
    assert look(arrivals, 2, root / "gone/x.jpg") == []
    assert look(arrivals, 3) == ["unheard/b.jpg"]


def test_a_disk_that_comes_back_brings_nothing_new(root: Path) -> None:
    """While it is away its folder is empty or missing; what was seen stays seen."""
    aged(root / "a.jpg")
    arrivals = arrivals_in(root)
    away = root.rename(root.with_name("away"))
    assert look(arrivals, 1) == []
    root.mkdir()
    assert look(arrivals, 2) == []
    root.rmdir()
    away.rename(root)
    assert look(arrivals, 3) == []


def test_what_is_forgotten_does_not_pile_up(root: Path) -> None:
    """Photos that went are forgotten at the next look through everything."""
    arrivals = arrivals_in(root)
    aged(root / "stays.jpg")
    for number in range(20):
        aged(root / f"{number}.jpg")
    assert len(look(arrivals, 0)) == 21
    for number in range(20):
        (root / f"{number}.jpg").unlink()
    look(arrivals, 1)
    assert len(arrivals._seen) == 1


def test_a_file_that_cannot_be_opened_is_told_in_the_end(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes it may hold it; after ten times the rest it is handed on, to fail in words."""
    arrivals = arrivals_in(root, settle_s=1)

    def locked(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    aged(root / "a.jpg")
    monkeypatch.setattr("builtins.open", locked)
    assert look(arrivals, 0) == look(arrivals, 9) == []
    assert look(arrivals, 10) == ["a.jpg"]


def test_a_folder_that_cannot_be_listed_is_told_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are watched all the same."""
    told: list[str] = []
    arrivals = arrivals_in(root, tell=told.append)
    aged(root / "sub/a.jpg")
    aged(root / "b.jpg")
    scandir = os.scandir

    def failing(path: str) -> object:
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    assert look(arrivals, 0) == ["b.jpg"]
    assert look(arrivals, 1) == []
    assert told == [f"{root / 'sub'}: Permission denied"]
    monkeypatch.undo()
    assert look(arrivals, 2) == ["sub/a.jpg"]


@settings(max_examples=60)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["write", "append", "rename", "delete", "wait", "wait"]),
            st.sampled_from(["a.jpg", "b.png", "sub/a.jpg"]),
        ),
        max_size=25,
    )
)
def test_whatever_happens_the_last_version_is_told_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    """Each photo that is there in the end was told in its last state; no state is told twice."""
    root = tmp_path_factory.mktemp("arrivals")
    (root / "sub").mkdir()
    arrivals = arrivals_in(root)
    now_s, told = 0.0, []

    def tell() -> None:
        arrivals.look(None, now_s)
        for photo in arrivals.complete(now_s):
            assert arrivals.is_as_seen(photo.source)
            told.append((str(photo.relative), photo.source.read_text()))

    for number, (step, name) in enumerate(steps):
        path = root / name
        if step == "write":
            path.write_text(f"version {number}")
        elif step == "append":
            with path.open("a") as file:
                file.write(f", {number}")
        elif step == "delete":
            path.unlink(missing_ok=True)
        elif step == "rename":
            aged(root / "part", f"renamed {number}", age_s=1000 - number).rename(path)
        else:
            now_s += 0.6
        if path.exists() and step in ("write", "append"):
            os.utime(path, (time.time() + number,) * 2)
        tell()
    for _ in range(3):
        now_s += 1
        tell()
    there = {str(path.relative_to(root)) for path in root.rglob("*.*")}
    assert {(name, (root / name).read_text()) for name in there} <= set(told)
    assert len(set(told)) == len(told)


def next_photos(photos: Iterator[list[Found]], deadline_s: float = 30) -> list[str]:
    """What comes next, or nothing if nothing comes for long."""
    end_s = time.monotonic() + deadline_s
    for complete in photos:
        if complete or time.monotonic() > end_s:
            return names(complete)
    return []


@pytest.mark.parametrize("poll_s", [None, 0.1])
def test_the_operating_system_or_a_look_tells(root: Path, poll_s: float | None) -> None:
    """Files, files in new folders, and the same after the folder was taken away and made anew."""
    told: list[str] = []
    arrivals, stop = arrivals_in(root), threading.Event()
    photos = watch(arrivals, stop, poll_s=poll_s, tell=told.append)
    assert next(photos) == []
    aged(root / "a.jpg")
    assert next_photos(photos) == ["a.jpg"]
    aged(root / "new/deep/b.jpg")
    assert next_photos(photos) == ["new/deep/b.jpg"]
    shutil.rmtree(root)
    back = threading.Timer(0.5, aged, [root / "c.jpg"])
    back.start()
    assert next_photos(photos) == ["c.jpg"]
    back.join()
    stop.set()
    assert list(photos) == []
    assert all(line.endswith("waiting until it is back") for line in told)


def test_where_nothing_can_be_noticed_it_is_looked_for(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's limit on watched folders: one line, and arrivals are found all the same."""
    import watchfiles

    def refuse(*_: object, **__: object) -> Iterator[None]:
        raise OSError("OS file watch limit reached")
        yield

    monkeypatch.setattr(watchfiles, "watch", refuse)
    monkeypatch.setattr("fivefold.runtime.watch._FALLBACK_S", 0.05)
    told: list[str] = []
    photos = watch(arrivals_in(root), threading.Event(), tell=told.append)
    aged(root / "a.jpg")
    assert next_photos(photos) == ["a.jpg"]
    assert told == [f"{root}: OS file watch limit reached; looking every 0.05 s instead"]


def test_lost_hints_do_not_lose_photos(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody told of is found when everything is looked through."""
    import watchfiles

    def deaf(*_: object, **__: object) -> Iterator[set[object]]:
        while True:
            time.sleep(0.02)
            yield set()

    monkeypatch.setattr(watchfiles, "watch", deaf)
    monkeypatch.setattr("fivefold.runtime.watch._LOOK_THROUGH_S", 0.1)
    photos = watch(arrivals_in(root), threading.Event())
    assert next(photos) == []
    aged(root / "a.jpg")
    assert next_photos(photos) == ["a.jpg"]
