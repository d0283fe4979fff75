"""Which encoder writes a video, and in which pixel format."""

from __future__ import annotations

from dataclasses import dataclass

import av
from av.video.format import VideoFormat

from fivefold.errors import VideoWriteError

# Suffix of the file -> FFmpeg's muxer.
CONTAINERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".ts": "mpegts",
}
_USUAL_BITS = 10  # of what is deeper; no usual codec keeps more
_X26X_PRESETS = (
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
)


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec that is written.

    Attributes:
        library: FFmpeg's encoder.
        containers: The muxers that it goes into.
        default_crf: Quality if none is asked for, chosen so that a look does not tell the loss;
            ``None`` where the codec has no such number.
        max_crf: The worst.
        default_preset: Speed if none is asked for.
        presets: What may be asked for, from fast to slow.
        preset_option: What the encoder calls it.
        needs_even_sides: Where chroma is shared by two columns or rows, their number must be even.
        extra: Further options.
    """

    library: str
    containers: tuple[str, ...]
    default_crf: int | None = None
    max_crf: int = 51
    default_preset: str | None = None
    presets: tuple[str, ...] = ()
    preset_option: str = "preset"
    needs_even_sides: bool = False
    extra: tuple[tuple[str, str], ...] = ()


CODECS = {
    "h264": Codec(
        "libx264",
        ("mp4", "mov", "matroska", "mpegts"),
        18,
        51,
        "medium",
        _X26X_PRESETS,
        needs_even_sides=True,
    ),
    "hevc": Codec(
        "libx265",
        ("mp4", "mov", "matroska", "mpegts"),
        20,
        51,
        "medium",
        _X26X_PRESETS,
        needs_even_sides=True,
        extra=(("x265-params", "log-level=none"),),
    ),
    "av1": Codec(
        "libsvtav1",
        ("mp4", "matroska", "webm"),
        24,
        63,
        "8",
        tuple(str(speed) for speed in range(13, -1, -1)),
    ),
    "vp9": Codec(
        "libvpx-vp9",
        ("mp4", "matroska", "webm"),
        24,
        63,
        "4",
        tuple(str(speed) for speed in range(8, -1, -1)),
        preset_option="cpu-used",
        extra=(("b", "0"), ("row-mt", "1"), ("deadline", "good")),
    ),
    "prores": Codec("prores_ks", ("mov", "matroska")),
    "ffv1": Codec("ffv1", ("matroska",)),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """How a video is written.

    Attributes:
        codec: A key of :data:`CODECS`.
        library: FFmpeg's encoder.
        container: FFmpeg's muxer.
        pixel_format: What the encoder takes.
        options: The encoder's.
        words: All of this for a person.
    """

    codec: str
    library: str
    container: str
    pixel_format: str
    options: dict[str, str]
    words: str


def choose(
    suffix: str,
    input_codec: str,
    input_format: str,
    *,
    codec: str | None = None,
    crf: int | None = None,
    preset: str | None = None,
    size_px: tuple[int, int] = (2, 2),
) -> Choice:
    """Choose how to write a video.

    Without ``codec`` it stays the input's where that is one of :data:`CODECS`, goes into the
    container and keeps the bits. Else it is H.264 for 8 bits and H.265 for more, in WebM VP9 and
    AV1. The pixel format is the input's, or the one of the encoder's that loses least.

    Args:
        suffix: Of the file to write, with the dot.
        input_codec: FFmpeg's name of the codec that was read.
        input_format: The pixel format that was read.
        codec: A key of :data:`CODECS`.
        crf: Quality, 0 is best.
        preset: Speed.
        size_px: Width and height; where one is odd some encoders must not share chroma.

    Raises:
        ValueError: For an unknown suffix or codec, a codec that does not go into the container, a
            ``crf`` or ``preset`` that the codec does not have.
        VideoWriteError: If FFmpeg was built without the encoder.
    """
    container = container_of(suffix)
    if codec is None:
        codec = _default_codec(container, input_codec, input_format)
    elif codec not in CODECS:
        raise ValueError(f"codec must be one of {', '.join(CODECS)}, received {codec!r}")
    chosen = CODECS[codec]
    if container not in chosen.containers:
        raise ValueError(f"{codec} does not go into {suffix.lower()}")
    options = dict(chosen.extra)
    words = [codec]
    if crf is not None and not (chosen.default_crf is not None and 0 <= crf <= chosen.max_crf):
        expected = "none" if chosen.default_crf is None else f"0 to {chosen.max_crf}"
        raise ValueError(f"crf of {codec} must be {expected}, received {crf}")
    if preset is not None and preset not in chosen.presets:
        expected = ", ".join(chosen.presets) or "none"
        raise ValueError(f"preset of {codec} must be {expected}, received {preset!r}")
    if chosen.default_crf is not None:
        options["crf"] = str(chosen.default_crf if crf is None else crf)
        words.append(f"crf {options['crf']}")
    if chosen.default_preset is not None:
        options[chosen.preset_option] = preset or chosen.default_preset
        words.append(f"preset {options[chosen.preset_option]}")
    offered = _offered(codec)
    if chosen.needs_even_sides:
        offered = [name for name in offered if _Layout.of(name).fits(size_px)]
    pixel_format = nearest_format(input_format, offered)
    words.append(pixel_format)
    return Choice(codec, chosen.library, container, pixel_format, options, ", ".join(words))


def container_of(suffix: str) -> str:
    """FFmpeg's muxer for a suffix such as ``.mp4``.

    Raises:
        ValueError: For one that is not written.
    """
    try:
        return CONTAINERS[suffix.lower()]
    except KeyError:
        known = " ".join(CONTAINERS)
        raise ValueError(f"the suffix must be one of {known}, received {suffix!r}") from None


def _default_codec(container: str, input_codec: str, input_format: str) -> str:
    """The first of the input's and the usual codecs that fits and keeps the bits."""
    bits = _Layout.of(input_format).bits
    usual = ["vp9", "av1"] if container == "webm" else ["h264" if bits <= 8 else "hevc"]
    for codec in (input_codec, *usual):
        if codec in CODECS and container in CODECS[codec].containers:
            coded = nearest_format(input_format, _offered(codec))
            if _Layout.of(coded).bits >= min(bits, _USUAL_BITS):
                return codec
    return usual[-1]


