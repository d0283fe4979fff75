"""Files that are damaged, cut short, or no videos; results that cannot be written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
from clips import Making, mean, packets, picture, read_frames, write_clip

from fivefold.errors import UnsupportedVideoError, VideoReadError, VideoWriteError
from fivefold.photo.atomic import PARTIAL_SUFFIX
from fivefold.runtime.enhancer import Enhancer
from fivefold.video.colour import Converter, FrameColours
from fivefold.video.encoders import choose
from fivefold.video.enhance import VideoReport, VideoSettings, enhance_video
from fivefold.video.reader import VideoReader
from fivefold.video.writer import VideoWriter

FAST = VideoSettings(preset="ultrafast")


def textured(frames: int, seed: int = 0) -> list[np.ndarray]:
    """Frames of noise that moves, so that packets have some size."""
    random = np.random.default_rng(seed)
    wide = picture(160 + 2 * frames, 96, seed).astype(int) + random.integers(
        -20, 20, (96, 160 + 2 * frames, 3)
    )
    wide = np.clip(wide, 0, 255).astype(np.uint8)
    return [wide[:, 2 * i : 2 * i + 160] for i in range(frames)]


def clip(path: Path, frames: int = 60, **making: object) -> Path:
    """A clip with a key frame every ten frames, and its index in front."""
    options = {"crf": "18", "preset": "veryfast", "g": "10"}
    container_options = {"movflags": "faststart"} if path.suffix in (".mp4", ".mov") else {}
    return write_clip(
        path,
        textured(frames),
        Making(options=options, container_options=container_options, **making),
    )


def cut_short(path: Path, share: float) -> Path:
    """The same file without its end."""
    content = path.read_bytes()
    short = path.with_name(f"short{path.suffix}")
    short.write_bytes(content[: int(len(content) * share)])
    return short


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("share", [0.4, 0.9])
def test_a_truncated_file_gives_what_it_has(
    enhancer: Enhancer, tmp_path: Path, suffix: str, share: float
) -> None:
    """The frames that are there are enhanced, and the report says that the end is missing."""
    extra = {}
    if suffix == ".webm":
        extra = {"codec": "libvpx-vp9"}
    making = {"has_audio": suffix in (".mp4", ".mov"), **extra}
    source = (
        write_clip(
            tmp_path / "a.webm", textured(40), Making(codec="libvpx-vp9", options={"g": "10"})
        )
        if extra
        else clip(tmp_path / f"a{suffix}", **making)
    )
    short = cut_short(source, share)
    target = tmp_path / "out.mkv"
    report = enhance_video(short, target, enhancer, VideoSettings(codec="h264"))
    assert report.is_truncated
    assert not report.is_complete
    assert 0 < report.frames < len(read_frames(source))
    assert len(read_frames(target)) == report.frames


def test_a_whole_file_is_not_called_truncated(enhancer: Enhancer, tmp_path: Path) -> None:
    """Whatever container, with sound longer or shorter than the picture."""
    for suffix in (".mp4", ".mov", ".mkv", ".ts"):
        source = clip(tmp_path / f"a{suffix}", 30, has_audio=True)
        report = enhance_video(source, tmp_path / "out.mkv", enhancer, FAST)
        assert report.is_complete, suffix


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_damage_in_the_middle_costs_only_the_middle(
    enhancer: Enhancer, tmp_path: Path, suffix: str
) -> None:
    """Bytes overwritten in the data: told, and the frames before and behind are there.

    Matroska passes over what is no packet without a word; there the gap in time is told.
    """
    source = clip(tmp_path / f"a{suffix}", 80)
    content = bytearray(source.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = np.random.default_rng(1).bytes(3000)
    damaged = tmp_path / f"damaged{suffix}"
    damaged.write_bytes(content)
    target = tmp_path / "out.mp4"
    report = enhance_video(damaged, target, enhancer, FAST)
    if suffix == ".mkv":
        assert report.notes == (
            f"about {80 - report.frames} frames are missing between others; "
            "the result has the same gaps",
        )
    else:
        assert report.lost_packets + report.damaged_frames > 0
        assert not report.is_complete
    assert report.frames > 50
    times = [float(f.pts * f.time_base) for f in read_frames(target)]
    assert times == sorted(set(times))
    assert times[-1] > 2.8
    before, after = read_frames(source), read_frames(target)
    assert mean(after[3]) > 1.15 * mean(before[3])


def test_random_damage_never_crashes_or_hangs(enhancer: Enhancer, tmp_path: Path) -> None:
    """Twenty files with bytes overwritten anywhere: a result, or an error of ours in one line."""
    random = np.random.default_rng(3)
    whole = clip(tmp_path / "a.mkv", 20, has_audio=True).read_bytes()
    damaged = tmp_path / "damaged.mkv"
    for _ in range(20):
        content = bytearray(whole)
        for place in random.integers(0, len(content), 12):
            content[place] = random.integers(0, 256)
        damaged.write_bytes(content)
        reason, frames = "", 0
        try:
            frames = enhance_video(damaged, tmp_path / "out.mkv", enhancer, FAST).frames
        except (VideoReadError, UnsupportedVideoError, VideoWriteError) as error:
            reason = str(error)
        assert "\n" not in reason
        assert reason or frames == len(read_frames(tmp_path / "out.mkv"))
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(PARTIAL_SUFFIX)]


def _garbage(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(5000))


def _sound_only(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48_000)
        for start in range(0, 9600, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _no_frame(path: Path) -> None:
    """A head without data."""
    content = clip(path.with_name("whole.mkv"), 10).read_bytes()
    path.write_bytes(content[: content.index(b"\x1f\x43\xb6\x75")])  # up to the first cluster


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Path.touch, "the file is empty"),
        (Path.mkdir, "is a directory"),
        (lambda _: None, "no such file or directory"),
        (_garbage, "not a video, or damaged beyond reading"),
        (_sound_only, "no video in it"),
        (_no_frame, "no frame that can be decoded"),
    ],
)
def test_what_is_no_video_is_named_in_one_line(
    enhancer: Enhancer, tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    """With the file and the reason; nothing is written."""
    source = tmp_path / "a.mkv"
    make(source)
    with pytest.raises(VideoReadError) as caught:
        enhance_video(source, tmp_path / "out.mp4", enhancer)
    assert str(caught.value) == f"{source}: {words}"
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.webp", "a.avif", "a.tif"])
def test_pictures_are_not_videos(enhancer: Enhancer, tmp_path: Path, name: str) -> None:
    """Stills and animations, whatever the name says, are for ``fivefold enhance``."""
    from PIL import Image

    frames = [Image.fromarray(picture(64, 48, seed)) for seed in range(3)]
    frames[0].save(
        tmp_path / name,
        **({"save_all": True, "append_images": frames[1:]} if "gif" in name else {}),
    )
    source = (tmp_path / name).rename(tmp_path / "a.mp4")
    with pytest.raises(UnsupportedVideoError, match="a picture, not a video"):
        enhance_video(source, tmp_path / "out.mp4", enhancer)


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_is_refused_before_anything_is_written(
    enhancer: Enhancer, tmp_path: Path, transfer: int
) -> None:
    """One line that says what to do."""
    making = Making(pixel_format="yuv420p10le", primaries=9, transfer=transfer, matrix=9)
    source = write_clip(tmp_path / "a.mp4", textured(3), making)
    with pytest.raises(UnsupportedVideoError, match=r"HDR \((PQ|HLG)\); convert it to SDR first$"):
        enhance_video(source, tmp_path / "out.mp4", enhancer)
    assert not (tmp_path / "out.mp4").exists()


def test_a_target_that_cannot_be_written_is_named(enhancer: Enhancer, tmp_path: Path) -> None:
    """A folder that is missing, a folder in its place: one line, before any work."""
    source = clip(tmp_path / "a.mp4", 5)
    (tmp_path / "folder.mp4").mkdir()
    for target, words in (
        (tmp_path / "none/out.mp4", "cannot be written: no such file or directory"),
        (tmp_path / "folder.mp4", "not a file"),
    ):
        with pytest.raises(VideoWriteError) as caught:
            enhance_video(source, target, enhancer)
        assert str(caught.value) == f"{target}: {words}"


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_full_disk_leaves_nothing_and_the_old_result(bundle_path: Path, tmp_path: Path) -> None:
    """As a limit on a file's size does: exit code 1, one line, no partial file."""
    source = clip(tmp_path / "a.mp4", 60)
    (tmp_path / "out.mp4").write_text("old")
    code = (
        "import resource, signal, sys; from fivefold.cli import main; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)); "
        "sys.exit(main(sys.argv[1:]))"
    )
    words = ["video", source, "-o", tmp_path / "out.mp4", "--bundle", bundle_path, "--crf", "1"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        f"fivefold: {tmp_path}/out.mp4: cannot be written"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "out.mp4"]
    assert (tmp_path / "out.mp4").read_text() == "old"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_nothing(bundle_path: Path, tmp_path: Path, number: int) -> None:
    """Interrupted in the middle: the usual exit code, no partial file, the old result as it was."""
    source = clip(tmp_path / "a.mp4", 400)
    (tmp_path / "out.mp4").write_text("old")
    words = ["video", source, "-o", tmp_path / "out.mp4", "--bundle", bundle_path]
    words += ["--preset", "veryslow"]
    process = subprocess.Popen(
        [sys.executable, "-m", "fivefold", *map(str, words)],
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background has told its children to ignore Ctrl-C.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    deadline_s = time.monotonic() + 60
    while not any(path.name.endswith(PARTIAL_SUFFIX) for path in tmp_path.iterdir()):
        assert time.monotonic() < deadline_s
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "out.mp4"]
    assert (tmp_path / "out.mp4").read_text() == "old"


