"""``fivefold video``: a video in, an enhanced video out."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.cli.console import Progress, one_line, print_json, say
from fivefold.cli.extras import require
from fivefold.cli.model_option import (
    add_model_options,
    add_strength_option,
    check_strength_option,
    load_enhancer,
)
from fivefold.cli.values import at_least_one

if TYPE_CHECKING:
    from fivefold.video.enhance import VideoReport

CODECS = ("h264", "hevc", "av1", "vp9", "prores", "ffv1")  # stated here: PyAV loads slowly
_KNOWN_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".ts")
_FALLBACK_SUFFIX = ".mkv"  # holds everything
_EXAMPLES = """\
examples:
  fivefold video clip.mp4                         writes clip_enhanced.mp4
  fivefold video clip.mov -o better.mkv           in another place and container
  fivefold video clip.mp4 --strength 0.6          a little less
  fivefold video clip.mp4 --from 1:20 --to 1:35   only a part
  fivefold video clip.mp4 --codec hevc --crf 22   smaller
  fivefold video clip.mp4 --json                  for programs
"""


def add_parser(verbs: Any) -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "video",
        help="enhance a video",
        description="Enhance a video: smoothly in time, with sound, subtitles and timing kept.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("input", metavar="IN", help="the video")
    add("-o", "--output", metavar="OUT", help=f"file: {' '.join(_KNOWN_SUFFIXES)}")
    add_strength_option(parser)
    add_model_options(parser)
    add("--from", dest="from_s", type=seconds, default=0.0, metavar="T", help="as 80 or 1:20.5")
    add("--to", dest="to_s", type=seconds, metavar="T", help="likewise; where the result ends")
    add("--codec", choices=CODECS, help="(default: the video's own where it can be written)")
    add("--crf", type=int, metavar="Q", help="quality of h264, hevc, av1, vp9: lower is better")
    add("--preset", metavar="P", help="speed of the encoder, in its own words")
    add(
        "--every",
        type=at_least_one,
        default=6,
        metavar="N",
        help="frames from one look of the network to the next (default 6)",
    )
    add(
        "--smoothing",
        type=seconds,
        default=0.5,
        metavar="T",
        help="seconds over which its looks are averaged, to both sides (default 0.5)",
    )
    add("--json", action="store_true", help="one JSON object on stdout")
    return parser


def run(options: argparse.Namespace) -> int:
    """Enhance the video.

    Returns:
        0 if every frame was enhanced, 1 if some could not be decoded and the rest was written.
    """
    source, target = Path(options.input), _target(options)
    check_strength_option(options)
    if options.to_s is not None and options.to_s <= options.from_s:
        options.parser.error("--to must come after --from")
    require("video", "av")
    os.environ.setdefault("SVT_LOG", "0")  # the AV1 encoder introduces itself otherwise
    from fivefold.video.enhance import VideoSettings, enhance_video

    settings = VideoSettings(
        strength=options.strength,
        every=options.every,
        smoothing_s=options.smoothing,
        from_s=options.from_s,
        to_s=options.to_s,
        codec=options.codec,
        crf=options.crf,
        preset=options.preset,
    )
    bar = _Bar(is_quiet=options.json)
    try:
        enhancer = load_enhancer(options.bundle, options.expert, threads=1)
        with bar:
            report = enhance_video(
                source, target, enhancer, settings, started=bar.start, advanced=bar.advance
            )
    except ValueError as error:  # a codec, suffix, … that do not go together
        options.parser.error(one_line(str(error)))
    _tell(source, target, report, as_json=options.json)
    return 0 if report.is_complete else 1


def seconds(text: str) -> float:
    """Seconds from ``80``, ``80.5``, ``1:20.5`` or ``0:01:20.5``."""
    parts = text.split(":")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = [-1.0]
    if len(parts) > 3 or not all(0 <= value < math.inf for value in values):
        raise argparse.ArgumentTypeError(f"expected a time as 80 or 1:20.5, received {text!r}")
    total = 0.0
    for value in values:
        total = 60 * total + value
    return total


class _Bar:
    """The progress bar, whose length is known once the video is open."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._progress: Progress | None = None

    def start(self, frames: int, encoding: str) -> None:
        if not self._is_quiet:
            say(f"writing {encoding}")
        self._progress = Progress(frames, "frames")

    def advance(self) -> None:
        if self._progress is not None:
            self._progress.advance()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: Any) -> None:
        if self._progress is not None:
            self._progress.__exit__(*error)


def _target(options: argparse.Namespace) -> Path:
    """Where the result goes: beside the video if nothing was said."""
    if "" in (options.input, options.output):  # an unset variable of a shell
        options.parser.error("a name is empty")
    if options.output is not None:
        return Path(options.output)
    source = Path(options.input)
    suffix = source.suffix if source.suffix.lower() in _KNOWN_SUFFIXES else _FALLBACK_SUFFIX
    return source.with_name(f"{source.stem}_enhanced{suffix}")


def _tell(source: Path, target: Path, report: VideoReport, *, as_json: bool) -> None:
    """Say what became of the video."""
    lost = []
    if report.is_truncated:
        lost.append("the file is truncated")
    if report.lost_packets:
        lost.append(f"{_count(report.lost_packets)} could not be decoded")
    if report.damaged_frames:
        lost.append(f"damage in {_count(report.damaged_frames)}")
    if as_json:
        print_json(
            source=str(source),
            target=str(target),
            complete=report.is_complete,
            frames=report.frames,
            lost_frames=report.lost_packets,
            damaged_frames=report.damaged_frames,
            truncated=report.is_truncated,
            duration_s=round(report.duration_s, 6),
            seconds=round(report.seconds, 4),
            realtime_factor=round(report.realtime_factor, 4),
            cuts=report.cuts,
            predictions=report.predictions,
            encoding=report.encoding,
            notes=list(report.notes),
        )
    for note in report.notes:
        say(f"{source}: note: {note}")
    if lost:
        say(f"{source}: {', '.join(lost)}; the result holds the rest")
    if not as_json:
        shots = f"{report.cuts + 1} {'shot' if not report.cuts else 'shots'}"
        say(
            f"{_count(report.frames)} in {shots} enhanced in {report.seconds:.1f} s "
            f"({report.realtime_factor:.2f} times real time): {target}"
        )


def _count(frames: int) -> str:
    return f"{frames} frame{'' if frames == 1 else 's'}"