def _offered(codec: str) -> list[str]:
    """The pixel formats that a codec's encoder takes."""
    library = CODECS[codec].library
    try:
        return [offer.name for offer in av.Codec(library, "w").video_formats or []]
    except av.codec.codec.UnknownCodecError as error:
        raise VideoWriteError(f"{codec}: this FFmpeg has no {library}") from error


@dataclass(frozen=True, slots=True)
class _Layout:
    """What counts of a pixel format: bits, columns and rows of chroma for 8 of luma, and kind."""

    bits: int
    chroma: tuple[int, int]
    is_rgb: bool
    has_alpha: bool
    is_plain: bool

    @staticmethod
    def of(name: str) -> _Layout:
        layout = VideoFormat(name, 8, 8)
        parts = layout.components
        is_rgb = layout.is_rgb or layout.has_palette
        colours = [part for part in parts if not part.is_alpha]
        chroma = (layout.chroma_width(8), layout.chroma_height(8))
        if is_rgb:
            chroma = (8, 8)
        elif len(colours) == 1:
            chroma = (0, 0)
        return _Layout(
            bits=max((part.bits for part in parts), default=0),
            chroma=chroma,
            is_rgb=is_rgb,
            has_alpha=len(colours) < len(parts),
            # One of the usual planar ones, not a card's, a palette's or a deprecated one.
            is_plain=bool(parts)
            and len({part.plane for part in parts}) == len(parts)
            and not (name.startswith("yuvj") or layout.has_palette or layout.is_big_endian),
        )

    def fits(self, size_px: tuple[int, int]) -> bool:
        """Whether each sample of chroma stands for as many pixels as the others."""
        return all(
            side % 2 == 0 or shared in (0, 8)
            for side, shared in zip(size_px, self.chroma, strict=True)
        )


def nearest_format(wanted: str, offered: list[str]) -> str:
    """The pixel format among those of an encoder that loses least of another.

    Losing bits counts more than losing chroma, and that more than taking room in vain.

    Args:
        wanted: FFmpeg's name.
        offered: Likewise.

    Raises:
        ValueError: If none is offered.
    """
    if not offered:
        raise ValueError("expected pixel formats to choose from, received none")
    want = _Layout.of(wanted)

    def cost(name: str) -> tuple[int, ...]:
        have = _Layout.of(name)
        chroma = [have.chroma[axis] - want.chroma[axis] for axis in (0, 1)]
        return (
            not have.is_plain,
            max(0, want.bits - have.bits),
            sum(max(0, -more) for more in chroma),
            have.has_alpha,  # transparency is not kept
            have.is_rgb != want.is_rgb,
            max(0, have.bits - want.bits),
            sum(max(0, more) for more in chroma),
        )

    return min(offered, key=cost)
