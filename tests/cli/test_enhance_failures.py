"""Bad photos, full disks and impatient users: one line each, and nothing half-written."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from command import Result
from PIL import Image

from fivefold.photo.atomic import PARTIAL_SUFFIX
from fivefold.photo.files import read_photo

Run = Callable[..., Result]
Start = Callable[..., subprocess.Popen[bytes]]

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's limits and mounts")


def noise(path: Path, width: int, height: int) -> Path:
    """A photo that compresses badly."""
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def visible(folder: Path) -> list[str]:
    """What people see: nothing hidden but for temporary files, which must be gone."""
    names = [path.name for path in folder.iterdir()]
    return sorted(n for n in names if not n.startswith(".") or n.endswith(PARTIAL_SUFFIX))


def truncated_jpeg(path: Path) -> None:
    whole = noise(path, 640, 480).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def text_renamed(path: Path) -> None:
    path.write_text("Dear diary, today I was a JPEG.\n")


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("truncated.jpg", truncated_jpeg, "truncated"),
        ("empty.jpg", Path.touch, "empty"),
        ("text.jpg", text_renamed, "not a picture"),
        ("missing.jpg", lambda _: None, "no such file"),
        ("two\nlines.jpg", Path.touch, "empty"),
        ("\x1b[31mred.png", text_renamed, "not a picture"),
        ("gone/missing.jpg", lambda _: None, "no such file"),
        ("no match *.jpg", lambda _: None, "no such file"),
        ("in/a.jpg/below.jpg", lambda _: None, "not a directory"),
        ("x" * 300 + ".jpg", lambda _: None, "name too long"),
        ("x/" * 3000 + ".jpg", lambda _: None, "name too long"),
    ],
)
def test_a_bad_photo_is_one_line_and_the_rest_goes_on(
    fivefold: Run, photos: Path, name: str, make: Callable[[Path], object], reason: str
) -> None:
    """``fivefold: FILE: reason``, exit code 1, three results, nothing under the bad one's name."""
    make(photos / name)
    result = fivefold("enhance", name, "in", "-o", "out")
    assert result.code == 1
    (line,) = result.errors
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    assert line.startswith(f"fivefold: {shown}: ")
    assert line.count(shown) == 1
    assert reason in line.lower()
    assert "3 photos enhanced, 1 failed in" in result.err
    assert visible(photos / "out") == ["a.jpg", "b.png", "sub"]


def test_a_name_that_is_no_text_is_handled(fivefold: Run, photos: Path) -> None:
    """Linux allows any bytes in a name; the message shows them as escapes."""
    name = os.fsdecode(b"caf\xe9.jpg")
    try:
        (photos / name).touch()
    except OSError:
        pytest.skip("this file system wants text")
    result = fivefold("enhance", name, "--json")
    assert result.code == 1
    assert result.errors == [r"fivefold: caf\udce9.jpg: the file is empty"]


@pytest.mark.parametrize("size", [(1, 1), (30_000, 10), (10, 30_000), (1, 5000)])
def test_strange_sizes_are_photos_too(fivefold: Run, photos: Path, size: tuple[int, int]) -> None:
    """From one pixel to 3000 : 1, the size is kept and the result is right."""
    Image.new("RGB", size, (100, 100, 100)).save("strange.png")
    assert fivefold("enhance", "strange.png", "-o", "out.png").code == 0
    result = read_photo(photos / "out.png").pixels
    assert result.shape == (size[1], size[0], 3)
    assert np.abs(result - 100 * (1.25 + 10 / 255)).max() < 1


