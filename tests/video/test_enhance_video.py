"""A video comes out enhanced, with everything else as it was."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from clips import Making, mean, packets, picture, read_frames, rgb, times_s, write_clip

from fivefold.runtime.enhancer import Enhancer
from fivefold.video import enhance
from fivefold.video.cuts import Role
from fivefold.video.enhance import VideoReport, VideoSettings, enhance_video

LEVEL = 100 / 255
BRIGHTER = LEVEL * (1.25 + 0.1 * LEVEL)  # what the tiny bundle makes of grey


def grey(frames: int = 12, width: int = 96, height: int = 64, level: int = 100) -> list[np.ndarray]:
    return [np.full((height, width, 3), level, np.uint8)] * frames


def moving(frames: int = 12, seed: int = 0) -> list[np.ndarray]:
    wide = picture(96 + 2 * frames, 64, seed)
    return [wide[:, 2 * i : 2 * i + 96] for i in range(frames)]


def run(source: Path, enhancer: Enhancer, suffix: str | None = None, **settings: Any) -> Path:
    """The result beside the source."""
    target = source.with_name(f"{source.stem}_out{suffix or source.suffix}")
    settings = (
        {"crf": 8, **settings} if settings.get("codec") not in ("ffv1", "prores") else settings
    )
    report = enhance_video(source, target, enhancer, VideoSettings(**settings))
    assert report.is_complete
    assert report.frames == len(read_frames(target))
    return target


def stream_facts(path: Path) -> dict[str, Any]:
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        frame = next(container.decode(video=0))
        return {
            "codec": context.codec.canonical_name,
            "format": context.pix_fmt,
            "size": (context.width, context.height),
            "tags": (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range),
            "rotation": frame.rotation,
            "interlaced": frame.interlaced_frame,
        }


@pytest.mark.parametrize(("strength", "expected"), [(1, BRIGHTER), (0.5, (BRIGHTER + LEVEL) / 2)])
def test_frames_are_enhanced(
    enhancer: Enhancer, tmp_path: Path, strength: float, expected: float
) -> None:
    """By as much as the model says, in every frame."""
    source = write_clip(tmp_path / "a.mp4", grey())
    result = run(source, enhancer, strength=strength)
    assert [mean(frame) for frame in read_frames(result)] == pytest.approx(
        [expected] * 12, abs=0.01
    )


@pytest.mark.parametrize(
    ("making", "suffix"),
    [
        (Making(), ".mp4"),
        (Making(pixel_format="yuv444p"), ".mkv"),
        (Making(pixel_format="yuv420p10le"), ".mp4"),
        (Making(codec="libx265", pixel_format="yuv420p10le"), ".mov"),
        (Making(pixel_format="yuv422p10le"), ".mkv"),
        (Making(codec="prores_ks", pixel_format="yuv422p10le", options={}), ".mov"),
        (Making(codec="libvpx-vp9", options={"crf": "20", "b": "0", "cpu-used": "8"}), ".webm"),
        (Making(codec="libsvtav1", options={"crf": "20", "preset": "12"}), ".mkv"),
        (Making(codec="ffv1", pixel_format="yuv422p10le", options={}), ".mkv"),
        (Making(pixel_format="gray", range=2), ".mp4"),
    ],
    ids=lambda value: f"{value.codec}-{value.pixel_format}" if isinstance(value, Making) else value,
)
def test_codec_and_bit_depth_are_kept(
    enhancer: Enhancer, tmp_path: Path, making: Making, suffix: str
) -> None:
    """The result has the input's codec and pixel format, and is brighter."""
    source = write_clip(tmp_path / f"a{suffix}", grey(4), making)
    before = stream_facts(source)
    codec = before["codec"]
    crf = {} if codec in ("ffv1", "prores") else {"crf": 10}
    target = tmp_path / f"out{suffix}"
    report = enhance_video(source, target, enhancer, VideoSettings(**crf))
    after = stream_facts(target)
    assert after["codec"] == before["codec"]
    assert after["format"] == before["format"]
    assert report.encoding.startswith(codec)
    assert mean(read_frames(target)[2]) == pytest.approx(BRIGHTER, abs=0.015)


