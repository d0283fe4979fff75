"""Video in, video out: reading, predicting, rendering and writing overlap on threads."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from fivefold import kernels
from fivefold.kernels.grid import BilateralGrid
from fivefold.photo.threads import available_threads
from fivefold.runtime.enhancer import Enhancer, check_strength
from fivefold.video import encoders
from fivefold.video.background import in_background
from fivefold.video.colour import Converter, FrameColours, quarter_turns
from fivefold.video.cuts import THUMBNAIL_PX, CutDetector, Look, Role
from fivefold.video.reader import VideoReader
from fivefold.video.timeline import GridTimeline
from fivefold.video.writer import VideoWriter

_HELD_BYTES = 512 << 20  # of decoded frames that wait for their future

_Packet: TypeAlias = "Packet[Any]"  # generic for type checkers only
_Job = tuple[VideoFrame, BilateralGrid | None]


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """How a video is enhanced and written.

    Attributes:
        strength: 0 is the untouched video, 1 the model; from -1.5 to 1.5.
        every: The network looks at each ``every``-th frame of a shot.
        smoothing_s: How far grids are averaged in time, to both sides, in seconds.
        from_s: Where to begin, in seconds.
        to_s: Where to end; ``None`` for the end of the video.
        codec: A key of :data:`fivefold.video.encoders.CODECS`; ``None`` chooses.
        crf: Quality, 0 is best; ``None`` is the codec's default.
        preset: Speed of the encoder; likewise.
    """

    strength: float = 1.0
    every: int = 6
    smoothing_s: float = 0.5
    from_s: float = 0.0
    to_s: float | None = None
    codec: str | None = None
    crf: int | None = None
    preset: str | None = None


@dataclass(frozen=True, slots=True)
class VideoReport:
    """What became of a video.

    Attributes:
        frames: How many were written.
        duration_s: How long they are shown.
        seconds: What it took.
        cuts: How many shots begin after the first.
        predictions: How often the network ran.
        encoding: The codec, its options and the pixel format, in words.
        lost_packets: Of the video, of which no frame could be made.
        damaged_frames: Frames that the decoder patched up.
        is_truncated: The file ended before what it announced.
        notes: What of the input could not be kept, in words for a person.
    """

    frames: int
    duration_s: float
    seconds: float
    cuts: int
    predictions: int
    encoding: str
    lost_packets: int
    damaged_frames: int
    is_truncated: bool
    notes: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every frame of the input is in the result, undamaged."""
        return not (self.lost_packets or self.damaged_frames or self.is_truncated)

    @property
    def realtime_factor(self) -> float:
        """Seconds of video per second of work: above 1 is faster than it plays."""
        return self.duration_s / self.seconds if self.seconds else 0.0


def enhance_video(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    enhancer: Enhancer,
    settings: VideoSettings | None = None,
    *,
    started: Callable[[int, str], object] | None = None,
    advanced: Callable[[], object] | None = None,
) -> VideoReport:
    """Enhance a video.

    Audio, subtitles, data, chapters and metadata are copied, timing, rotation, colour tags and
    bit depth kept. Memory is bounded by the size of a frame, whatever the length.

    Args:
        source: The video.
        target: Where to; its suffix names the container. It appears whole or not at all.
        enhancer: Best loaded with ``threads=1``: several frames are rendered at a time.
        settings: How.
        started: Called once, with how many frames there will be (0 if unknown) and the encoding.
        advanced: Called after each frame.

    Returns:
        What became of it. What could not be decoded is missing in the result and told here.

    Raises:
        VideoReadError: If the source is missing, no video, or has no frame that can be decoded.
        UnsupportedVideoError: For HDR, and for pictures.
        VideoWriteError: If the target cannot be written.
        ValueError: For settings out of range, an unknown suffix, or a target that is the source.
    """
    settings = settings or VideoSettings()
    start_s = time.perf_counter()
    check_strength(settings.strength)
    encoders.container_of(Path(target).suffix)
    if os.path.realpath(source) == os.path.realpath(target):
        raise ValueError(f"{os.fspath(target)}: the result would overwrite the video")
    with VideoReader(source, from_s=settings.from_s, to_s=settings.to_s) as reader:
        first = reader.first_frame
        colours = FrameColours.of(first, reader.name)
        choice = encoders.choose(
            Path(target).suffix,
            reader.stream.codec_context.codec.canonical_name,
            colours.pixel_format,
            codec=settings.codec,
            crf=settings.crf,
            preset=settings.preset,
            size_px=(first.width, first.height),
        )
        converter = Converter(colours, first.width, first.height, choice.pixel_format)
        with VideoWriter(target, reader, colours, converter, choice) as writer:
            if started is not None:
                started(reader.expected_frames, choice.words)
            work = _Work(reader, converter, enhancer, settings)
            frames, end_ticks = 0, 0
            for item in work.results():
                if isinstance(item, VideoFrame):
                    frames += 1
                    end_ticks = (item.pts or 0) + item.duration
                    writer.encode(item)
                    if advanced is not None:
                        advanced()
                else:
                    writer.copy(item)
            writer.finish()
        begin_ticks = first.pts or 0
        return VideoReport(
            frames=frames,
            duration_s=float((end_ticks - begin_ticks) * reader.time_base),
            seconds=time.perf_counter() - start_s,
            cuts=work.cuts,
            predictions=work.predictions,
            encoding=choice.words,
            lost_packets=reader.losses.packets,
            damaged_frames=reader.losses.damaged_frames,
            is_truncated=reader.losses.is_truncated,
            notes=(*writer.notes, *_gap_note(reader.losses.gap_frames)),
        )


