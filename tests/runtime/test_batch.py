"""Many photos: none stops another, none is written half, memory does not grow."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fivefold.errors import BundleError, PhotoReadError, UnsupportedPhotoError
from fivefold.photo.files import read_photo
from fivefold.photo.image import Photo
from fivefold.runtime import batch
from fivefold.runtime.batch import Outcome, Settings, enhance_files
from fivefold.runtime.enhancer import Enhancer
from fivefold.runtime.file_state import FileState
from fivefold.runtime.plan import Task


def save(path: Path, level: int = 100) -> Path:
    Image.fromarray(np.full((12, 16, 3), level, np.uint8)).save(path)
    return path


def tasks_in(folder: Path, count: int) -> list[Task]:
    return [
        Task(save(folder / f"{i:03}.png", 40 + i), folder / f"out/{i:03}.png") for i in range(count)
    ]


@pytest.mark.parametrize("jobs", [1, 3, 100])
def test_every_photo_is_enhanced(tmp_path: Path, enhancer: Enhancer, jobs: int) -> None:
    """However many work at a time, each result is what the enhancer alone gives."""
    tasks = tasks_in(tmp_path, 11)
    outcomes = list(enhance_files(tasks, lambda: enhancer, jobs=jobs))
    assert sorted(outcome.target for outcome in outcomes) == [task.target for task in tasks]
    assert all(outcome.ok and outcome.seconds > 0 and not outcome.message for outcome in outcomes)
    for task in tasks:
        expected = enhancer(Photo(np.asarray(Image.open(task.source)))).pixels
        assert np.array_equal(np.asarray(Image.open(task.target)), expected)


def test_a_bad_photo_is_told_and_stops_no_other(tmp_path: Path, enhancer: Enhancer) -> None:
    """Text, nothing, a folder and a missing file among five photos: four lines, five results."""
    tasks = tasks_in(tmp_path, 5)
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.jpg").mkdir()
    bad = ["text.jpg", "empty.jpg", "folder.jpg", "missing.jpg"]
    tasks[2:2] = [Task(tmp_path / name, tmp_path / "out" / name) for name in bad]
    outcomes = {o.source.name: o for o in enhance_files(tasks, lambda: enhancer, jobs=2)}
    assert len(outcomes) == 9
    assert sum(outcome.ok for outcome in outcomes.values()) == 5
    for name in bad:
        assert isinstance(outcomes[name].error, PhotoReadError)
        assert outcomes[name].message.startswith(f"{tmp_path / name}: ")
        assert "\n" not in outcomes[name].message
        assert not (tmp_path / "out" / name).exists()


def test_settings_reach_the_result(tmp_path: Path, enhancer: Enhancer) -> None:
    """Strength 0 at 16 bits: the same colours in a deeper file."""
    task = Task(save(tmp_path / "a.png"), tmp_path / "b.tif")
    settings = Settings(strength=0, bit_depth=16)
    (outcome,) = enhance_files([task], lambda: enhancer, settings)
    assert outcome.ok, outcome.message
    result = read_photo(task.target)
    assert result.bit_depth == 16
    assert (result.pixels == 100 * 257).all()


def test_what_is_there_can_be_skipped(tmp_path: Path, enhancer: Enhancer) -> None:
    """With ``skip_existing`` a target is left alone, and its photo is not even read."""
    tasks = tasks_in(tmp_path, 3)
    tasks[1].target.parent.mkdir()
    tasks[1].target.write_text("mine")
    tasks[1].source.unlink()
    settings = Settings(skip_existing=True)
    outcomes = list(enhance_files(tasks, lambda: enhancer, settings))
    assert sorted((o.source.name, o.ok, o.skipped) for o in outcomes) == [
        ("000.png", True, False),
        ("001.png", True, True),
        ("002.png", True, False),
    ]
    assert tasks[1].target.read_text() == "mine"


def test_in_place_replaces_the_photo(tmp_path: Path, enhancer: Enhancer) -> None:
    """A task with source and target the same leaves one file: the result."""
    path = save(tmp_path / "a.png")
    (outcome,) = enhance_files([Task(path, path)], lambda: enhancer)
    assert outcome.ok
    assert np.asarray(Image.open(path)).mean() > 120
    assert list(tmp_path.iterdir()) == [path]


def test_a_target_that_cannot_be_written_is_told(tmp_path: Path, enhancer: Enhancer) -> None:
    """A folder that would have to replace a file: the message names the target."""
    (tmp_path / "file").touch()
    target = tmp_path / "file/out.png"
    (outcome,) = enhance_files([Task(save(tmp_path / "a.png"), target)], lambda: enhancer)
    assert outcome.message.startswith(f"{target}: ")


def test_no_more_photos_are_taken_than_are_worked_on(
    tmp_path: Path, enhancer: Enhancer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a thousand tasks only a few are drawn ahead, and only ``jobs`` photos are in memory."""
    photo, lock, alive, peak = Photo(np.zeros((4, 4, 3), np.uint8)), threading.Lock(), 0, 0

    def read(_: Path, **__: object) -> Photo:
        nonlocal alive, peak
        with lock:
            alive += 1
            peak = max(peak, alive)
        time.sleep(0.001)
        return photo.with_pixels(photo.pixels.copy())

    def write(*_: object, **__: object) -> None:
        nonlocal alive
        with lock:
            alive -= 1

    monkeypatch.setattr(batch, "read_photo", read)
    monkeypatch.setattr(batch, "write_photo", write)
    drawn = 0

    def endless() -> Iterator[Task]:
        nonlocal drawn
        while True:
            drawn += 1
            yield Task(Path("a.png"), tmp_path / "b.png")

    outcomes = enhance_files(endless(), lambda: enhancer, jobs=3)
    for done in range(1, 200):
        next(outcomes)
        assert drawn <= done + 2 * 4
    outcomes.close()
    assert peak <= 3