@pytest.mark.parametrize(
    "tags",
    [
        (1, 1, 1, 1),
        (1, 13, 1, 2),
        (6, 6, 6, 1),
        (5, 6, 5, 2),
        (2, 2, 2, 1),
        (12, 13, 1, 1),
    ],
)
def test_colour_tags_are_kept(enhancer: Enhancer, tmp_path: Path, tags: tuple) -> None:
    """Primaries, curve, matrix and range, and colours by them: a grey stays grey."""
    primaries, transfer, matrix, range_ = tags
    making = Making(primaries=primaries, transfer=transfer, matrix=matrix, range=range_)
    source = write_clip(tmp_path / "a.mp4", grey(3), making)
    result = run(source, enhancer)
    assert stream_facts(result)["tags"] == stream_facts(source)["tags"]
    assert stream_facts(result)["tags"][:3] == tags[:3]
    colours = rgb(read_frames(result)[1], 6 if matrix == 2 else matrix)
    assert colours.mean() == pytest.approx(BRIGHTER, abs=0.015)
    assert np.ptp(colours.mean(axis=(0, 1))) < 0.02


def test_bt2020_keeps_colours_that_srgb_has_not(enhancer: Enhancer, tmp_path: Path) -> None:
    """A pure BT.2020 green of 10 bits is brightened, not clipped to sRGB's."""
    green = np.zeros((64, 96, 3), np.uint16)
    green[..., 1] = 30_000
    making = Making(pixel_format="yuv444p10le", primaries=9, transfer=14, matrix=9)
    source = write_clip(tmp_path / "a.mkv", [green] * 3, making)
    before = rgb(read_frames(source)[0], 9).mean(axis=(0, 1))
    after = rgb(read_frames(run(source, enhancer))[0], 9).mean(axis=(0, 1))
    assert after[1] > 1.2 * before[1]
    assert max(after[0], after[2]) < 0.05  # sRGB's own green has 0.3 there


def test_a_variable_frame_rate_is_kept(enhancer: Enhancer, tmp_path: Path) -> None:
    """Each frame is shown when it was, to the tick, and the last as long."""
    ticks = [0, 3000, 6003, 15000, 15500, 21000, 60000, 63000]
    making = Making(time_base=Fraction(1, 90_000), ticks=ticks)
    for suffix in (".mp4", ".mkv", ".mov"):
        source = write_clip(tmp_path / f"a{suffix}", moving(len(ticks)), making)
        target = tmp_path / f"b{suffix}"
        assert enhance_video(source, target, enhancer).notes == ()
        assert times_s(target) == pytest.approx(times_s(source), abs=1e-9)
        if suffix != ".mkv":  # which tells it in milliseconds
            assert read_frames(target)[-1].duration == read_frames(source)[-1].duration


def test_sound_is_copied_bit_by_bit_and_in_time(enhancer: Enhancer, tmp_path: Path) -> None:
    """Every packet of it, at its time."""
    source = write_clip(tmp_path / "a.mp4", moving(50), Making(has_audio=True))
    for suffix in (".mp4", ".mov"):
        result = run(source, enhancer, suffix)
        assert packets(result, "audio") == packets(source, "audio")
    (audio,) = (av.open(str(result)).streams.audio,)
    assert audio[0].codec_context.sample_rate == 48_000


def test_several_sounds_and_subtitles_keep_their_languages(
    enhancer: Enhancer, tmp_path: Path
) -> None:
    """Streams in their order, with language, title and what they are for."""

    def streams(container: Any) -> list:
        packets = []
        for language, title in (("eng", "English"), ("deu", "Deutsch")):
            stream = container.add_mux_stream("subrip")
            stream.metadata.update({"language": language, "title": title})
            packet = av.Packet(f"{title} spoken here".encode())
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts = packet.dts = 100
            packet.duration = 300
            packets.append(packet)
        return packets

    source = write_clip(tmp_path / "a.mkv", moving(20), Making(has_audio=True), streams=streams)
    result = run(source, enhancer)
    with av.open(str(source)) as before, av.open(str(result)) as after:
        assert [s.type for s in after.streams] == [s.type for s in before.streams]
        for kept in ("language", "title"):
            assert [s.metadata.get(kept) for s in after.streams] == [
                s.metadata.get(kept) for s in before.streams
            ]
    assert packets(result, "subtitle") == packets(source, "subtitle")
    assert len(packets(result, "subtitle")) == 2


def test_what_the_container_cannot_hold_is_told(enhancer: Enhancer, tmp_path: Path) -> None:
    """SubRip in MP4: the rest is there, and a note says what is not."""

    def streams(container: Any) -> list:
        container.add_mux_stream("subrip")
        return []

    source = write_clip(tmp_path / "a.mkv", moving(6), Making(has_audio=True), streams=streams)
    report = enhance_video(source, tmp_path / "b.mp4", enhancer)
    assert report.notes == ("subtitle stream 2 (srt) left out: mp4 cannot hold it",)
    assert packets(tmp_path / "b.mp4", "audio")


