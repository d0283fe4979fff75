"""``fivefold video`` does what it is told, and says so in as few words as possible."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from clips import Making, Told, mean, read_frames, write_clip

from fivefold.cli import extras
from fivefold.cli.video import seconds
from fivefold.errors import MissingExtraError

Run = Callable[..., Told]


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A second of grey, with sound, in the current folder."""
    monkeypatch.chdir(tmp_path)
    frames = [np.full((64, 96, 3), 100, np.uint8)] * 25
    return write_clip(tmp_path / "a.mp4", frames, Making(has_audio=True))


def test_a_video_gets_a_result_beside_it(fivefold: Run, clip: Path) -> None:
    """``NAME_enhanced``, two lines on stderr, nothing on stdout, the video untouched."""
    before = clip.read_bytes()
    told = fivefold("video", "a.mp4")
    assert (told.code, told.out) == (0, "")
    assert re.fullmatch(
        r"fivefold: writing h264, crf 18, preset medium, yuv420p\n"
        r"fivefold: 25 frames in 1 shot enhanced in \d+\.\d s \(\d+\.\d\d times real time\): "
        r"a_enhanced\.mp4\n",
        told.err,
    )
    assert mean(read_frames("a_enhanced.mp4")[9]) > 0.49
    assert clip.read_bytes() == before


def test_other_suffixes_become_matroska(fivefold: Run, clip: Path) -> None:
    """What is read but not written gets a container that holds everything."""
    clip.rename("a.mpg")
    assert fivefold("video", "a.mpg").code == 0
    assert len(read_frames("a_enhanced.mkv")) == 25


def test_json_is_one_object(fivefold: Run, clip: Path) -> None:
    """With everything that a program asks for, and nothing else on stdout."""
    told = fivefold("video", "a.mp4", "-o", "b.mkv", "--json", "--every", "5")
    facts = json.loads(told.out)
    assert facts["seconds"] > 0
    assert facts["realtime_factor"] == pytest.approx(1 / facts["seconds"], rel=0.01)
    del facts["seconds"], facts["realtime_factor"]
    assert facts == {
        "source": "a.mp4",
        "target": "b.mkv",
        "complete": True,
        "frames": 25,
        "lost_frames": 0,
        "damaged_frames": 0,
        "truncated": False,
        "duration_s": 1.0,
        "cuts": 0,
        "predictions": 5,
        "encoding": "h264, crf 18, preset medium, yuv420p",
        "notes": [],
    }
    assert told.err == ""


def test_options_reach_the_work(fivefold: Run, clip: Path) -> None:
    """Strength, part, codec, quality, speed and smoothing."""
    words = ["--strength", "-0.5", "--from", "0.2", "--to", "0:00.6", "--smoothing", "0"]
    words += ["--codec", "hevc", "--crf", "12", "--preset", "ultrafast"]
    told = fivefold("video", "a.mp4", "-o", "b.mp4", *words)
    assert told.err.startswith("fivefold: writing hevc, crf 12, preset ultrafast, yuv420p\n")
    frames = read_frames("b.mp4")
    assert len(frames) == 10
    assert mean(frames[4]) < 0.36


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--strength", "2"], "--strength must lie in -1.5 to 1.5, received 2.0"),
        (["--from", "3", "--to", "3"], "--to must come after --from"),
        (["--from", "soon"], "expected a time as 80 or 1:20.5, received 'soon'"),
        (["--every", "0"], "must be a whole number from 1 up, received '0'"),
        (["--codec", "divx"], "invalid choice: 'divx'"),
        (["--crf", "99"], "crf of h264 must be 0 to 51, received 99"),
        (["--preset", "hasty"], "preset of h264 must be ultrafast"),
        (["-o", "b.avi"], "the suffix must be one of .mp4"),
        (["-o", "a.mp4"], "a.mp4: the result would overwrite the video"),
        (["-o", ""], "a name is empty"),
        (["--codec", "prores"], "prores does not go into .mp4"),
    ],
)
def test_wrong_commands(fivefold: Run, clip: Path, words: list[str], message: str) -> None:
    """Exit code 2, the reason, and nothing written."""
    told = fivefold("video", "a.mp4", *words)
    assert (told.code, told.out) == (2, "")
    assert message in told.err
    assert [path.name for path in clip.parent.iterdir()] == ["a.mp4"]


def test_a_style_that_the_model_has_not(fivefold: Run, clip: Path) -> None:
    """Named, and nothing written."""
    told = fivefold("video", "a.mp4", "--expert", "z")
    assert told.code != 0
    assert "'z'" in told.err
    assert [path.name for path in clip.parent.iterdir()] == ["a.mp4"]


def test_a_truncated_video_is_told_and_kept(fivefold: Run, clip: Path) -> None:
    """Exit code 1, a line that says so, and the frames that were there."""
    making = Making(options={"g": "5"}, container_options={"movflags": "faststart"})
    noise = np.random.default_rng(0).integers(0, 255, (40, 64, 96, 3), np.uint8)
    whole = write_clip(clip.with_name("b.mp4"), list(noise), making).read_bytes()
    Path("short.mp4").write_bytes(whole[: len(whole) // 2])
    told = fivefold("video", "short.mp4")
    assert told.code == 1
    assert re.search(
        r"fivefold: short\.mp4: the file is truncated(, .*)?; the result holds the rest\n", told.err
    )
    assert 10 < len(read_frames("short_enhanced.mp4")) < 40
    facts = json.loads(fivefold("video", "short.mp4", "--json").out)
    assert (facts["complete"], facts["truncated"]) == (False, True)


def test_what_cannot_be_read_is_one_line(fivefold: Run, clip: Path) -> None:
    """Exit code 1."""
    Path("b.mp4").touch()
    assert fivefold("video", "b.mp4") == Told(1, "", "fivefold: b.mp4: the file is empty\n")
    told = fivefold("video", "none.mp4")
    assert told == Told(1, "", "fivefold: none.mp4: no such file or directory\n")


def test_without_pyav_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, before anything else."""
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"PyAV is not installed; .*'fivefold\[video\]'"):
        extras.require("video", "av")


def test_encoders_are_silent(clip: Path, bundle_path: Path) -> None:
    """What libraries print of themselves does not reach the terminal."""
    for codec in ("h264", "hevc", "av1", "vp9"):
        words = ["video", "a.mp4", "-o", f"{codec}.mkv", "--codec", codec, "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "fivefold", *words, "--bundle", bundle_path],
            check=True,
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
        assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "expected"), [("80", 80), ("1:20.5", 80.5), ("1:00:00", 3600), ("0", 0)]
)
def test_times(text: str, expected: float) -> None:
    """Seconds, minutes and hours."""
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "-1", "1:-2", "a", "1:2:3:4", "inf", "nan", ":"])
def test_what_is_no_time(text: str) -> None:
    """Refused, with what was received."""
    with pytest.raises(ArgumentTypeError, match="received"):
        seconds(text)
