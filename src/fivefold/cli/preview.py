"""``fivefold preview``: before and after on one picture, or a strip of versions."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.cli.console import one_line, print_json
from fivefold.cli.model_option import (
    add_expert_option,
    add_strength_option,
    check_strength_option,
    check_strengths,
    load_enhancer,
)
from fivefold.cli.values import at_least_one

if TYPE_CHECKING:
    from fivefold.runtime.enhancer import Enhancer

_SIDE_PX = 1000
_STRIP_SIDE_PX = 500
_STRENGTHS = (0.0, 0.5, 1.0, 1.5)
_EXAMPLES = """\
examples:
  fivefold preview photo.jpg                       writes photo_preview.png
  fivefold preview photo.jpg -o look.jpg --split   one picture with a line in the middle
  fivefold preview photo.jpg --split 0.3           the line at three tenths
  fivefold preview photo.jpg --over strength       a strip: before, half, whole, more
  fivefold preview photo.jpg --over strength --strengths 0,0.25,0.5,0.75,1
  fivefold preview photo.jpg --over expert --bundle a.fivefold --bundle b.fivefold
"""


def add_parser(verbs: Any) -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "preview",
        help="before and after on one picture",
        description="Show what enhancing a photo would do, on one small sRGB picture.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("photo", metavar="PHOTO", help="to look at; it is left alone")
    add(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="the picture, of any format (default: PHOTO's name with _preview.png)",
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--split",
        nargs="?",
        type=_part,
        const=0.5,
        metavar="AT",
        help="one picture, before left of a line and after right of it (default 0.5)",
    )
    kind.add_argument(
        "--over",
        choices=("strength", "expert"),
        help="a strip of several strengths, or of several models",
    )
    add(
        "--strengths",
        type=_numbers,
        metavar="LIST",
        help="of --over strength (default 0,0.5,1,1.5)",
    )
    add_strength_option(parser)
    add(
        "--size",
        type=at_least_one,
        metavar="PX",
        help=f"longest side of each picture (default {_SIDE_PX}, in a strip {_STRIP_SIDE_PX})",
    )
    add(
        "--bundle",
        action="append",
        metavar="B",
        help="model to use: a file, or a name that 'info' lists; may be repeated for --over "
        "expert (default there: all that came with the program)",
    )
    add_expert_option(parser)
    add("--json", action="store_true", help="what was written, as JSON on stdout")
    return parser


def run(options: argparse.Namespace) -> int:
    """Write the picture.

    Returns:
        0.
    """
    photo_path = Path(options.photo)
    output: Path = options.output or photo_path.with_name(f"{photo_path.stem}_preview.png")
    _check(options, photo_path, output)
    import numpy as np

    from fivefold.photo.files import read_photo, write_photo
    from fivefold.photo.image import Photo
    from fivefold.runtime import preview

    choices = _choices(options)
    side_px = options.size or (_SIDE_PX if options.over is None else _STRIP_SIDE_PX)
    pictures = preview.versions(read_photo(photo_path), choices, side_px=side_px)
    if options.split is None:
        sheet = preview.strip(pictures)
    else:
        (_, before), (_, after) = pictures
        sheet = preview.split(before, after, at=options.split)
    write_photo(Photo(np.asarray(sheet)), output)
    if options.json:
        labels = [label for label, _ in pictures]
        print_json(path=str(output), width_px=sheet.width, height_px=sheet.height, shown=labels)
    else:
        print(one_line(f"{output}: {sheet.width} × {sheet.height}"))
    return 0


def _check(options: argparse.Namespace, photo: Path, output: Path) -> None:
    from fivefold.photo.formats import WRITABLE

    refuse = options.parser.error
    check_strength_option(options)
    check_strengths(options, "--strengths", options.strengths or ())
    if options.strengths and options.over != "strength":
        refuse("--strengths goes with --over strength only")
    if options.over == "expert" and options.expert:
        refuse("--over expert shows all styles: not with --expert")
    if options.over != "expert" and len(options.bundle or ()) > 1:
        refuse("several models go with --over expert only")
    if output.suffix.lower() not in WRITABLE:
        refuse(f"-o must end in a format that can be written, received {one_line(str(output))}")
    if output.exists() and photo.exists() and output.samefile(photo):
        refuse("-o is the photo itself")


def _choices(options: argparse.Namespace) -> list[tuple[str, Enhancer, float]]:
    """Label, model and strength of every picture."""
    from fivefold.runtime.enhancer import Enhancer, shipped_bundles
    from fivefold.runtime.preview import AFTER, BEFORE

    if options.over == "expert":
        enhancers = [Enhancer.load(bundle) for bundle in options.bundle or shipped_bundles()]
        named = [(s, e.in_style(s), options.strength) for e in enhancers for s in e.styles]
        return [(BEFORE, enhancers[0], 0.0), *named]
    enhancer = load_enhancer(options.bundle[0] if options.bundle else None, options.expert)
    if options.over == "strength":
        strengths = options.strengths or _STRENGTHS
        return [(f"strength {s:g}" if s else BEFORE, enhancer, s) for s in strengths]
    after = AFTER if options.strength == 1 else f"{AFTER}, strength {options.strength:g}"
    return [(BEFORE, enhancer, 0.0), (after, enhancer, options.strength)]


def _part(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, received {text!r}")
    return value


def _numbers(text: str) -> list[float]:
    """Numbers with commas between them."""
    try:
        return [float(word) for word in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"must be numbers such as 0,0.5,1, received {text!r}"
        ) from error