def test_cover_and_fonts_are_kept(enhancer: Enhancer, tmp_path: Path) -> None:
    """The picture that players show of a file, and what subtitles need, byte for byte."""
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(picture(40, 30)).save(buffer, "PNG")

    def cover(container: Any) -> list:
        stream = container.add_mux_stream("png", width=40, height=30)
        stream.disposition = av.stream.Disposition.attached_pic
        packet = av.Packet(buffer.getvalue())
        packet.stream, packet.time_base = stream, Fraction(1, 90_000)
        packet.pts = packet.dts = 0
        packet.is_keyframe = True
        return [packet]

    def font(container: Any) -> list:
        container.add_attachment("a.ttf", "font/ttf", b"outlines")
        return []

    with_cover = write_clip(tmp_path / "a.mp4", moving(6), streams=cover)
    with av.open(str(run(with_cover, enhancer))) as container:
        (one,) = (s for s in container.streams if s.disposition & 1 << 10)
        (packet,) = (p for p in container.demux(one) if p.size)
        assert bytes(packet) == buffer.getvalue()
    with_font = write_clip(tmp_path / "b.mkv", moving(6), streams=font)
    with av.open(str(run(with_font, enhancer))) as container:
        (one,) = container.streams.attachments
        assert (one.name, one.mimetype, one.data) == ("a.ttf", "font/ttf", b"outlines")


def test_data_streams_are_kept(enhancer: Enhancer, tmp_path: Path) -> None:
    """What aircraft and action cameras record beside the picture, at its time."""

    def streams(container: Any) -> list:
        stream = container.add_data_stream("klv")
        told = []
        for i in range(5):
            packet = av.Packet(b"position %d" % i)
            packet.stream, packet.time_base = stream, Fraction(1, 90_000)
            packet.pts = packet.dts = 9000 * i
            told.append(packet)
        return told

    source = write_clip(tmp_path / "a.ts", moving(20), streams=streams)
    assert [content for _, content in packets(source, "data")] == [
        b"position %d" % i for i in range(5)
    ]
    assert packets(run(source, enhancer), "data") == packets(source, "data")


def test_timecode_is_kept(enhancer: Enhancer, tmp_path: Path) -> None:
    """Cameras' track with the time of day; of a part it would be wrong, and is left out."""

    def streams(container: Any) -> list:
        container.streams.video[0].metadata["timecode"] = "01:02:03:04"
        return []

    source = write_clip(tmp_path / "a.mov", moving(25), streams=streams)
    assert len(packets(source, "data")) == 1
    for suffix in (".mov", ".mp4"):
        result = run(source, enhancer, suffix)
        assert packets(result, "data")[0][1] == packets(source, "data")[0][1]
        with av.open(str(result)) as container:
            assert container.streams.video[0].metadata["timecode"] == "01:02:03:04"
    target = tmp_path / "part.mov"
    report = enhance_video(source, target, enhancer, VideoSettings(from_s=0.4))
    assert report.notes[0].startswith("timecode left out")
    assert packets(target, "data") == []


@pytest.mark.parametrize("suffix", [".ts", ".m4v", ".mov", ".mkv"])
def test_every_container_is_written(enhancer: Enhancer, tmp_path: Path, suffix: str) -> None:
    """From MP4 with sound: all frames, all of the sound, nothing left out."""
    source = write_clip(tmp_path / "a.mp4", moving(25), Making(has_audio=True))
    target = tmp_path / f"b{suffix}"
    assert enhance_video(source, target, enhancer).notes == ()
    assert len(read_frames(target)) == 25
    assert len(packets(target, "audio")) == len(packets(source, "audio"))


