"""``fivefold lut``: a photo's look as a 3-D look-up table for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.cli.console import one_line, print_json, say
from fivefold.cli.extras import require
from fivefold.cli.model_option import (
    add_model_options,
    add_strength_option,
    check_strength_option,
    load_enhancer,
)

if TYPE_CHECKING:
    from fivefold.export.look import Deviation
    from fivefold.photo.image import Photo

_EXAMPLES = """\
examples:
  fivefold lut photo.jpg                          writes photo.cube
  fivefold lut photo.jpg -o look.cube             in another place
  fivefold lut photo.jpg -o look.cube --size 17   smaller, for cameras and monitors
  fivefold lut photo.jpg --strength 0.5 --json    half the look; the error as JSON

The table takes sRGB pictures and gives sRGB. It is told when the look depends too much on
the place in the photo to be told by colour alone: docs/export.md
"""


def add_parser(verbs: Any) -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "lut",
        help="a photo's look as a 3-D LUT for other programs",
        description="Write what the enhancement does to a photo's colours as a .cube file, and "
        "say how near to the enhancement it comes.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("photo", metavar="PHOTO", help="whose look it is")
    add(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="ending in .cube (default: beside the photo, with its name)",
    )
    add("--size", type=int, default=33, metavar="N", help="nodes along an axis, 2 to 65 (33)")
    add_strength_option(parser)
    add_model_options(parser)
    add("--json", action="store_true", help="what was written and its error, as JSON on stdout")
    return parser


def run(options: argparse.Namespace) -> int:
    """Write the table.

    Returns:
        0, also for a look that is too local: the file is written, and the warning says so.
    """
    output: Path = options.output or Path(options.photo).with_suffix(".cube")
    _check(options, output)
    require("lut", "scipy", "skimage")
    from fivefold.export.cube import write_cube
    from fivefold.export.look import fit_look
    from fivefold.photo.files import read_photo
    from fivefold.runtime.enhancer import neutral

    photo = read_photo(options.photo)
    enhancer = load_enhancer(options.bundle, options.expert)
    grid = enhancer.predict(photo).with_strength(options.strength)
    grid = neutral(grid) if photo.is_greyscale else grid
    table, error = fit_look(photo, grid, size=options.size)
    comments = [
        f"fivefold lut, model {enhancer.model_name}, strength {options.strength:g}",
        "input and output: sRGB, 0 to 1",
        f"against the enhancement: {_error_words(error)}".replace("Δ", "Delta "),
    ]
    write_cube(output, table, title=Path(options.photo).stem, comments=comments)
    _tell(options, output, photo, error)
    return 0


def _check(options: argparse.Namespace, output: Path) -> None:
    from fivefold.export.cube import SUFFIX

    refuse = options.parser.error
    if output.suffix.lower() != SUFFIX:
        refuse(f"-o must end in {SUFFIX}, received {one_line(str(output))}")
    if not 2 <= options.size <= 65:
        refuse(f"--size must lie in 2 to 65, received {options.size}")
    check_strength_option(options)


def _tell(options: argparse.Namespace, output: Path, photo: Photo, error: Deviation) -> None:
    from fivefold.export.look import LOCAL_DELTA_E
    from fivefold.photo.model_space import model_space

    is_srgb = model_space(photo.icc_profile) is None
    if options.json:
        print_json(
            path=str(output),
            size=options.size,
            mean_delta_e_2000=round(error.mean_delta_e, 4),
            p95_delta_e_2000=round(error.p95_delta_e, 4),
            psnr=round(error.psnr, 4) if error.psnr < float("inf") else None,
            look_delta_e_2000=round(error.look_delta_e, 4),
            pixels=error.pixels,
            too_local=error.is_too_local,
            photo_is_srgb=is_srgb,
        )
    else:
        print(one_line(f"{output}: {options.size}³ for sRGB; {_error_words(error)}"))
    if error.is_too_local:
        say(
            f"{options.photo}: warning: the look depends too much on the place in the photo for a "
            f"table: one pixel in twenty is off by more than ΔE2000 {LOCAL_DELTA_E:g}"
        )
    if not is_srgb:
        say(
            f"{options.photo}: note: the photo has another colour space, the table is for sRGB: "
            "convert to sRGB before it"
        )


def _error_words(error: Deviation) -> str:
    return (
        f"ΔE2000 {error.mean_delta_e:.2f} mean, {error.p95_delta_e:.2f} at the 95th percentile, "
        f"PSNR {error.psnr:.1f} dB (the look itself: ΔE2000 {error.look_delta_e:.2f})"
    )
