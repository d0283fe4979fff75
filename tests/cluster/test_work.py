"""A worker's share: every photo is told, and what a death leaves behind is counted right."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivefold import Photo, write_photo
from fivefold.cluster import work
from fivefold.cluster.attempts import Attempts
from fivefold.cluster.here import enhance_here
from fivefold.cluster.outcome import RemoteOutcome
from fivefold.cluster.plan import RemoteTask
from fivefold.errors import BundleError, PhotoReadError
from fivefold.runtime.batch import Settings
from fivefold.runtime.enhancer import Enhancer
from tiny_bundle import bundle_path, enhancer, network

__all__ = ["bundle_path", "enhancer", "network"]

pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'fivefold[s3]'")


def tasks_in(folder: Path, count: int) -> list[RemoteTask]:
    tasks = []
    for number in range(count):
        source = folder / f"{number:02}.png"
        write_photo(Photo(np.full((8, 9, 3), 50 + number, np.uint8)), source)
        tasks.append(RemoteTask(str(source), str(folder / "out" / source.name)))
    return tasks


@pytest.mark.parametrize("jobs", [1, 3])
def test_threads_do_every_photo_once(tmp_path: Path, enhancer: Enhancer, jobs: int) -> None:
    """However many threads share the work, and whatever fails on the way."""
    tasks = tasks_in(tmp_path, 7)
    Path(tasks[3].source).write_bytes(b"no photo")
    outcomes = list(enhance_here(tasks, lambda: enhancer, Settings(), jobs=jobs))
    assert sorted(outcome.source for outcome in outcomes) == [task.source for task in tasks]
    (failed,) = (outcome for outcome in outcomes if not outcome.ok)
    assert failed.source == tasks[3].source
    assert failed.message.startswith(f"{failed.source}: not a picture")
    assert len(list((tmp_path / "out").iterdir())) == 6
    sizes = {outcome.size_bytes for outcome in outcomes if outcome.ok}
    assert sizes <= {path.stat().st_size for path in (tmp_path / "out").iterdir()}


def test_a_bundle_that_cannot_be_used_ends_the_batch(tmp_path: Path) -> None:
    """No photo could be enhanced, so none is blamed."""

    def no_enhancer() -> Enhancer:
        raise BundleError("broken.fivefold: truncated")

    with pytest.raises(BundleError, match="truncated"):
        list(enhance_here(tasks_in(tmp_path, 3), no_enhancer, Settings(), jobs=2))


def test_closing_finishes_what_is_under_way(tmp_path: Path, enhancer: Enhancer) -> None:
    """No thread is left, and no photo is begun any more."""
    outcomes = enhance_here(tasks_in(tmp_path, 30), lambda: enhancer, Settings(), jobs=2)
    next(outcomes)
    outcomes.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fivefold")]
    done = len(list((tmp_path / "out").iterdir()))
    assert 1 <= done < 30


@pytest.mark.parametrize("existing_bytes", [-1, 5])
def test_what_another_attempt_wrote_stays(
    tmp_path: Path, enhancer: Enhancer, existing_bytes: int
) -> None:
    """A target that was not there when the work was planned is not written twice; else it is."""
    import fsspec

    memory = fsspec.filesystem("memory")
    (task,) = tasks_in(tmp_path, 1)
    task = RemoteTask(task.source, "memory://out/a.png", existing_bytes=existing_bytes)
    memory.pipe_file("/out/a.png", b"first")
    (outcome,) = work.work_through([task], lambda: enhancer, Settings())
    assert outcome.ok
    assert (memory.cat_file("/out/a.png") == b"first") == (existing_bytes == -1)
    memory.rm("/out", recursive=True)


def test_a_deadly_photo_is_told_without_being_opened(
    tmp_path: Path, enhancer: Enhancer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many workers died of it; those before and after it are enhanced."""
    tasks = tasks_in(tmp_path, 3)
    opened: list[str] = []
    plain = work.read_photo

    def read_photo(content: bytes, *, name: str, threads: int | None) -> Photo:
        opened.append(name)
        return plain(content, name=name, threads=threads)

    monkeypatch.setattr(work, "read_photo", read_photo)
    ledger = Attempts()
    for _ in range(2):
        ledger.begin(tasks[1].source)
    outcomes = list(
        work.work_through(tasks, lambda: enhancer, Settings(), ledger=ledger, max_attempts=2)
    )
    assert opened == [tasks[0].source, tasks[2].source]
    assert {outcome.source: outcome.is_poisoned for outcome in outcomes} == {
        task.source: task is tasks[1] for task in tasks
    }


