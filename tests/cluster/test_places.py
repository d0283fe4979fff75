"""Photos in object stores and elsewhere: found, named, read, written whole, gone on with."""

from __future__ import annotations

import http.server
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from photos_anywhere import files_below, finish, locally_enhanced, names_below, put_photos

pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'fivefold[s3]'")

import fsspec

from fivefold.cluster.manifest import Manifest
from fivefold.cluster.outcome import RemoteOutcome
from fivefold.cluster.places import list_files, read_file, write_file
from fivefold.cluster.plan import RemoteTask, make_remote_plan
from fivefold.errors import MissingExtraError, PhotoReadError, PhotoWriteError
from fivefold.runtime.journal import Recipe

Start = Callable[..., subprocess.Popen[str]]
RECIPE = Recipe("tiny", "00", 1.0, None, None, strip_metadata=False, note=True)


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    """The filesystem ``memory://``, empty."""
    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]
    yield filesystem
    filesystem.store.clear()


@pytest.fixture
def web_server(tmp_path: Path) -> Iterator[str]:
    """An HTTP server of the folder ``web``."""
    (tmp_path / "web").mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = partial(Quiet, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def pairs(plan_of: list[str], output: str, **options: str) -> list[tuple[str, str]]:
    return [(t.source, t.target) for t in make_remote_plan(plan_of, output, **options).tasks]


def test_folders_patterns_and_files_are_found(memory: fsspec.AbstractFileSystem) -> None:
    """As in local folders: photos by their suffix, hidden ones passed over, structure kept."""
    for name in ("a.jpg", "sub/b.PNG", "sub/.c.jpg", ".d/e.jpg", "f.txt", "out/a.jpg"):
        memory.pipe_file(f"/in/{name}", b"x")
    assert pairs(["memory://in"], "memory://in/out") == [
        ("memory:///in/a.jpg", "memory:///in/out/a.jpg"),
        ("memory:///in/sub/b.PNG", "memory:///in/out/sub/b.PNG"),
    ]
    assert pairs(["memory://in/*/*.PNG"], "memory://out") == [
        ("memory:///in/sub/b.PNG", "memory:///out/sub/b.PNG")
    ]
    assert pairs(["memory://in/a.jpg"], "memory://out/b.png") == [
        ("memory:///in/a.jpg", "memory:///out/b.png")
    ]
    assert pairs(["memory://in/a.jpg"], "memory://out", file_format="PNG") == [
        ("memory:///in/a.jpg", "memory:///out/a.png")
    ]
    (missing,) = make_remote_plan(["memory://none.jpg"], "memory://out").tasks
    with pytest.raises(PhotoReadError, match=r"none\.jpg: no such file"):
        read_file(missing.source)


def test_results_of_earlier_runs_are_passed_over(memory: fsspec.AbstractFileSystem) -> None:
    """``NAME_enhanced`` beside ``NAME`` in a folder, counted; not if it is named, or alone."""
    for name in ("a.jpg", "a_enhanced.jpg", "lone_enhanced.jpg"):
        memory.pipe(f"/in/{name}", b"a photo")
    found = make_remote_plan(["memory://in"], "memory://out")
    names = [task.target.rpartition("/")[2] for task in found.tasks]
    assert (names, found.results_passed_over) == (["a.jpg", "lone_enhanced.jpg"], 1)
    named = make_remote_plan(["memory://in", "memory://in/a_enhanced.jpg"], "memory://out")
    assert (len(named.tasks), named.results_passed_over) == (3, 0)


def test_local_folders_are_searched_as_ever(tmp_path: Path) -> None:
    """An output folder in the input is passed over, and what cannot be read is planned to fail."""
    for name in ("in/a.png", "in/sub/b.png", "in/out/a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    folder = tmp_path / "in"
    assert pairs([str(folder)], f"file://{folder}/out") == [
        (str(folder / "a.png"), f"{folder}/out/a.png"),
        (str(folder / "sub/b.png"), f"{folder}/out/sub/b.png"),
    ]
    (task,) = make_remote_plan([str(folder / "a.png")], str(folder / "out")).tasks
    assert task.has_result
    assert task.version == list_files(str(folder / "a.png"))[0].version
    assert pairs([str(folder / "none.png")], str(tmp_path)) == [
        (str(folder / "none.png"), str(tmp_path / "none.png"))
    ]


def test_two_results_never_share_a_place(memory: fsspec.AbstractFileSystem) -> None:
    """Nor does a result take the place of a photo."""
    for name in ("in/a.jpg", "in/a.png", "more/a.jpg"):
        memory.pipe_file(f"/{name}", b"x")
    with pytest.raises(ValueError, match="would both be written to"):
        make_remote_plan(["memory://in"], "memory://out", file_format="PNG")
    with pytest.raises(ValueError, match="would both be written to"):
        make_remote_plan(["memory://in", "memory://more"], "memory://out")
    with pytest.raises(ValueError, match="would overwrite the photo"):
        make_remote_plan(["memory://in"], "memory://in")
    with pytest.raises(ValueError, match="nothing can be written to https"):
        make_remote_plan(["memory://in"], "https://example.com/out")
    with pytest.raises(ValueError, match="not the suffix"):
        make_remote_plan(["memory://in/a.jpg"], "memory://b.tif", file_format="PNG")


def test_files_are_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file could be seen half-written, it gets its name last; failures leave nothing."""
    write_file(str(tmp_path / "new/a"), b"1", is_new=True)
    assert (tmp_path / "new/a").read_bytes() == b"1"
    from fsspec.implementations.local import LocalFileSystem

    local = LocalFileSystem()
    monkeypatch.setattr(
        "fivefold.cluster.places.open_filesystem", lambda name: (local, name.partition("://")[2])
    )
    write_file(f"sftp://{tmp_path}/b", b"2", is_new=True)
    assert (tmp_path / "b").read_bytes() == b"2"

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(local, "mv", fail)
    with pytest.raises(PhotoWriteError, match=r"c: no space left on device"):
        write_file(f"sftp://{tmp_path}/c", b"3", is_new=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "new"]


def test_addresses_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown scheme is the caller's mistake; a known one names the extra to install."""
    with pytest.raises(ValueError, match=r"nothing://x: Protocol not known"):
        list_files("nothing://x")

    def refuse(_: str) -> None:
        raise ImportError("Install gcsfs")

    monkeypatch.setattr("fsspec.core.url_to_fs", refuse)
    with pytest.raises(MissingExtraError, match=r"fivefold\[gcs\]"):
        list_files("gs://bucket/in")


def test_the_manifest_says_what_need_not_be_tried(memory: fsspec.AbstractFileSystem) -> None:
    """The last line about a photo counts, if its version and the recipe are the same."""
    fine = RemoteOutcome("memory:///a.png", "memory:///out/a.png", "v1", size_bytes=3)
    deadly = RemoteOutcome("memory:///b.png", "memory:///out/b.png", "v1", message="dead")
    deadly = RemoteOutcome.of_json(deadly.to_json().replace("false}", "true}"))
    with Manifest("memory://out", RECIPE) as manifest:
        manifest.add(deadly)
        manifest.flush()
        manifest.add(fine)
    memory.pipe_file("/out/_fivefold/0.jsonl", b'{"source": "memory:///a.png"}\n{"cut sho')
    entries = manifest.read()
    assert set(entries) == {fine.source, deadly.source}

    def settled(
        outcome: RemoteOutcome,
        version: str,
        *,
        there: bool = True,
        update: bool = False,
        recipe: Recipe = RECIPE,
    ) -> RemoteOutcome | None:
        again = Manifest("memory://out", recipe)
        task = RemoteTask(outcome.source, outcome.target, version, 3 if there else -1)
        return again.settled(task, entries.get(task.source), update=update)

    assert settled(fine, "v1", update=True).skipped
    assert settled(fine, "v1", there=False) is None
    assert settled(fine, "v2").stale == "the photo has changed since"
    assert settled(fine, "v2", update=True) is None
    assert "other options" in settled(fine, "v1", recipe=replace(RECIPE, quality=80)).stale
    assert settled(fine, "v1", recipe=replace(RECIPE, quality=80), update=True) is None
    assert settled(deadly, "v1", there=False) == deadly
    assert settled(deadly, "v2", there=False) is None
    unknown = RemoteOutcome("memory:///c.png", "memory:///out/c.png")
    assert settled(unknown, "v1", update=True).skipped
    assert settled(unknown, "v1", there=False) is None


def test_one_machine_works_in_a_bucket(
    bucket: str, enhance: Start, bundle_path: Path, tmp_path: Path
) -> None:
    """The same results as in a folder; ``--skip-existing`` leaves them, ``--update`` not."""
    photos = put_photos(f"{bucket}/in", 5)
    words = [f"{bucket}/in", "-o", f"{bucket}/out"]
    code, records, errors = finish(enhance(*words))
    assert (code, errors) == (0, "")
    assert len(records) == 6
    assert files_below(f"{bucket}/out") == locally_enhanced(photos, tmp_path, bundle_path)
    for option, enhanced in (("--skip-existing", 0), ("--update", 5)):
        _, records, _ = finish(enhance(*words, option, "--strength", "0.5"))
        assert records[-1]["summary"]["enhanced"] == enhanced
        assert records[-1]["summary"]["stale"] == 5 - enhanced
    _, records, _ = finish(enhance(*words, "--update", "--strength", "0.5"))
    assert records[-1]["summary"]["skipped"] == 5


def test_killed_and_gone_on_with(
    bucket: str, enhance: Start, bundle_path: Path, tmp_path: Path
) -> None:
    """Killed outright amid a batch, the next one makes what is missing, and only that."""
    photos = put_photos(f"{bucket}/in", 60)
    process = enhance(f"{bucket}/in", "-o", f"{bucket}/out", "--jobs", "1")
    while len(names_below(f"{bucket}/out")) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    left = names_below(f"{bucket}/out")
    assert len(left) < 60, "it was killed too late to matter"
    code, records, _ = finish(enhance(f"{bucket}/in", "-o", f"{bucket}/out", "--skip-existing"))
    summary = records[-1]["summary"]
    assert (code, summary["enhanced"]) == (0, 60 - len(left))
    assert files_below(f"{bucket}/out") == locally_enhanced(photos, tmp_path, bundle_path)


def test_photos_come_from_a_web_server(web_server: str, enhance: Start, tmp_path: Path) -> None:
    """An address is read as it is; one that is not there is told and stops nothing."""
    put_photos(str(tmp_path / "web"), 1)
    out = tmp_path / "out"
    words = [f"{web_server}/000.png?token=1", f"{web_server}/none.png", "-o", f"file://{out}"]
    code, records, errors = finish(enhance(*words))
    assert code == 1
    assert sorted(files_below(str(out))) == ["000.png"]
    assert f"{web_server}/none.png: no such file or folder" in errors
    assert records[-1]["summary"]["enhanced"] == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["s3://b/a.jpg"], "need an output"),
        (["s3://b/a.jpg", "--in-place"], "--in-place"),
        (["-", "-o", "s3://b/a.jpg"], "pipe"),
        (["s3://b/a.jpg", "-o", "http://b/a.jpg"], "nothing can be written"),
    ],
)
def test_wrong_commands(enhance: Start, words: list[str], reason: str) -> None:
    """Exit code 2 and the reason, before anything is asked of a store."""
    code, _, errors = finish(enhance(*words))
    assert code == 2
    assert reason in errors