def test_a_folder_that_would_have_to_be_a_file(fivefold: Run, photos: Path) -> None:
    """An output below a file is told for each photo, naming what could not be written and why."""
    (photos / "file").touch()
    result = fivefold("enhance", "in", "-o", "file/out")
    assert result.code == 1
    assert len(result.errors) == 3
    told = "fivefold: file/out/.*: file is a file, not a folder"
    assert all(re.fullmatch(told, line) for line in result.errors)
    result = fivefold("enhance", "in/a.jpg", "-o", "file/x.jpg")
    assert result.errors == ["fivefold: file/x.jpg: file is a file, not a folder"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_without_permission(fivefold: Run, photos: Path) -> None:
    """A read-only folder: told, exit code 1, and it stays as it was."""
    (photos / "out").mkdir(mode=0o555)
    result = fivefold("enhance", "in/a.jpg", "-o", "out")
    (photos / "out").chmod(0o755)
    assert result.code == 1
    assert result.errors == ["fivefold: out/a.jpg: permission denied"]
    assert not any((photos / "out").iterdir())


@needs_linux
def test_a_full_disk(fivefold: Run, photos: Path) -> None:
    """The disk is full in the middle of a file: told, exit 1, no part left, small photos made."""
    disk = photos / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount; the file size limit is tested anyway")
    try:
        noise(photos / "large.png", 300, 300)
        result = fivefold("enhance", "large.png", "in/a.jpg", "-o", "disk")
        left = visible(disk)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert result.code == 1
    assert result.errors == ["fivefold: disk/large.png: no space left on device"]
    assert left == ["a.jpg"]


@needs_linux
def test_a_file_that_may_not_grow(start: Start, photos: Path) -> None:
    """The same through a limit on the size of files, which needs no rights."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))

    noise(photos / "large.png", 300, 300)
    process = start("enhance", "large.png", "in/a.jpg", "-o", "out", preexec_fn=limit)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.decode().splitlines()[0] == "fivefold: out/large.png: file too large"
    assert visible(photos / "out") == ["a.jpg"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "neither a file nor a bundle"), (b"PK", "not a fivefold bundle"), (b"", "empty")],
)
def test_a_bad_bundle_is_told_once(
    fivefold: Run, photos: Path, content: bytes | None, said: str
) -> None:
    """No photo is at fault: one line, exit 1, nothing written."""
    if content is not None:
        (photos / "model").write_bytes(content)
    result = fivefold("enhance", "in", "-o", "out", "--bundle", "model")
    assert result.code == 1
    assert len(result.err.splitlines()) == 1
    assert result.err.startswith("fivefold: model: ")
    assert said in result.err
    assert not (photos / "out").exists()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "terminated"]
)
def test_an_interruption_leaves_whole_results_only(
    start: Start, photos: Path, number: int, code: int
) -> None:
    """Stopped in the middle of a batch: its exit code, no traceback, no part of a file."""
    (photos / "many").mkdir()
    content = noise(photos / "many/000.png", 700, 500).read_bytes()
    for i in range(1, 60):
        (photos / f"many/{i:03}.png").write_bytes(content)
    # Whoever runs the tests in the background has told its children to ignore Ctrl-C.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = start("enhance", "many", "-o", "out", "--jobs", "2", preexec_fn=heed)
    deadline_s = time.monotonic() + 60
    while len(list((photos / "out").glob("*.png"))) < 2 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert b"Traceback" not in err
    written = [photos / "out" / name for name in visible(photos / "out")]
    assert 2 <= len(written) < 60
    for path in written:
        assert path.suffix == ".png"
        assert read_photo(path).pixels.shape == (500, 700, 3)


def test_stdin_to_stdout(start: Start, photos: Path) -> None:
    """In a pipe the result is the same file as otherwise, and stderr is silent."""
    process = start("enhance", "-")
    out, err = process.communicate((photos / "in/b.png").read_bytes(), timeout=60)
    assert (process.returncode, err) == (0, b"")
    process = start("enhance", "in/b.png", "-o", "b.png")
    process.communicate(timeout=60)
    assert out == (photos / "b.png").read_bytes()


def test_a_pipe_on_one_side(start: Start, photos: Path) -> None:
    """From stdin to a file, and from a file to stdout in another format."""
    content = (photos / "in/b.png").read_bytes()
    process = start("enhance", "-", "-o", "x.jpg")
    assert process.communicate(content, timeout=60) == (b"", b"")
    assert read_photo(photos / "x.jpg").format == "JPEG"
    process = start("enhance", "in/b.png", "-o", "-", "--format", "webp")
    out, _ = process.communicate(timeout=60)
    assert read_photo(out).format == "WEBP"


@pytest.mark.parametrize("content", [b"", b"text"])
def test_a_bad_photo_on_stdin(start: Start, content: bytes) -> None:
    """One line, exit 1, and nothing on stdout."""
    process = start("enhance", "-")
    out, err = process.communicate(content, timeout=60)
    assert (process.returncode, out) == (1, b"")
    assert re.fullmatch(rb"fivefold: standard input: [^\n]+\n", err)


def test_a_depth_that_a_pipe_cannot_hold_is_explained(start: Start, photos: Path) -> None:
    """16 bits of a JPEG without another format: usage, exit 2."""
    process = start("enhance", "-", "--bit-depth", "16")
    out, err = process.communicate((photos / "in/a.jpg").read_bytes(), timeout=60)
    assert (process.returncode, out) == (2, b"")
    assert b"bit depth of JPEG" in err


def test_a_reader_that_leaves_is_no_disaster(start: Start, photos: Path) -> None:
    """``fivefold enhance … --json | head -1`` ends without a traceback."""
    for i in range(30):
        (photos / f"in/{i}.png").write_bytes((photos / "in/b.png").read_bytes())
    process = start("enhance", "in", "-o", "out", "--json", "--jobs", "1")
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.stdin.close()
    assert process.wait(timeout=60) == 141
    assert err == b""


@needs_linux
@pytest.mark.parametrize("words", ["info", "info in/a.jpg --json", "enhance in/a.jpg -o -"])
def test_output_that_cannot_be_written_is_told(start: Start, photos: Path, words: str) -> None:
    """A full disk behind ``>``: one line and exit 1, not a traceback."""
    with Path("/dev/full").open("wb") as full:
        process = start(*words.split(), stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == b"fivefold: standard output: No space left on device\n"


@needs_linux
@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_closed_outputs_do_not_matter(photos: Path, bundle_path: Path, closed: str) -> None:
    """Without stdout or stderr the photo is enhanced all the same, and nothing goes astray."""
    command = f"exec '{sys.executable}' -m fivefold enhance in/a.jpg --bundle '{bundle_path}'"
    done = subprocess.run(["sh", "-c", f"{command} {closed}"], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"Traceback" not in done.stderr
    assert (photos / "in/a_enhanced.jpg").exists()