def test_what_a_dead_worker_had_finished_is_not_done_again(
    tmp_path: Path, enhancer: Enhancer
) -> None:
    """The next worker tells the outcome that the first had reached."""
    tasks = tasks_in(tmp_path, 4)
    ledger = Attempts()
    list(work.work_through(tasks[:2], lambda: enhancer, Settings(), ledger=ledger))
    for task in tasks[:2]:
        Path(task.source).unlink()
    outcomes = list(work.work_through(tasks, lambda: enhancer, Settings(), ledger=ledger))
    assert [outcome.ok for outcome in outcomes] == [True] * 4


def test_a_photo_that_hangs_ends_the_worker(tmp_path: Path, bundle_path: Path) -> None:
    """Where attempts are counted, so that another worker goes on, and in the end without it."""
    (task,) = tasks_in(tmp_path, 1)
    program = """
import sys, time
from fivefold import Enhancer
from fivefold.cluster import work
from fivefold.cluster.attempts import Attempts
from fivefold.cluster.plan import RemoteTask
from fivefold.runtime.batch import Settings
work.read_photo = lambda content, **options: time.sleep(600)
tasks = [RemoteTask(sys.argv[1], sys.argv[2])]
list(work.work_through(tasks, lambda: None, Settings(), ledger=Attempts(), max_photo_s=0.2))
"""
    command = [sys.executable, "-c", program, task.source, task.target]
    done = subprocess.run(command, timeout=60, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Timeout" in done.stderr


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["dies", "ends", "passes"]))))
def test_only_deaths_count(events: list[tuple[str, str]]) -> None:
    """A photo's count is the number of workers that began it and were not heard of since."""
    ledger = Attempts()
    deaths = dict.fromkeys("abc", 0)
    ended = set()
    for source, event in events:
        before, outcome = ledger.begin(source)
        assert (outcome is not None) == (source in ended)
        if source in ended:
            continue
        assert before == deaths[source]
        if event == "dies":
            deaths[source] += 1
        else:
            ledger.passed(source)
            deaths[source] = 0
        if event == "ends":
            ledger.end(source, "{}")
            ended.add(source)
    ledger.forget("abc")
    assert ledger.begin("a") == (0, None)


@given(
    st.builds(
        RemoteOutcome,
        source=st.text(),
        target=st.text(),
        version=st.text(),
        message=st.text(),
        notes=st.lists(st.text()).map(tuple),
        seconds=st.floats(0, 1e6),
        size_bytes=st.integers(0),
        is_poisoned=st.booleans(),
    )
)
def test_outcomes_travel(outcome: RemoteOutcome) -> None:
    """Between machines, and into manifests, in one line and unchanged."""
    line = outcome.to_json()
    assert "\n" not in line
    assert RemoteOutcome.of_json(line) == outcome


def test_errors_are_one_line_that_names_the_photo() -> None:
    """Whatever was raised, and whatever the name holds."""
    from fivefold.cluster.outcome import failure

    task = RemoteTask("s3://b/a\n.jpg", "s3://b/out/a\n.jpg")
    named = failure(task, PhotoReadError("s3://b/a\\n.jpg: truncated"), 1.0)
    assert named.message == "s3://b/a\\n.jpg: truncated"
    assert failure(task, MemoryError(), 1.0).message == "s3://b/a\\n.jpg: not enough memory"
    unknown = failure(task, RuntimeError("one\ntwo"), 1.0).message
    assert unknown == "s3://b/a\\n.jpg: RuntimeError: one\\ntwo"