class _Work:
    """The stages between reading and writing, each on its own threads.

    Attributes:
        cuts: How many were found so far.
        predictions: How often the network ran so far.
    """

    def __init__(
        self,
        reader: VideoReader,
        converter: Converter,
        enhancer: Enhancer,
        settings: VideoSettings,
    ) -> None:
        self.cuts = 0
        self.predictions = 0
        self._reader = reader
        self._converter = converter
        self._enhancer = enhancer
        self._settings = settings
        self._turns = quarter_turns(reader.first_frame)

    def results(self) -> Iterator[VideoFrame | _Packet]:
        """Frames for the encoder in their order, and packets to copy."""
        workers = available_threads()
        jobs = in_background(self._plan())
        waiting: deque[Future[VideoFrame] | _Packet] = deque()
        pool = ThreadPoolExecutor(workers, thread_name_prefix="fivefold-video")
        try:
            for job in jobs:
                waiting.append(job if isinstance(job, Packet) else pool.submit(self._render, *job))
                while len(waiting) > 2 * workers or _is_done(waiting):
                    yield _result_of(waiting.popleft())
            while waiting:
                yield _result_of(waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)
            jobs.close()

    def _plan(self) -> Generator[_Job | _Packet]:
        """Each frame with its grid."""
        items = in_background(self._reader.items())
        try:
            if self._settings.strength == 0:
                yield from (i if isinstance(i, Packet) else (i, None) for i in items)
            else:
                yield from self._plan_grids(items)
        finally:
            items.close()

    def _plan_grids(self, items: Iterator[VideoFrame | _Packet]) -> Iterator[_Job | _Packet]:
        timeline = GridTimeline(
            self._predict,
            every=self._settings.every,
            smoothing_s=self._settings.smoothing_s,
            held_frames=max(2, _HELD_BYTES // _size_bytes(self._reader.first_frame)),
        )
        detector: CutDetector[VideoFrame] = CutDetector()
        looker = VideoReformatter()

        def place(frames: Iterator[tuple[VideoFrame, Role]]) -> Iterator[_Job]:
            for frame, role in frames:
                self.cuts += role is Role.CUT
                time_s = float((frame.pts or 0) * self._reader.time_base)
                yield from timeline.push(
                    frame, time_s, is_cut=role is Role.CUT, is_flash=role is Role.FLASH
                )

        for item in items:
            if isinstance(item, Packet):
                yield item
            else:
                yield from place(detector.push(item, _look(item, looker)))
        yield from place(detector.flush())
        yield from timeline.flush()

    def _predict(self, frame: VideoFrame) -> BilateralGrid:
        """The grid of a frame, predicted as it is shown: people stand upright in photos."""
        self.predictions += 1
        _, photo = self._converter.to_rgb(frame)
        size_px = self._enhancer.bundle.manifest.input_size_px
        thumbnail = kernels.thumbnail(photo.pixels, size_px, threads=1)
        upright = np.ascontiguousarray(np.rot90(thumbnail, self._turns))
        grid = self._enhancer.predict(photo.with_pixels(upright))
        turned = np.rot90(grid.coefficients, -self._turns, axes=(2, 3))
        return replace(grid, coefficients=np.ascontiguousarray(turned))

    def _render(self, frame: VideoFrame, grid: BilateralGrid | None) -> VideoFrame:
        if grid is None:
            return self._converter.to_coded(frame, is_rgb=False)
        rgb, photo = self._converter.to_rgb(frame)
        self._enhancer.render(photo, grid, strength=self._settings.strength, in_place=True)
        return self._converter.to_coded(rgb, is_rgb=True)


def _gap_note(frames: int) -> list[str]:
    if not frames:
        return []
    return [f"about {frames} frames are missing between others; the result has the same gaps"]


def _look(frame: VideoFrame, reformatter: VideoReformatter) -> Look:
    small = reformatter.reformat(
        frame,
        THUMBNAIL_PX,
        THUMBNAIL_PX,
        "yuv444p",
        interpolation=Interpolation.AREA,
        threads=1,
    )
    return Look.of(small.to_ndarray(channel_last=True).astype(np.uint8, copy=False))


def _size_bytes(frame: VideoFrame) -> int:
    return sum(plane.buffer_size for plane in frame.planes)


def _is_done(waiting: deque[Future[VideoFrame] | _Packet]) -> bool:
    if not waiting:
        return False
    head = waiting[0]
    return head.done() if isinstance(head, Future) else True


def _result_of(entry: Future[VideoFrame] | _Packet) -> VideoFrame | _Packet:
    return entry.result() if isinstance(entry, Future) else entry
