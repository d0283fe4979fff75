"""A video file, read: its frames in order, and the packets of everything beside them."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from fivefold.errors import UnsupportedVideoError, VideoReadError

_MICROSECONDS = 1_000_000  # FFmpeg's AV_TIME_BASE
_MAKE_TIMESTAMPS = 1  # AVFMT_FLAG_GENPTS
_STILL_FORMATS = ("image2", "gif", "apng", "webp_anim")
_STILL_BRANDS = ("avif", "avis", "heic", "heix", "hevc", "mif1", "msf1")
_STATING_LENGTH = ("mov", "matroska")  # of other formats FFmpeg estimates it
_MISSING_S = 0.25  # containers round and estimate; more than this is not there
_STEADY_FRAMES = 8  # so many equal steps make a constant frame rate
_NEVER = -1 << 62
_LATE_S = 2.0  # how much later than its time a packet may stand in the file


@dataclass(slots=True)
class Losses:
    """What could not be read, counted while reading.

    Attributes:
        packets: Of the video, of which no frame could be made.
        damaged_frames: Frames that the file marks as damaged or the decoder patched up; they are
            kept.
        is_truncated: The file ends before what it announces.
        gap_frames: How many frames are missing where the time jumps after a constant rate. The
            file was damaged there, or recorded so.
    """

    packets: int = 0
    damaged_frames: int = 0
    is_truncated: bool = False
    gap_frames: int = 0


class VideoReader:
    """An open video. It is a context manager, and is read once.

    Attributes:
        name: The file's name, for messages.
        container: PyAV's container.
        stream: The video stream that is decoded.
        first_frame: Its first frame.
        losses: What could not be read so far.
        from_s: Where it begins, in seconds from the file's beginning.
        length_s: How long the result is at the most; ``None`` for as long as the file.
        start_s: What becomes time 0 of the result, in the file's own time.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, from_s: float = 0.0, to_s: float | None = None
    ) -> None:
        """Open a file and decode its first frame.

        Args:
            path: The file.
            from_s: Where to begin, in seconds from the file's beginning.
            to_s: Where to end; ``None`` for the end of the file.

        Raises:
            VideoReadError: If the file is missing, no video, or has no frame that can be decoded.
            UnsupportedVideoError: For a still or animated picture, and a codec without a decoder.
            ValueError: If the times are out of order.
        """
        if not 0 <= from_s < (float("inf") if to_s is None else to_s):
            raise ValueError(f"expected 0 <= from_s < to_s, received {from_s} and {to_s}")
        self.name = os.fspath(path)
        self.losses = Losses()
        self.container = _open(self.name)
        try:
            self.stream = self._choose_stream()
            origin_s = max(0.0, (self.container.start_time or 0) / _MICROSECONDS)
            self.start_s = origin_s + from_s
            self.from_s = from_s
            self.length_s = None if to_s is None else to_s - from_s
            self._last_ticks: int | None = None
            self._faults = [0, 0]
            self._last_stamps = [_NEVER, _NEVER]
            self._steady_frames = 0
            self._is_over = False
            self._end_s = 0.0
            self._begin()
            self._items = self._read()
            self._waiting: list[VideoFrame | Packet[Any]] = []
            for item in self._items:
                self._waiting.append(item)
                if isinstance(item, VideoFrame):
                    self.first_frame = item
                    break
            else:
                where = f"from {from_s:g} s on" if from_s else "that can be decoded"
                raise VideoReadError(f"{self.name}: no frame {where}")
        except BaseException:
            self.container.close()
            raise

    @property
    def time_base(self) -> Fraction:
        """The unit of the video's timestamps, in seconds."""
        return self.stream.time_base or Fraction(1, 90_000)

    @property
    def frames_per_s(self) -> Fraction:
        """The average rate of frames."""
        return self.stream.average_rate or self.stream.guessed_rate or Fraction(25)

    @property
    def copied_streams(self) -> list[Stream]:
        """Everything but the video stream that is decoded."""
        return [stream for stream in self.container.streams if stream.index != self.stream.index]

    @property
    def expected_frames(self) -> int:
        """How many frames there will be, as far as the file tells; 0 if it does not."""
        whole_s = self._declared_s()
        if whole_s is None:
            return self.stream.frames if self._is_whole else 0
        if self._is_whole and self.stream.frames:
            return self.stream.frames
        length_s = max(0.0, whole_s - self.from_s)
        if self.length_s is not None:
            length_s = min(length_s, self.length_s)
        return round(length_s * self.frames_per_s)

    def offset_ticks(self, stream: Stream) -> int:
        """What to subtract from the timestamps of a stream, so that the result begins at 0."""
        return round(self.start_s / (stream.time_base or self.time_base))

    def duration_ticks(self, frame: VideoFrame) -> int:
        """How long a frame is shown, in units of :attr:`time_base`."""
        return frame.duration or max(1, round(1 / (self.frames_per_s * self.time_base)))

    def is_after(self, time_s: float) -> bool:
        """Whether a time of the result lies behind its end."""
        # Half a microsecond, so that rounding does not add a frame.
        return self.length_s is not None and time_s >= self.length_s - 5e-7

    def items(self) -> Generator[VideoFrame | Packet[Any]]:
        """Frames of the video and packets of the other streams, as they stand in the file.

        Timestamps are moved so that the result begins at 0, those of frames grow strictly. What is
        damaged is counted in :attr:`losses`, and reading goes on behind it.
        """
        while self._waiting:
            yield self._waiting.pop(0)
        yield from self._items

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._items.close()
        self.container.close()

    @property
    def _is_whole(self) -> bool:
        return not self.from_s and self.length_s is None

    def _choose_stream(self) -> VideoStream:
        pictures = Disposition.attached_pic | Disposition.timed_thumbnails
        streams = [s for s in self.container.streams.video if not s.disposition & pictures]
        if not streams:
            raise VideoReadError(f"{self.name}: no video in it")
        stream = next((s for s in streams if s.disposition & Disposition.default), streams[0])
        if stream.codec_context is None:
            raise UnsupportedVideoError(f"{self.name}: a video codec without a decoder here")
        stream.thread_type = "AUTO"
        return stream

    def _begin(self) -> None:
        """Go to the last key frame before the beginning that was asked for."""
        if not self.from_s:
            return
        try:
            self.container.seek(int(self.start_s * _MICROSECONDS))
        except av.FFmpegError as error:
            raise VideoReadError(f"{self.name}: cannot be searched: {_reason(error)}") from error

    def _read(self) -> Generator[VideoFrame | Packet[Any]]:
        for packet in self._demux():
            if packet.stream_index != self.stream.index:
                yield from self._copied(packet)
            elif not self._is_over:
                yield from self._frames(packet)
            elif self.is_after(self._time_s(packet) - _LATE_S):
                return  # what belongs to the last frames may stand behind them, but not this far
        if not self._is_over:
            yield from self._frames(None)
        self.losses.is_truncated |= self._is_short()

    def _demux(self) -> Iterator[Packet[Any]]:
        """All packets; an error in the file is passed over if anything comes behind it."""
        while True:
            came = False
            try:
                for packet in self.container.demux():
                    if packet.size:  # some files repeat a frame by an empty one
                        came = True
                        yield packet
            except av.FFmpegError:
                if came:
                    self.losses.packets += 1
                    continue
                self.losses.is_truncated = True
            return

    def _frames(self, packet: Packet[Any] | None) -> Iterator[VideoFrame]:
        """The frames of the result that a packet completes; without one, those still inside."""
        if packet is not None:
            self._reach(packet)
            self.losses.damaged_frames += packet.is_corrupt
        try:
            frames = self.stream.decode(packet)
        except av.FFmpegError:
            self.losses.packets += 1
            return
        for frame in frames:
            if not self._place(frame):
                continue
            if self.is_after(float((frame.pts or 0) * self.time_base)):
                self._is_over = True
                return
            self.losses.damaged_frames += frame.is_corrupt
            yield frame

    def _place(self, frame: VideoFrame) -> bool:
        """Move a frame's time; tell whether it belongs to the result."""
        ticks = self._best_ticks(frame)
        if ticks is not None:
            ticks -= self.offset_ticks(self.stream)
        elif self._last_ticks is not None:
            ticks = self._last_ticks + self.duration_ticks(frame)
        else:
            ticks = 0
        if ticks < 0 and self.from_s:
            return False
        if self._last_ticks is not None:
            ticks = max(ticks, self._last_ticks + 1)
            self._watch_rate(ticks - self._last_ticks)
        self._last_ticks = frame.pts = ticks
        frame.time_base = self.time_base
        frame.duration = self.duration_ticks(frame)
        return True

    def _best_ticks(self, frame: VideoFrame) -> int | None:
        """A frame's own time, or the decoder's where those run backwards more often (H.264 in AVI).

        This is how FFmpeg's tools choose.
        """
        stamps = (frame.pts, frame.dts)
        for i, stamp in enumerate(stamps):
            if stamp is not None:
                self._faults[i] += stamp <= self._last_stamps[i]
                self._last_stamps[i] = stamp
        is_own = frame.pts is not None and (frame.dts is None or self._faults[0] <= self._faults[1])
        return stamps[0] if is_own else stamps[1]

    def _watch_rate(self, step: int) -> None:
        """Count what is missing in a step of time, if all before had the length of one frame."""
        frames = float(step * self.time_base * self.frames_per_s)
        slack = 0.1 + 1e-3 * float(self.frames_per_s)  # Matroska counts in milliseconds
        if abs(frames - 1) < slack:
            self._steady_frames += 1
        elif frames > 1.5 and self._steady_frames >= _STEADY_FRAMES:
            self.losses.gap_frames += round(frames) - 1
        else:
            self._steady_frames = _NEVER  # the rate is a variable one

    def _copied(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """A packet of another stream, moved in time, if it belongs to the result."""
        time_s = self._time_s(packet)
        self._reach(packet)
        if (time_s < 0 and self.from_s) or self.is_after(time_s):
            return
        offset = self.offset_ticks(packet.stream)
        if packet.pts is not None:
            packet.pts -= offset
        if packet.dts is not None:
            packet.dts -= offset
        yield packet

    def _reach(self, packet: Packet[Any]) -> None:
        """Note how far the file goes."""
        length_s = float((packet.duration or 0) * packet.time_base)
        self._end_s = max(self._end_s, self._time_s(packet) + length_s)

    def _time_s(self, packet: Packet[Any]) -> float:
        """When a packet is due, in the result's time."""
        ticks = packet.pts if packet.pts is not None else packet.dts
        return 0.0 if ticks is None else float(ticks * packet.time_base) - self.start_s

    def _declared_s(self) -> float | None:
        """How long the file says that it is."""
        duration = self.container.duration
        return None if duration is None else duration / _MICROSECONDS

    def _is_short(self) -> bool:
        """Whether the end of the file came too early."""
        if not self._is_whole:
            return False
        size_bytes = self.container.size
        for stream in self.container.streams:
            entries = stream.index_entries
            if len(entries) and entries[-1].pos + entries[-1].size > size_bytes > 0:
                return True
        declared_s = self._declared_s()
        states_length = self.container.format.name.startswith(_STATING_LENGTH)
        return states_length and declared_s is not None and self._end_s < declared_s - _MISSING_S


def _open(name: str) -> InputContainer:
    """Open a file of moving pictures."""
    try:
        if Path(name).is_file() and not Path(name).stat().st_size:
            raise VideoReadError(f"{name}: the file is empty")
        container = av.open(name, metadata_errors="replace")
    except av.EOFError as error:
        raise VideoReadError(f"{name}: no frame that can be decoded") from error
    except (av.FFmpegError, OSError) as error:
        raise VideoReadError(f"{name}: {_reason(error)}") from error
    kind = container.format.name
    brand = container.metadata.get("major_brand", "").strip()
    if kind.endswith("_pipe") or kind in _STILL_FORMATS or brand in _STILL_BRANDS:
        container.close()
        raise UnsupportedVideoError(f"{name}: a picture, not a video: use fivefold enhance")
    container.flags |= _MAKE_TIMESTAMPS
    return container


def _reason(error: Exception) -> str:
    """FFmpeg's or the system's reason, in the words of this program."""
    if isinstance(error, av.InvalidDataError):
        return "not a video, or damaged beyond reading"
    return (getattr(error, "strerror", None) or str(error)).lower()