def test_chapters_and_metadata_are_kept(enhancer: Enhancer, tmp_path: Path) -> None:
    """Titles, dates, places of phones, and chapters; not what described the old file."""
    facts = {
        "title": "Holiday",
        "creation_time": "2024-05-06T07:08:09.000000Z",
        "com.apple.quicktime.location.ISO6709": "+48.1374+011.5755/",
    }
    tick = Fraction(1, 1000)
    chapters = [
        {"id": 0, "start": 0, "end": 400, "time_base": tick, "metadata": {"title": "Sea"}},
        {"id": 1, "start": 400, "end": 800, "time_base": tick, "metadata": {"title": "Hills"}},
    ]
    making = Making(container_options={"movflags": "use_metadata_tags"})
    source = write_clip(tmp_path / "a.mov", moving(20), making, metadata=facts, chapters=chapters)
    with av.open(str(run(source, enhancer))) as container:
        assert facts.items() <= container.metadata.items()
        told = [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]), c["metadata"])
            for c in container.chapters()
        ]
    assert told == [(0, 0.4, {"title": "Sea"}), (0.4, 0.8, {"title": "Hills"})]


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_rotation_is_kept_and_the_network_sees_people_upright(
    enhancer: Enhancer, tmp_path: Path, rotation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frame's matrix stays; the thumbnail is turned as the picture is shown."""
    seen = []
    predict = Enhancer.predict

    def spy(self: Enhancer, photo: Any) -> Any:
        seen.append(photo.pixels)
        return predict(self, photo)

    monkeypatch.setattr(Enhancer, "predict", spy)
    pixels = np.full((64, 96, 3), 60, np.uint8)
    pixels[:16, :24] = 220  # the top left of what is stored
    source = write_clip(tmp_path / "a.mp4", [pixels] * 3, Making(rotation=rotation))
    assert stream_facts(source)["rotation"] in (rotation, rotation - 360)
    assert stream_facts(run(source, enhancer))["rotation"] == stream_facts(source)["rotation"]
    corners = [seen[0][y, x].mean() for y, x in ((10, 10), (10, 245), (245, 10), (245, 245))]
    assert int(np.argmax(corners)) == {90: 2, 180: 3, -90: 1}[rotation]


def test_grids_are_turned_back(tmp_path: Path, write_tiny: Any) -> None:
    """What a network brightens at the top of the shown picture is at its top in the result."""
    from tiny_bundle import brightening, make_network

    coefficients = brightening() / np.float32(1.25)
    coefficients[[0, 5, 10], :, :8] *= 1.6  # the upper half, as shown
    enhancer = Enhancer.load(write_tiny(make_network(coefficients)))
    source = write_clip(tmp_path / "a.mp4", grey(3), Making(rotation=90))
    stored = rgb(read_frames(run(source, enhancer))[1]).mean(axis=2)
    shown = np.rot90(stored)  # counter-clockwise, as a rotation of 90 says
    assert shown[:20].mean() > 1.4 * shown[-20:].mean()


@pytest.mark.parametrize(("width", "height"), [(97, 65), (33, 17), (2, 2), (16, 250)])
def test_odd_sizes(enhancer: Enhancer, tmp_path: Path, width: int, height: int) -> None:
    """Of a codec that has them, and very small or narrow ones."""
    making = Making(pixel_format="yuv444p" if width % 2 or height % 2 else "yuv420p")
    source = write_clip(tmp_path / "a.mkv", grey(3, width, height), making)
    assert stream_facts(run(source, enhancer))["size"] == (width, height)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_odd_sizes_that_the_encoder_cannot_share_chroma_of(
    enhancer: Enhancer, tmp_path: Path, codec: str
) -> None:
    """4:2:0 of odd sides becomes 4:4:4 in H.264 and H.265, instead of an error."""
    making = Making(codec="mjpeg", pixel_format="yuvj420p", range=2, options={})
    source = write_clip(tmp_path / "a.avi", grey(3, 97, 65), making)
    facts = stream_facts(run(source, enhancer, ".mp4", codec=codec))
    assert facts["size"] == (97, 65)
    assert facts["format"] in ("yuv444p", "yuvj444p")  # the second is another name for full range


def test_odd_sizes_with_shared_chroma(enhancer: Enhancer, tmp_path: Path) -> None:
    """4:2:0 of odd width and height, as FFV1 can hold."""
    source = write_clip(tmp_path / "a.mkv", grey(3, 97, 65), Making(codec="ffv1", options={}))
    result = run(source, enhancer, codec="ffv1")
    assert stream_facts(result)["size"] == (97, 65)
    assert mean(read_frames(result)[0]) == pytest.approx(BRIGHTER, abs=0.015)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_clips(enhancer: Enhancer, tmp_path: Path, frames: int) -> None:
    """One frame is enough."""
    source = write_clip(tmp_path / "a.mp4", grey(frames))
    assert len(read_frames(run(source, enhancer))) == frames


def test_interlaced_stays_interlaced(enhancer: Enhancer, tmp_path: Path) -> None:
    """H.264 says so of its frames; other codecs are written as progressive, and that is told."""
    making = Making(interlaced=True, options={"x264-params": "tff=1", "crf": "10"})
    source = write_clip(tmp_path / "a.mkv", grey(4), making)
    assert stream_facts(source)["interlaced"]
    assert stream_facts(run(source, enhancer))["interlaced"]
    report = enhance_video(source, tmp_path / "b.mkv", enhancer, VideoSettings(codec="ffv1"))
    assert "progressive" in report.notes[0]


def test_a_part_is_cut_out_with_its_sound(enhancer: Enhancer, tmp_path: Path) -> None:
    """Frames and sound from one time to the other, beginning at 0; chapters follow."""
    tick = Fraction(1, 1000)
    chapters = [
        {"id": i, "start": 1900 * i, "end": 1900 * (i + 1), "time_base": tick, "metadata": {}}
        for i in range(3)
    ]
    levels = [np.full((64, 96, 3), 40 + i, np.uint8) for i in range(100)]
    making = Making(has_audio=True, options={"g": "30", "crf": "4"})
    source = write_clip(tmp_path / "a.mp4", levels, making, chapters=chapters)
    target = tmp_path / "b.mp4"
    report = enhance_video(
        source, target, enhancer, VideoSettings(from_s=1.4, to_s=3.0, strength=0, crf=4)
    )
    assert (report.frames, report.duration_s) == (40, pytest.approx(1.6))
    frames = read_frames(target)
    assert times_s(target) == pytest.approx([i / 25 for i in range(40)], abs=1e-4)
    originals = read_frames(source)
    assert mean(frames[0]) == pytest.approx(mean(originals[35]), abs=0.002)
    assert mean(frames[-1]) == pytest.approx(mean(originals[74]), abs=0.002)
    sound = packets(target, "audio")
    assert 0 <= sound[0][0] < 0.03
    assert 1.55 < sound[-1][0] < 1.6
    assert {content for _, content in sound} <= {c for _, c in packets(source, "audio")}
    with av.open(str(target)) as container:
        kept = [
            [float(c[k] * c["time_base"]) for k in ("start", "end")] for c in container.chapters()
        ]
    assert np.array(kept) == pytest.approx(np.array([[0, 0.5], [0.5, 1.6]]))


def test_a_stream_that_begins_late_begins_at_zero(enhancer: Enhancer, tmp_path: Path) -> None:
    """Recordings often start anywhere; sound and picture keep their distance."""
    source = write_clip(tmp_path / "a.ts", moving(25), Making(has_audio=True, late_s=7))
    result = run(source, enhancer, ".mp4")
    shift = times_s(source)[0]
    assert shift > 6
    assert times_s(result)[0] < 0.1
    before, after = packets(source, "audio")[5][0], packets(result, "audio")[5][0]
    distance = times_s(source)[3] - before
    assert times_s(result)[3] - after == pytest.approx(distance, abs=1e-3)


def test_strength_zero_only_codes_anew(
    enhancer: Enhancer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Losslessly, then, frames are as they were; the network does not run."""
    monkeypatch.setattr(Enhancer, "predict", None)
    source = write_clip(tmp_path / "a.mkv", moving(5), Making(codec="ffv1", options={}))
    result = run(source, enhancer, codec="ffv1", strength=0.0)
    for before, after in zip(read_frames(source), read_frames(result), strict=True):
        assert (before.to_ndarray() == after.to_ndarray()).all()


def test_cuts_are_counted_and_grids_begin_anew(enhancer: Enhancer, tmp_path: Path) -> None:
    """Two cuts; the frame behind a cut is as bright as a video of its shot alone would be."""
    dark, light = grey(20, level=60), grey(20, level=150)
    for i, frames in enumerate((dark, light)):
        for frame in frames[:1]:
            frame[: 10 * (i + 1)] = 20
    source = write_clip(tmp_path / "a.mp4", dark + light + dark, Making(options={"crf": "4"}))
    target = tmp_path / "b.mp4"
    report = enhance_video(source, target, enhancer, VideoSettings(crf=4))
    assert (report.cuts, report.frames) == (2, 60)
    alone = run(
        write_clip(tmp_path / "c.mp4", light, Making(options={"crf": "4"})), enhancer, crf=4
    )
    whole = read_frames(target)
    assert mean(whole[20]) == pytest.approx(mean(read_frames(alone)[0]), abs=0.004)
    assert mean(whole[19]) == pytest.approx(mean(whole[0]), abs=0.004)


def test_the_network_looks_at_every_nth_frame(enhancer: Enhancer, tmp_path: Path) -> None:
    """``every`` counts from the beginning of a shot."""
    source = write_clip(tmp_path / "a.mp4", grey(25))
    for every, expected in ((1, 25), (6, 5), (100, 1)):
        settings = VideoSettings(every=every)
        assert enhance_video(source, tmp_path / "b.mp4", enhancer, settings).predictions == expected


def test_memory_is_bounded(
    enhancer: Enhancer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the video and wide the average: never more frames wait than allowed."""
    source = write_clip(tmp_path / "a.mp4", moving(120))
    size = 96 * 64 * 3 // 2
    monkeypatch.setattr(enhance, "_HELD_BYTES", 10 * size)
    alive, most = set(), 0
    render = enhance._Work._render
    place = enhance._look

    def look(frame: Any, reformatter: Any) -> Any:
        nonlocal most
        alive.add(frame.pts)
        most = max(most, len(alive))
        return place(frame, reformatter)

    def count(self: Any, frame: Any, grid: Any) -> Any:
        alive.discard(frame.pts)
        return render(self, frame, grid)

    monkeypatch.setattr(enhance, "_look", look)
    monkeypatch.setattr(enhance._Work, "_render", count)
    run(source, enhancer, smoothing_s=100.0)
    assert 10 <= most < 40


def test_progress_is_told(enhancer: Enhancer, tmp_path: Path) -> None:
    """Once at the beginning how many frames there are, then one by one."""
    source = write_clip(tmp_path / "a.mp4", grey(9))
    told: list = []
    enhance_video(
        source,
        tmp_path / "b.mp4",
        enhancer,
        started=lambda frames, words: told.append((frames, words)),
        advanced=lambda: told.append(1),
    )
    assert told == [(9, "h264, crf 18, preset medium, yuv420p"), *[1] * 9]


def test_no_thread_stays(enhancer: Enhancer, tmp_path: Path) -> None:
    """Neither after success nor after a failure in the middle."""
    source = write_clip(tmp_path / "a.mp4", grey(30))

    def fail() -> None:
        raise RuntimeError("enough")

    before = set(threading.enumerate())
    run(source, enhancer)
    with pytest.raises(RuntimeError, match="enough"):
        enhance_video(source, tmp_path / "b.mp4", enhancer, advanced=fail)
    assert set(threading.enumerate()) <= before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "a_out.mp4"]


def test_the_report_sums_up() -> None:
    """Complete only if nothing was lost; the factor is video per work."""
    report = VideoReport(50, 2.0, 4.0, 0, 9, "h264", 0, 0, False, ())
    assert (report.is_complete, report.realtime_factor) == (True, 0.5)
    for loss in ((1, 0, False), (0, 1, False), (0, 0, True)):
        assert not VideoReport(50, 2.0, 4.0, 0, 9, "h264", *loss, ()).is_complete
    assert Role.CUT is not Role.FLASH


@pytest.mark.parametrize(
    ("suffix", "making"),
    [
        (".avi", Making(codec="mpeg4", options={"bf": "2", "b": "2000000"})),
        (".avi", Making(codec="mjpeg", pixel_format="yuvj420p", range=2, options={})),
        (".avi", Making(codec="libx264")),
        (".mpg", Making(codec="mpeg2video", options={"b": "4000000"})),
        (".flv", Making(codec="flv", options={"b": "2000000"})),
        (".wmv", Making(codec="wmv2", options={"b": "2000000"})),
    ],
    ids=lambda value: value.codec if isinstance(value, Making) else value,
)
def test_old_formats_are_read(
    enhancer: Enhancer, tmp_path: Path, suffix: str, making: Making
) -> None:
    """Every frame in its place, also where there are no times; H.264 in AVI after a few frames."""
    source = write_clip(tmp_path / f"a{suffix}", moving(30), making)
    target = tmp_path / "b.mp4"
    report = enhance_video(source, target, enhancer)
    assert report.is_complete
    assert report.notes == ()
    assert np.diff(times_s(target))[3:] == pytest.approx(1 / 25, abs=2e-3)
    frames = read_frames(target)
    assert len(frames) == len(read_frames(source)) == 30
    before = [mean(frame) for frame in read_frames(source)]
    assert [mean(frame) for frame in frames] == pytest.approx([1.3 * m for m in before], abs=0.03)
