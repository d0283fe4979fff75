"""Which codec and pixel format a result gets."""

from __future__ import annotations

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivefold.cli import video as verb
from fivefold.errors import VideoWriteError
from fivefold.video import encoders
from fivefold.video.encoders import CODECS, CONTAINERS, choose, nearest_format


@pytest.mark.parametrize(
    ("suffix", "input_codec", "input_format", "codec", "pixel_format"),
    [
        (".mp4", "h264", "yuv420p", "h264", "yuv420p"),
        (".MP4", "hevc", "yuv420p10le", "hevc", "yuv420p10le"),
        (".mp4", "h264", "yuv422p10le", "h264", "yuv422p10le"),
        (".mp4", "mpeg4", "yuv420p", "h264", "yuv420p"),
        (".mov", "prores", "yuv422p10le", "prores", "yuv422p10le"),
        (".mp4", "prores", "yuv422p10le", "hevc", "yuv422p10le"),
        (".webm", "h264", "yuv420p", "vp9", "yuv420p"),
        (".webm", "vp9", "yuv420p10le", "av1", "yuv420p10le"),
        (".mkv", "ffv1", "yuv422p", "ffv1", "yuv422p"),
        (".mkv", "mjpeg", "yuvj422p", "h264", "yuv422p"),
        (".ts", "mpeg2video", "yuv420p", "h264", "yuv420p"),
    ],
)
def test_the_choice(
    suffix: str, input_codec: str, input_format: str, codec: str, pixel_format: str
) -> None:
    """The input's codec where it can be kept with its bits, else the container's usual one."""
    choice = choose(suffix, input_codec, input_format)
    assert (choice.codec, choice.pixel_format) == (codec, pixel_format)
    assert choice.words.startswith(codec)
    assert choice.words.endswith(pixel_format)


def test_quality_and_speed_reach_the_encoder() -> None:
    """In each encoder's own terms, and in words."""
    choice = choose(".mkv", "h264", "yuv420p", codec="vp9", crf=30, preset="2")
    assert {"crf": "30", "cpu-used": "2", "b": "0"}.items() <= choice.options.items()
    assert choice.words == "vp9, crf 30, preset 2, yuv420p"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"suffix": ".avi"}, r"one of .mp4 .* received '.avi'"),
        ({"codec": "divx"}, "one of h264, .* received 'divx'"),
        ({"codec": "prores"}, "prores does not go into .mp4"),
        ({"crf": 52}, "crf of h264 must be 0 to 51, received 52"),
        ({"suffix": ".mkv", "codec": "ffv1", "crf": 1}, "crf of ffv1 must be none"),
        ({"preset": "hasty"}, "preset of h264 must be ultrafast, .* received 'hasty'"),
        ({"suffix": ".mov", "codec": "prores", "preset": "fast"}, "preset of prores must be none"),
    ],
)
def test_what_does_not_go_together_is_refused(words: dict, message: str) -> None:
    """With what was expected and what was received."""
    words = {"suffix": ".mp4", "input_codec": "h264", "input_format": "yuv420p", **words}
    with pytest.raises(ValueError, match=message):
        choose(**words)


def test_an_encoder_that_ffmpeg_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an environment's failure, not the caller's."""
    monkeypatch.setitem(encoders.CODECS, "h264", encoders.Codec("libnothing", ("mp4",)))
    with pytest.raises(VideoWriteError, match="h264: this FFmpeg has no libnothing"):
        choose(".mp4", "h264", "yuv420p")


@given(
    st.sampled_from(sorted(CODECS)),
    st.sampled_from(["yuv420p", "yuvj444p", "nv12", "yuv422p10le", "gray", "gbrp", "yuv444p12le"]),
)
def test_no_bits_are_lost_that_the_encoder_could_keep(codec: str, wanted: str) -> None:
    """The chosen format is deep enough, or the deepest there is."""
    offered = [one.name for one in av.Codec(CODECS[codec].library, "w").video_formats]

    def bits(name: str) -> int:
        return max(part.bits for part in av.VideoFormat(name).components)

    chosen = nearest_format(wanted, offered)
    assert chosen in offered
    assert bits(chosen) >= min(bits(wanted), max(bits(name) for name in offered if "yuv" in name))


def test_the_command_offers_what_there_is() -> None:
    """Its lists are stated apart, so that help needs no PyAV."""
    assert set(verb.CODECS) == set(CODECS)
    assert set(verb._KNOWN_SUFFIXES) == set(CONTAINERS)
