"""Clips that the tests make, and what they look for in results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from fivefold.video.priority import kept_priority

AUDIO_RATE = 48_000
BT709 = 1


@dataclass(frozen=True)
class Making:
    """How a clip is coded."""

    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    rate: int = 25
    time_base: Fraction | None = None
    ticks: Sequence[int] | None = None
    primaries: int = BT709
    transfer: int = BT709
    matrix: int = BT709
    range: int = 1
    rotation: float | None = None
    has_audio: bool = False
    late_s: int = 0
    interlaced: bool = False
    options: dict[str, str] = field(default_factory=lambda: {"crf": "10", "preset": "veryfast"})
    container_options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """What a command left behind."""

    code: int
    out: str
    err: str


def picture(
    width: int = 96, height: int = 64, seed: int = 0, low: int = 40, high: int = 170
) -> np.ndarray:
    """A smooth picture of random colours, ``(height, width, 3)``, 8 bits."""
    from PIL import Image

    coarse = np.random.default_rng(seed).integers(low, high, (4, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def write_clip(
    path: Path, pictures: Iterable[np.ndarray], making: Making = Making(), **facts: Any
) -> Path:
    """Write pictures as a video.

    Args:
        path: Where to.
        pictures: ``(H, W, 3)``, RGB; 8 bits, or 16 for deeper formats.
        making: How.
        facts: ``metadata``, ``chapters`` or ``streams`` (called with the container, before it is
            begun; gives packets to mux behind the video).
    """
    pictures = list(pictures)
    height, width, _ = pictures[0].shape
    time_base = making.time_base or Fraction(1, making.rate)
    reformatter = VideoReformatter()
    with av.open(str(path), "w", container_options=making.container_options) as container:
        container.metadata.update(facts.get("metadata", {}))
        stream: Any = container.add_stream(
            making.codec, rate=making.rate, options=making.options, time_base=time_base
        )
        stream.width, stream.height, stream.pix_fmt = width, height, making.pixel_format
        context = stream.codec_context
        context.time_base = time_base
        context.color_primaries = making.primaries
        context.color_trc = making.transfer
        context.colorspace = making.matrix
        context.color_range = making.range
        if making.rotation is not None:
            stream.set_display_rotation(making.rotation)
        if making.interlaced:
            context.flags |= 1 << 18  # AV_CODEC_FLAG_INTERLACED_DCT
        audio = container.add_stream("aac", rate=AUDIO_RATE) if making.has_audio else None
        if "chapters" in facts:
            container.set_chapters(facts["chapters"])
        others = facts["streams"](container) if "streams" in facts else []
        with kept_priority():
            container.start_encoding()
        for i, pixels in enumerate(pictures):
            frame = VideoFrame.from_ndarray(
                np.ascontiguousarray(pixels), "rgb24" if pixels.dtype == np.uint8 else "rgb48le"
            )
            coded = reformatter.reformat(
                frame,
                format=making.pixel_format,
                src_color_range=2,
                dst_colorspace=making.matrix if making.matrix != 2 else BT709,
                dst_color_range=making.range or 1,
                interpolation="AREA",
            )
            coded.pts = making.ticks[i] if making.ticks else i + making.late_s * making.rate
            coded.time_base = time_base
            container.mux(stream.encode(coded))
        container.mux(stream.encode(None))
        for packet in others:
            container.mux(packet)
        if audio is not None:
            _write_tone(container, audio, len(pictures) / making.rate, making.late_s)
    return path


def _write_tone(container: Any, stream: Any, length_s: float, late_s: int) -> None:
    """A tone of 440 Hz."""
    seconds = np.arange(round(length_s * AUDIO_RATE)) / AUDIO_RATE
    samples = (0.3 * np.sin(2 * np.pi * 440 * seconds)).astype(np.float32)
    for start in range(0, len(samples), 1024):
        block = np.ascontiguousarray(samples[None, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(np.repeat(block, 2, axis=0), "fltp", "stereo")
        frame.sample_rate, frame.pts = AUDIO_RATE, start + late_s * AUDIO_RATE
        frame.time_base = Fraction(1, AUDIO_RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def read_frames(path: Path | str) -> list[VideoFrame]:
    """All frames of a video."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def times_s(path: Path | str) -> list[float]:
    """When each frame is shown."""
    return [float(frame.pts * frame.time_base) for frame in read_frames(path)]


def packets(path: Path | str, kind: str) -> list[tuple[float, bytes]]:
    """Time and content of every packet of the streams of one kind."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        return [
            (round(float(packet.pts * packet.time_base), 4), bytes(packet))
            for packet in (container.demux(*streams) if streams else ())
            if packet.size
        ]


def rgb(frame: VideoFrame, matrix: int = BT709) -> np.ndarray:
    """A frame's colours, 0…1, as PyAV converts them."""
    coded = VideoReformatter().reformat(
        frame,
        format="rgb48le",
        src_colorspace=matrix,
        src_color_range=frame.color_range or 1,
        dst_color_range=2,
        interpolation="BICUBIC",
    )
    return coded.to_ndarray() / 65280


def mean(frame: VideoFrame) -> float:
    """The mean of a frame's colours, 0…1."""
    return float(rgb(frame).mean())