def test_an_existing_result_is_replaced_and_keeps_its_permissions(
    enhancer: Enhancer, tmp_path: Path
) -> None:
    """Also through a symbolic link, which stays."""
    source = clip(tmp_path / "a.mp4", 5)
    old = tmp_path / "old.mp4"
    old.write_text("old")
    old.chmod(0o640)
    link = tmp_path / "link.mp4"
    link.symlink_to(old)
    enhance_video(source, link, enhancer, FAST)
    assert link.is_symlink()
    assert old.stat().st_mode & 0o777 == 0o640
    assert len(read_frames(old)) == 5


def test_the_video_itself_is_never_the_target(enhancer: Enhancer, tmp_path: Path) -> None:
    """By whatever name."""
    source = clip(tmp_path / "a.mp4", 3)
    (tmp_path / "link.mp4").symlink_to(source)
    for target in (source, tmp_path / "link.mp4", tmp_path / "." / "a.mp4"):
        with pytest.raises(ValueError, match="would overwrite the video"):
            enhance_video(source, target, enhancer)


def test_sound_survives_where_the_picture_does_not(enhancer: Enhancer, tmp_path: Path) -> None:
    """Packets of other streams are copied whatever happens to frames."""
    source = clip(tmp_path / "a.mkv", 50, has_audio=True)
    sound = packets(source, "audio")
    content = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        video = [p for p in container.demux(video=0) if p.size]
    place = bytes(content).index(bytes(video[25])[40:80])
    content[place : place + 30] = b"\xff" * 30
    source.write_bytes(content)
    report: VideoReport = enhance_video(source, tmp_path / "out.mkv", enhancer, FAST)
    assert not report.is_complete
    assert packets(tmp_path / "out.mkv", "audio") == sound


