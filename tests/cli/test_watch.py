"""``fivefold watch`` enhances what arrives, once, and nothing else."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytest
from command import Result

from fivefold.photo.files import read_photo

Run = Callable[..., Result]
Start = Callable[..., subprocess.Popen[bytes]]


class Watching:
    """A ``fivefold watch`` in a process of its own, and what it says."""

    def __init__(self, start: Start, *words: str) -> None:
        # Whoever runs the tests in the background has told its children to ignore Ctrl-C.
        heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        self._process = start("watch", *words, "--json", preexec_fn=heed)
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self.ready: dict[str, Any] = {}
        self.errors = ""

    def _read(self) -> None:
        for line in self._process.stdout:
            self._said.put(json.loads(line))

    def __enter__(self) -> Self:
        self._reader.start()
        self.ready = self.next()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def next(self, timeout_s: float = 60) -> dict[str, Any]:
        """The next object on stdout."""
        return self._said.get(timeout=timeout_s)

    def made(self) -> str:
        """The target of the next photo, which must have been enhanced."""
        record = self.next()
        assert record["error"] is None
        assert not record["skipped"]
        return record["target"]

    def stop(self, number: int = signal.SIGINT) -> int:
        """Stop it as a user does.

        Returns:
            The exit code.
        """
        if not self._process.stderr.closed:
            self._process.send_signal(number)
            self._process.wait(timeout=60)
            self._reader.join(timeout=60)
            self.errors = self._process.stderr.read().decode()
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
                pipe.close()
        assert "Traceback" not in self.errors
        return self._process.returncode

    def rest(self) -> list[dict[str, Any]]:
        """What was said and not yet asked for, once it is stopped."""
        return [self._said.get() for _ in range(self._said.qsize())]


@pytest.fixture
def samples(photos: Path) -> Iterator[Path]:
    """The photos, moved out of the empty folder ``in`` where things will arrive."""
    (photos / "in").rename(photos / "samples")
    (photos / "in").mkdir()
    return photos / "samples"


def files(folder: Path) -> list[str]:
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return sorted(str(path) for path in paths if not path.name.startswith("."))


@pytest.mark.parametrize("poll", [[], ["--poll", "0.2"]], ids=["told", "polling"])
def test_what_arrives_is_enhanced(start: Start, samples: Path, poll: list[str]) -> None:
    """Copied, renamed, in a new folder, replaced: each is enhanced; what was there is not."""
    shutil.copy(samples / "a.jpg", "in/present.jpg")
    with Watching(start, "in", "-o", "out", "--settle", "0.3", *poll) as watching:
        assert watching.ready == {"watching": "in", "present": 1}
        shutil.copy(samples / "a.jpg", "in/copied.jpg")
        assert watching.made() == "out/copied.jpg"
        shutil.copy(samples / "b.png", "part")
        Path("part").rename("in/renamed.png")
        assert watching.made() == "out/renamed.png"
        shutil.copytree(samples / "sub", "in/new/deep")
        assert watching.made() == "out/new/deep/c.webp"
        shutil.copy(samples / "b.png", "in/copied.jpg")
        assert watching.made() == "out/copied.jpg"
        time.sleep(1)
    (last,) = watching.rest()
    assert (last["summary"]["enhanced"], last["summary"]["failed"]) == (4, 0)
    assert watching.errors == ""
    assert files(Path("out")) == ["copied.jpg", "new/deep/c.webp", "renamed.png"]
    for path in files(Path("out")):
        assert read_photo(Path("out", path)).pixels.shape == (24, 32, 3)


@pytest.mark.parametrize("words", [[], ["-o", "in/results"]], ids=["beside", "inside"])
def test_results_in_the_folder_are_not_taken_for_arrivals(
    start: Start, samples: Path, words: list[str]
) -> None:
    """Beside the photos or in a folder below: one result for each, and no results of results."""
    with Watching(start, "in", *words, "--settle", "0.2") as watching:
        for number in range(3):
            shutil.copy(samples / "a.jpg", f"in/{number}.jpg")
            watching.made()
        time.sleep(1.5)
    assert [record for record in watching.rest() if "summary" not in record] == []
    with Watching(start, "in", *words, "--settle", "0.2", "--existing") as watching:
        again = [watching.next() for _ in range(3)]
        time.sleep(0.5)
    assert all(record["skipped"] for record in again)
    assert len(files(Path("in"))) == 6


def test_results_beside_photos_are_no_arrivals_elsewhere(
    fivefold: Run, start: Start, samples: Path
) -> None:
    """An earlier run left them; a photo that is called so without another one is a photo."""
    shutil.copy(samples / "a.jpg", "in/a.jpg")
    assert fivefold("enhance", "in").code == 0
    shutil.copy(samples / "b.png", "in/lone_enhanced.png")
    with Watching(start, "in", "-o", "out", "--settle", "0.2", "--existing") as watching:
        assert watching.ready["present"] == 2
        assert {watching.made(), watching.made()} == {"out/a.jpg", "out/lone_enhanced.png"}
        assert fivefold("enhance", "in/a.jpg").code == 0
        shutil.copy(samples / "sub/c.webp", "in/new.webp")
        assert watching.made() == "out/new.webp"
        time.sleep(0.5)
    assert [record for record in watching.rest() if "summary" not in record] == []


def test_a_photo_that_comes_slowly_is_waited_for(start: Start, samples: Path) -> None:
    """It comes in pieces with pauses longer than the rest asked for: one result, no complaint."""
    whole = (samples / "a.jpg").read_bytes()
    with Watching(start, "in", "-o", "out", "--settle", "0.3") as watching:
        with Path("in/slow.jpg").open("wb", buffering=0) as file:
            for first in range(0, len(whole), len(whole) // 3 + 1):
                file.write(whole[first : first + len(whole) // 3 + 1])
                time.sleep(0.9)
        assert watching.made() == "out/slow.jpg"
    (last,) = watching.rest()
    assert last["summary"]["failed"] == 0
    assert watching.errors == ""


def test_bad_photos_are_one_line_each(start: Start, samples: Path) -> None:
    """Text, half a photo, a name with a line end: told once; what comes later is enhanced."""
    whole = (samples / "a.jpg").read_bytes()
    names = ["half.jpg", "text.png", "two\nlines.jpg"]
    with Watching(start, "in", "-o", "out", "--settle", "0.1") as watching:
        for name in names:
            Path("in", name).write_bytes(whole[: len(whole) // 2])
        told = [watching.next() for _ in names]
        assert sorted(Path(record["source"]).name for record in told) == names
        assert not any(record["ok"] for record in told)
        Path("in/gone.jpg").write_bytes(b"x")
        Path("in/gone.jpg").unlink()
        shutil.copy(samples / "a.jpg", "in/good.jpg")
        assert watching.made() == "out/good.jpg"
        Path("in/half.jpg").write_bytes(whole)
        assert watching.made() == "out/half.jpg"
        time.sleep(1.5)
    (last,) = watching.rest()
    assert (last["summary"]["enhanced"], last["summary"]["failed"]) == (2, 3)
    assert len(watching.errors.splitlines()) == 3


def test_what_is_held_back_is_told_at_the_end(start: Start, samples: Path) -> None:
    """Half a photo for which the patience has not run out: it still is one line."""
    with Watching(start, "in", "-o", "out", "--settle", "5") as watching:
        Path("part").write_bytes((samples / "a.jpg").read_bytes()[:200])
        os.utime("part", (time.time() - 10,) * 2)
        Path("part").rename("in/half.jpg")
        shutil.copy(samples / "a.jpg", "part")
        os.utime("part", (time.time() - 10,) * 2)
        Path("part").rename("in/whole.jpg")
        assert watching.made() == "out/whole.jpg"
    failed, last = watching.rest()
    assert failed["source"] == "in/half.jpg"
    assert last["summary"]["failed"] == 1


def test_existing_photos_are_enhanced_if_no_result_is_up_to_date(
    start: Start, samples: Path
) -> None:
    """After a pause: what came meanwhile, what changed, and all once the options are others."""
    for name in ("a.jpg", "b.png"):
        shutil.copy(samples / name, "in")
    with Watching(start, "in", "-o", "out", "--settle", "0.1", "--existing") as watching:
        assert {watching.made(), watching.made()} == {"out/a.jpg", "out/b.png"}
    shutil.copy(samples / "a.jpg", "in/late.jpg")
    shutil.copy(samples / "b.png", "in/a.jpg")
    with Watching(start, "in", "-o", "out", "--settle", "0.1", "--existing") as watching:
        records = {record["target"]: record for record in (watching.next() for _ in range(3))}
        assert not records["out/late.jpg"]["skipped"]
        assert not records["out/a.jpg"]["skipped"]
        assert records["out/b.png"]["skipped"]
    words = ["--settle", "0.1", "--existing", "--strength", "0.5"]
    with Watching(start, "in", "-o", "out", *words) as watching:
        assert len({watching.made() for _ in range(3)}) == 3


def test_results_are_never_replaced_if_that_is_asked_for(start: Start, samples: Path) -> None:
    """Neither those of photos that are replaced, nor those of photos that have changed before."""
    shutil.copy(samples / "a.jpg", "in/a.jpg")
    words = ["in", "-o", "out", "--settle", "0.1", "--existing"]
    with Watching(start, *words) as watching:
        assert watching.made() == "out/a.jpg"
    before = Path("out/a.jpg").read_bytes()
    shutil.copy(samples / "b.png", "in/a.jpg")
    with Watching(start, *words, "--skip-existing") as watching:
        record = watching.next()
        assert (record["skipped"], record["stale"]) == (True, "the photo has changed since")
        shutil.copy(samples / "sub/c.webp", "in/a.jpg")
        assert watching.next()["skipped"]
    assert Path("out/a.jpg").read_bytes() == before


def test_two_photos_with_one_result_name(start: Start, samples: Path) -> None:
    """The second is told instead of taking the first one's result, until the first is gone."""
    with Watching(start, "in", "-o", "out", "--settle", "0.1", "--format", "png") as watching:
        shutil.copy(samples / "a.jpg", "in/x.jpg")
        assert watching.made() == "out/x.png"
        before = Path("out/x.png").read_bytes()
        shutil.copy(samples / "b.png", "in/x.png")
        record = watching.next()
        assert record["error"] == "in/x.png: its result would replace that of in/x.jpg, out/x.png"
        assert Path("out/x.png").read_bytes() == before
        Path("in/x.jpg").unlink()
        shutil.copy(samples / "a.jpg", "in/x.png")
        assert watching.made() == "out/x.png"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_stopping_finishes_the_photo_in_hand(start: Start, samples: Path, number: int) -> None:
    """Exit 0 in the middle of many photos; whole results only, each of them told and noted."""
    for copy in range(300):
        shutil.copy(samples / "a.jpg", f"in/{copy}.jpg")
    with Watching(start, "in", "-o", "out", "--existing", "--jobs", "1") as watching:
        watching.made()
        assert watching.stop(number) == 0
    *records, last = watching.rest()
    results = files(Path("out"))
    assert len(results) == len(records) + 1 == last["summary"]["enhanced"] < 300
    assert len(Path("out/.fivefold.jsonl").read_bytes().splitlines()) == len(results)
    for name in results:
        read_photo(Path("out", name))


