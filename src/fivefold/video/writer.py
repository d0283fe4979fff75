"""A video file, written: frames through an encoder, everything else as it came.

The file grows beside its place under another name, and takes its place when it is complete.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import stat
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from fivefold.errors import VideoWriteError
from fivefold.photo.atomic import PARTIAL_SUFFIX
from fivefold.video.colour import Converter, FrameColours, display_matrix
from fivefold.video.encoders import Choice
from fivefold.video.priority import kept_priority
from fivefold.video.reader import VideoReader

# Facts about the file that was read, not about what is in it; the muxer states its own.
_OF_THE_FILE = ("major_brand", "minor_version", "compatible_brands", "encoder", "duration")
_REFUSED = (av.InvalidDataError, av.ArgumentError, av.PatchWelcomeError)
_TIMECODE = "timecode"
_HEVC_TAG = "hvc1"  # the only one of two that Apple's players take


class VideoWriter:
    """A video under way. It is a context manager: left by an error, it leaves nothing behind.

    Attributes:
        notes: What of the input could not be kept, in words for a person.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        source: VideoReader,
        colours: FrameColours,
        converter: Converter,
        choice: Choice,
    ) -> None:
        """Create the file, with all its streams.

        Args:
            path: Where to; an existing file is replaced at the end.
            source: What is copied from.
            colours: Of the source.
            converter: What makes the frames.
            choice: The encoder.

        Raises:
            VideoWriteError: If the file cannot be created, or the encoder refuses.
        """
        self.notes: list[str] = []
        self._copied = self._refused = 0
        self._last_dts: dict[int, int] = {}
        self._is_strict = choice.container in ("mp4", "mov", "mpegts")  # no two at one time
        self._path = Path(os.path.realpath(path))
        self._name = os.fspath(path)
        self._mode = _mode_of(self._path, self._name)
        self._partial = self._path.with_name(f".{secrets.token_hex(8)}{PARTIAL_SUFFIX}")
        options = {}
        if any("." in key for key in source.container.metadata) and choice.container != "matroska":
            options["movflags"] = "use_metadata_tags"  # else only the few keys that it knows
        try:
            self._partial.touch(exist_ok=False)
            self._container: OutputContainer = av.open(
                os.fspath(self._partial),
                "w",
                format=choice.container,
                container_options=options,
                metadata_errors="replace",
            )
            self._video = self._add_video(source, colours, converter, choice)
            self._copies = self._add_copies(source, choice.container)
            self._copy_facts(source)
            if source.from_s and _TIMECODE in self._video.metadata:
                del self._video.metadata[_TIMECODE]
                self.notes.append("timecode left out: it counts from the beginning of the whole")
            with kept_priority():
                self._container.start_encoding()
        except (av.FFmpegError, OSError, ValueError) as error:
            self._drop()
            raise self._error(error) from error
        except BaseException:
            self._drop()
            raise

    def encode(self, frame: VideoFrame | None) -> None:
        """Write a frame, whose time is kept; ``None`` for those that the encoder still holds.

        Raises:
            VideoWriteError: If the disk is full, or the encoder fails.
        """
        try:
            packets = self._video.encode(frame)
        except (av.FFmpegError, OSError) as error:
            raise self._error(error) from error
        for packet in packets:
            self._mux(packet)

    def copy(self, packet: Packet[Any]) -> None:
        """Write a packet of another stream as it is; one without a place or a time is left out.

        Raises:
            VideoWriteError: If the disk is full.
        """
        copy = self._copies.get(packet.stream_index)
        if copy is None:
            return
        if packet.dts is None and packet.pts is None:
            if not copy.disposition & Disposition.attached_pic:
                return
            packet.pts = packet.dts = 0
        self._keep_order(packet)
        packet.stream = copy
        self._copied += 1
        self._mux(packet)

    def finish(self) -> None:
        """Complete the file and put it in its place.

        Raises:
            VideoWriteError: If the disk is full.
        """
        self.encode(None)
        try:
            self._close()
            with self._partial.open("rb") as file:
                os.fsync(file.fileno())
            if self._mode is not None:
                self._partial.chmod(self._mode)
            self._partial.replace(self._path)
        except (av.FFmpegError, OSError) as error:
            raise self._error(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._drop()

    def _mux(self, packet: Packet[Any]) -> None:
        """Write a packet, or put it in line: what is refused may be another one before it."""
        try:
            self._container.mux(packet)
        except _REFUSED as error:
            self._refuse(error)
        except (av.FFmpegError, OSError) as error:
            raise self._error(error) from error

    def _refuse(self, error: Exception) -> None:
        """Count a packet that the container does not take: of damaged sound, never of the encoder.

        Raises:
            VideoWriteError: If there are more of them than packets that were copied.
        """
        self._refused += 1
        if self._refused > self._copied:
            raise self._error(error) from error

    def _close(self) -> None:
        try:
            self._container.close()
        except _REFUSED as error:  # a packet that was still in line; or is the file unusable?
            self._refuse(error)
            av.open(os.fspath(self._partial)).close()
        if self._refused:
            self.notes.append(f"{self._refused} damaged packets of other streams left out")

    def _keep_order(self, packet: Packet[Any]) -> None:
        """Move a packet that a damaged file places before the last one: no container takes that."""
        dts = packet.dts if packet.dts is not None else packet.pts
        last = self._last_dts.get(packet.stream_index)
        if last is not None and dts is not None:
            earliest = last + 1 if self._is_strict else last
            if dts < earliest:
                packet.dts = dts = earliest
                packet.pts = max(packet.pts or earliest, earliest)
        if dts is not None:
            self._last_dts[packet.stream_index] = dts
            if packet.pts is not None and packet.pts < dts:
                packet.pts = dts

    def _drop(self) -> None:
        """Leave nothing that has not got its place."""
        container = getattr(self, "_container", None)
        if container is not None:
            with contextlib.suppress(av.FFmpegError, OSError):
                container.close()
        with contextlib.suppress(OSError):
            self._partial.unlink(missing_ok=True)

    def _add_video(
        self, source: VideoReader, colours: FrameColours, converter: Converter, choice: Choice
    ) -> VideoStream:
        first, original = source.first_frame, source.stream
        stream: Any = self._container.add_stream(
            choice.library,
            rate=source.frames_per_s,
            options=choice.options,
            time_base=source.time_base,
        )
        stream.width, stream.height = first.width, first.height
        stream.pix_fmt = choice.pixel_format
        context = stream.codec_context
        context.time_base = source.time_base
        context.thread_type = "AUTO"
        context.color_primaries = colours.primaries
        context.color_trc = colours.transfer
        context.colorspace = converter.matrix
        context.color_range = colours.range
        if original.sample_aspect_ratio:
            context.sample_aspect_ratio = original.sample_aspect_ratio
        context.flags |= Flags.frame_duration
        if first.interlaced_frame:
            context.flags |= Flags.interlaced_dct
            if choice.codec != "h264":
                self.notes.append(f"interlaced frames are written as progressive by {choice.codec}")
        if any(part.is_alpha for part in first.format.components):
            self.notes.append("transparency left out")
        if choice.codec == "hevc" and choice.container in ("mp4", "mov"):
            context.codec_tag = _HEVC_TAG
        stream.set_display_matrix(display_matrix(first))
        _copy_description(original, stream)
        return stream  # type: ignore[no-any-return]

    def _add_copies(self, source: VideoReader, container: str) -> dict[int, Stream]:
        """A stream for each that the container can hold, by the index of the original."""
        copies = {}
        for original in source.copied_streams:
            if original.type == "data" and _TIMECODE in original.metadata:
                # The muxer writes a track of its own from this, and fails with another beside it.
                self._video.metadata.setdefault(_TIMECODE, original.metadata[_TIMECODE])
                continue
            if not _can_hold(container, original):
                self.notes.append(f"{_describe(original)} left out: {container} cannot hold it")
                continue
            copy = self._container.add_stream_from_template(original, opaque=True)
            _copy_description(original, copy)
            copies[original.index] = copy
            if original.type == "video" and not original.disposition & Disposition.attached_pic:
                self.notes.append(f"{_describe(original)} copied as it is: only one is enhanced")
        return copies

    def _copy_facts(self, source: VideoReader) -> None:
        facts = source.container.metadata
        self._container.metadata.update(
            {key: value for key, value in facts.items() if key.lower() not in _OF_THE_FILE}
        )
        chapters = []
        for chapter in source.container.chapters():
            tick_s = chapter["time_base"] or Fraction(1)
            shift = round(source.start_s / tick_s)
            start, end = max(0, chapter["start"] - shift), chapter["end"] - shift
            if source.length_s is not None:
                end = min(end, round(source.length_s / tick_s))
            if start < end:
                chapter["start"], chapter["end"] = start, end
                chapters.append(chapter)
        self._container.set_chapters(chapters)

    def _error(self, error: Exception) -> VideoWriteError:
        reason = getattr(error, "strerror", None) or str(error)
        return VideoWriteError(f"{self._name}: cannot be written: {reason.lower()}")


def _mode_of(path: Path, name: str) -> int | None:
    """The permissions of the file that will be replaced, if there is one.

    Raises:
        VideoWriteError: If it is no file, or protected.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VideoWriteError(f"{name}: {(error.strerror or str(error)).lower()}") from error
    if not stat.S_ISREG(mode):
        raise VideoWriteError(f"{name}: not a file")
    if not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise VideoWriteError(f"{name}: permission denied")
    return stat.S_IMODE(mode)


def _can_hold(container: str, original: Stream) -> bool:
    """Whether a container takes a stream: found by writing the head of one with nothing else."""
    try:
        with av.open(io.BytesIO(), "w", format=container) as scratch:
            scratch.add_stream_from_template(original, opaque=True)
            scratch.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _copy_description(original: Stream, copy: Stream) -> None:
    """Language, title and the like, and what the stream is for."""
    copy.metadata.update(
        {key: value for key, value in original.metadata.items() if key.lower() not in _OF_THE_FILE}
    )
    copy.disposition = original.disposition


def _describe(stream: Stream) -> str:
    """A stream in words: its kind, its codec and its number."""
    context = stream.codec_context
    codec = f" ({context.name})" if context is not None else ""
    return f"{stream.type} stream {stream.index}{codec}"
