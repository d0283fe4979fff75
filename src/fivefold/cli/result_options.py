"""What ``enhance`` and ``watch`` may be told about their results."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from fivefold.cli.console import one_line
from fivefold.cli.model_option import (
    add_model_options,
    add_strength_option,
    check_strength_option,
)

if TYPE_CHECKING:
    from fivefold.runtime.batch import Settings
    from fivefold.runtime.journal import Journal
    from fivefold.runtime.plan import Placement

FORMATS = (
    "jpeg",
    "png",
    "tiff",
    "webp",
    "avif",
    "heif",
    "jxl",
    "ppm",
)  # stated here, since the codecs load slowly


def add_result_options(parser: argparse.ArgumentParser) -> None:
    """Describe the options that both have."""
    add = parser.add_argument
    add_strength_option(parser)
    add("--quality", type=_integer(1, 100), metavar="Q", help="of lossy formats, 1 to 100")
    add("--format", choices=FORMATS, help="of the results (default: as each photo)")
    add("--bit-depth", type=int, choices=(8, 16), help="of the results (default: as each photo)")
    add(
        "--jobs",
        type=_integer(1, 1024),
        metavar="N",
        help="photos at a time (default: one for each processor core)",
    )
    add("--json", action="store_true", help="one JSON object a line on stdout, the last a summary")
    add("--strip-metadata", action="store_true", help="leave out EXIF with GPS, XMP and IPTC")
    add("--keep-times", action="store_true", help="give results the times of the photos' files")
    add("--no-note", action="store_true", help="do not say in XMP what was done")
    add(
        "--max-megapixels",
        type=_integer(1, 1 << 20),
        default=256,
        metavar="N",
        help="refuse larger photos (default 256; TIFF to TIFF goes on in strips)",
    )
    journal = parser.add_mutually_exclusive_group()
    journal.add_argument(
        "--journal", metavar="FILE", help="note there what was done (default: hidden in OUT)"
    )
    journal.add_argument("--no-journal", action="store_true", help="note it nowhere")
    add_model_options(parser)


def check_result_options(options: argparse.Namespace) -> None:
    """Refuse what contradicts itself, or can never work."""
    if "" in (options.output, options.journal):  # an unset variable of a shell, not this folder
        refuse(options, "a name is empty")
    check_strength_option(options)
    if options.bit_depth == 16 and options.format in ("jpeg", "webp"):
        refuse(options, f"--bit-depth 16: {options.format} holds 8 bits")


def refuse(options: argparse.Namespace, reason: str) -> NoReturn:
    """Leave with the usage and the reason, exit code 2."""
    parser: argparse.ArgumentParser = options.parser
    parser.error(one_line(reason))


def settings_of(options: argparse.Namespace) -> Settings:
    """How photos are enhanced and written."""
    from fivefold.runtime.batch import Settings

    return Settings(
        strength=options.strength,
        quality=options.quality,
        bit_depth=options.bit_depth,
        max_pixels=options.max_megapixels * 1_000_000,
        strip_metadata=options.strip_metadata,
        keep_times=options.keep_times,
        note=not (options.no_note or options.strip_metadata),
    )


def placement_of(options: argparse.Namespace, folder: Path | None) -> Placement:
    """Where results go that are not named one by one."""
    from fivefold.photo.formats import KNOWN_SUFFIXES, READABLE, WRITABLE
    from fivefold.runtime.plan import Placement

    return Placement(
        folder,
        readable=READABLE,
        writable={suffix: name for suffix, name in KNOWN_SUFFIXES.items() if suffix in WRITABLE},
        file_format=options.format and options.format.upper(),
    )


def journal_of(options: argparse.Namespace) -> Journal | None:
    """The journal asked for, or the one hidden in the output folder; not opened for adding.

    Without an output folder there is none unless it is asked for: photos get no neighbours that
    nobody expects.
    """
    from fivefold.runtime.journal import JOURNAL_NAME, Journal

    if options.no_journal:
        return None
    if options.journal is not None:
        return Journal(options.journal)
    return None if options.output is None else Journal(Path(options.output, JOURNAL_NAME))


def _integer(low: int, high: int) -> Callable[[str], int]:
    """What argparse turns a word into a whole number with."""

    def parse(word: str) -> int:
        try:
            value = int(word)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {low} to {high}, received {word!r}"
            )
        return value

    return parse