def test_people_read_lines(start: Start, samples: Path) -> None:
    """What is watched, each result as it comes, and at the end how many there were."""
    shutil.copy(samples / "a.jpg", "in/old.jpg")
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = start("watch", "in", "-o", "out", "--settle", "0.1", preexec_fn=heed)
    first = process.stderr.readline().decode()
    assert first.startswith("fivefold: watching in, on the CPU")
    assert "; 1 there already (left alone: --existing takes them); Ctrl-C stops" in first
    shutil.copy(samples / "a.jpg", "in/new.jpg")
    assert process.stdout.readline() == b"in/new.jpg -> out/new.jpg\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"")
    assert err == b"fivefold: stopped; 1 photo enhanced\n"


def test_the_reader_may_leave(start: Start, samples: Path) -> None:
    """``fivefold watch | head`` ends quietly once nobody listens any more."""
    process = start("watch", "in", "-o", "out", "--settle", "0.1", "--json")
    process.stdout.readline()
    process.stdout.close()
    shutil.copy(samples / "a.jpg", "in/a.jpg")
    err = process.stderr.read()
    process.stderr.close()
    process.stdin.close()
    assert process.wait(timeout=60) == 141
    assert err == b""


@pytest.mark.parametrize("output", [".", "in", "in/..", "link"])
def test_an_output_that_would_feed_itself_is_refused(
    fivefold: Run, photos: Path, output: str
) -> None:
    """The folder itself, one that holds it, or a link to one: exit 2 before anything is done."""
    Path("link").symlink_to("in")
    result = fivefold("watch", "in", "-o", output)
    assert result.code == 2
    assert "would lie among the photos of in" in result.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["missing"], 1, "missing: No such file or directory"),
        (["in/a.jpg"], 1, "in/a.jpg: Not a directory"),
        (["in", "--settle", "0"], 2, "a number above 0"),
        (["in", "--poll", "-1"], 2, "a number above 0"),
        (["in", "-o", ""], 2, "a name is empty"),
        (["in", "--strength", "2"], 2, "-1.5 to 1.5"),
        (["in", "--journal", "j", "--no-journal"], 2, "not allowed with"),
        (["in", "--journal", "in/a.jpg/j"], 1, "in/a.jpg: is a file, not a folder"),
        (["in", "--bundle", "none"], 1, "neither a file nor a bundle"),
    ],
)
def test_what_cannot_be_watched_is_told_at_once(
    fivefold: Run, photos: Path, words: list[str], code: int, said: str
) -> None:
    """A missing folder, a file, wrong options, a journal or a model that is none."""
    before = files(photos)
    result = fivefold("watch", *words)
    assert result.code == code
    assert said in result.err
    assert files(photos) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_a_pipe_among_the_photos_blocks_nothing(start: Start, samples: Path) -> None:
    """It has a photo's suffix, and nobody writes to it."""
    os.mkfifo("in/pipe.jpg")
    with Watching(start, "in", "-o", "out", "--settle", "0.1", "--existing") as watching:
        shutil.copy(samples / "a.jpg", "in/a.jpg")
        assert watching.made() == "out/a.jpg"