def test_a_failure_that_is_kept_keeps_no_pixels(
    tmp_path: Path, enhancer: Enhancer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who collects a thousand failures does not collect a thousand photos with them."""
    read: list[weakref.ref[np.ndarray]] = []

    def remember(path: Path, **_: object) -> Photo:
        photo = read_photo(path)
        read.append(weakref.ref(photo.pixels))
        return photo

    monkeypatch.setattr(batch, "read_photo", remember)
    (tmp_path / "out").touch()  # where a folder is wanted
    outcomes = list(enhance_files(tasks_in(tmp_path, 4), lambda: enhancer))
    assert len(outcomes) == len(read) == 4
    assert all(outcome.error and outcome.error.__traceback__ for outcome in outcomes)
    gc.collect()
    assert not any(pixels() is not None for pixels in read)


def test_leaving_early_finishes_what_was_begun_and_no_more(
    tmp_path: Path, enhancer: Enhancer
) -> None:
    """After the iterator is closed there are whole results only, and few of them."""
    outcomes = enhance_files(tasks_in(tmp_path, 60), lambda: enhancer, jobs=2)
    next(outcomes)
    outcomes.close()
    written = list((tmp_path / "out").iterdir())
    assert 1 <= len(written) < 20
    for path in written:
        assert read_photo(path).pixels.shape == (12, 16, 3)


def test_a_bundle_that_cannot_be_used_ends_the_batch(tmp_path: Path) -> None:
    """That is no fault of a photo: one error instead of one for each."""

    def broken() -> Enhancer:
        raise BundleError("x.fivefold: gone")

    with pytest.raises(BundleError, match="gone"):
        list(enhance_files(tasks_in(tmp_path, 3), broken))


def test_jobs_must_be_a_number_of_photos() -> None:
    """The mistake is told at once, not at the first photo."""
    with pytest.raises(ValueError, match="jobs must be at least 1, received 0"):
        enhance_files([], lambda: None, jobs=0)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PhotoReadError("in/a.png: truncated"), "in/a.png: truncated"),
        (PhotoReadError("out/a.png: disk full"), "out/a.png: disk full"),
        (UnsupportedPhotoError("a strange profile"), "in/a.png: a strange profile"),
        (ValueError("pixels must be finite"), "in/a.png: pixels must be finite"),
        (MemoryError(), "in/a.png: not enough memory"),
        (KeyError("x"), "in/a.png: KeyError: 'x'"),
    ],
)
def test_messages_name_the_file(error: Exception, message: str) -> None:
    """Whatever was raised, the line begins with a file and has a reason."""
    outcome = Outcome(Path("in/a.png"), Path("out/a.png"), 0.1, error)
    assert outcome.message == message
    assert not outcome.ok


def test_an_error_nobody_foresaw_is_told_too(
    tmp_path: Path, enhancer: Enhancer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoder that fails in a new way costs one photo, not the batch."""
    tasks = tasks_in(tmp_path, 3)
    read: Callable[[Path], Photo] = batch.read_photo

    def failing(path: Path, **_: object) -> Photo:
        if path.name == "001.png":
            raise ZeroDivisionError("oops")
        return read(path)

    monkeypatch.setattr(batch, "read_photo", failing)
    outcomes = {o.source.name: o for o in enhance_files(tasks, lambda: enhancer)}
    assert [outcomes[f"00{i}.png"].ok for i in range(3)] == [True, False, True]
    assert outcomes["001.png"].message.endswith("001.png: ZeroDivisionError: oops")


def test_a_result_in_parts_is_given_up_if_its_photo_changes(tmp_path: Path) -> None:
    """All parts come; then an error, so that the file they went to is not taken."""
    source = save(tmp_path / "a.png")
    parts = batch._if_still(source, FileState.of(source), [b"1", b"2"])
    assert list(parts) == [b"1", b"2"]
    parts = batch._if_still(source, FileState.of(source), [b"1", b"2"])
    assert next(parts) == b"1"
    source.write_bytes(b"another")
    assert next(parts) == b"2"
    with pytest.raises(PhotoReadError, match="changed while it was read"):
        next(parts)


@pytest.mark.parametrize(
    ("settings", "threads"),
    [
        (Settings(), None),
        (Settings(threads=3), 3),
        (Settings(threads=3, reading_threads=1), 1),
        (Settings(reading_threads=2), 2),
    ],
)
def test_reading_uses_the_threads_that_it_may(
    tmp_path: Path,
    enhancer: Enhancer,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    threads: int | None,
) -> None:
    """As many as writing, unless a number of its own is given."""
    counts: list[int | None] = []

    def noted(source: Path, *, max_pixels: int, threads: int | None) -> Photo:
        counts.append(threads)
        return read_photo(source, max_pixels=max_pixels, threads=threads)

    monkeypatch.setattr(batch, "read_photo", noted)
    (outcome,) = enhance_files(tasks_in(tmp_path, 1), lambda: enhancer, settings)
    assert outcome.ok
    assert counts == [threads]