def test_sound_out_of_order_is_put_in_order(tmp_path: Path) -> None:
    """A packet that stands before the one it follows does not cost the whole result."""
    source = write_clip(tmp_path / "a.mkv", textured(25), Making(has_audio=True))
    reader = VideoReader(source)
    choice = choose(".mp4", "h264", "yuv420p")
    colours = FrameColours.of(reader.first_frame, "a")
    converter = Converter(colours, 160, 96, "yuv420p")
    with reader, VideoWriter(tmp_path / "out.mp4", reader, colours, converter, choice) as writer:
        sound = [i for i in reader.items() if isinstance(i, av.Packet)]
        sound[9].dts = sound[9].pts = sound[3].pts
        for item in sound:
            writer.copy(item)
        writer.finish()
    times = [time for time, _ in packets(tmp_path / "out.mp4", "audio")]
    assert len(times) == len(sound)
    assert times == sorted(times)


def test_nothing_behind_the_end(enhancer: Enhancer, tmp_path: Path) -> None:
    """``from_s`` later than the last frame: one line that says so."""
    source = clip(tmp_path / "a.mp4", 10)
    with pytest.raises(VideoReadError, match=r"a\.mp4: no frame from 9 s on$"):
        enhance_video(source, tmp_path / "b.mp4", enhancer, VideoSettings(from_s=9))


def test_a_clip_trimmed_by_an_edit_list_is_whole(enhancer: Enhancer, tmp_path: Path) -> None:
    """Phones trim so: the file has more frames than it shows, and nothing is missing."""
    frames = textured(40)
    ticks = [i * 512 - 5120 for i in range(40)]  # ten frames before the beginning
    making = Making(time_base=Fraction(1, 12_800), ticks=ticks, options={"g": "10", "bf": "0"})
    source = write_clip(tmp_path / "a.mp4", frames, making)
    report = enhance_video(source, tmp_path / "b.mp4", enhancer, FAST)
    assert report.is_complete
    assert report.frames == len(read_frames(source)) == 30


def test_damaged_sound_does_not_cost_the_picture(enhancer: Enhancer, tmp_path: Path) -> None:
    """What a container refuses of it is left out, and that is told."""
    content = clip(tmp_path / "a.ts", 40, has_audio=True).read_bytes()
    damaged, told = tmp_path / "damaged.ts", []
    for seed in range(8):
        random = np.random.default_rng(seed)
        bad = bytearray(content)
        for place in random.integers(2000, len(bad), 40):
            bad[place] = random.integers(0, 256)
        damaged.write_bytes(bad)
        for suffix in (".mp4", ".mkv"):
            target = tmp_path / f"out{suffix}"
            report = enhance_video(damaged, target, enhancer, FAST)
            assert len(read_frames(target)) == report.frames > 15
            told += report.notes
    assert any("damaged packets of other streams left out" in note for note in told)
