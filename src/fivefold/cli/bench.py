"""``fivefold bench``: how fast this machine enhances photos, beside other programs."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.cli.console import print_json, say
from fivefold.cli.values import at_least_one

if TYPE_CHECKING:
    from fivefold.bench.cases import Contest

CASES = ("cold", "warm", "pass", "folder", "large", "gigapixel")
_EXAMPLES = """\
examples:
  fivefold bench                        one command, a running process, the pass, a folder
  fivefold bench photo.jpg              on a photo of your own
  fivefold bench --case cold            only from a cold start, beside other programs
  fivefold bench --case large           the memory that 100 megapixels take
  fivefold bench --case gigapixel       that of a gigapixel, a TIFF; 6 GB of disk, minutes
  fivefold bench --json figures.json    also for programs, with the machine's facts
"""


def add_parser(verbs: Any) -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "bench",
        help="measure how fast this machine is",
        description="Measure how fast photos are enhanced here, in turn with ImageMagick, "
        "GraphicsMagick, autolevels and darktable where they are installed, with decoding and "
        "encoding alone, and with PyTorch.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("photo", nargs="?", type=Path, metavar="PHOTO", help="by default, made-up 12 megapixels")
    add(
        "--case",
        action="append",
        choices=CASES,
        help="what to measure; may be given several times (default: the first four)",
    )
    add("--rounds", type=at_least_one, default=7, metavar="N", help="of each (default 7)")
    add("--json", type=Path, metavar="FILE", help="write the figures there as well, - for stdout")
    return parser


def run(options: argparse.Namespace) -> int:
    """Measure, and print tables.

    Returns:
        0.
    """
    from fivefold.bench.machine import machine_facts
    from fivefold.bench.photos import copy_photo, make_photo

    wanted = options.case or CASES[:4]
    to_stdout = options.json == Path("-")
    with tempfile.TemporaryDirectory(prefix="fivefold-bench-") as name:
        folder = Path(name)
        photo = folder / "photo.jpg"
        if options.photo is None:
            make_photo(photo)
        else:
            copy_photo(options.photo, photo)
        facts: dict[str, Any] = {
            "machine": machine_facts(),
            "photo": _about(photo),
            "rounds": options.rounds,
            "cases": {},
        }
        if not to_stdout:
            _print_facts(facts)
        for title, contest, more in _contests(wanted, photo, folder, options.rounds):
            facts["cases"][title] = {
                **more,
                "contestants": {key: standing.as_dict() for key, standing in contest.items()},
            }
            if not to_stdout:
                _print_contest(title, contest, more)
    if to_stdout:
        print_json(**facts)
    elif options.json is not None:
        options.json.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
        say(f"written: {options.json}")
    return 0


def _contests(
    wanted: Sequence[str], photo: Path, folder: Path, rounds: int
) -> Any:  # an iterator of titles, standings and further facts
    from fivefold.bench import cases
    from fivefold.bench.photos import make_photo, make_tiff
    from fivefold.photo.threads import available_threads

    if "cold" in wanted:
        contest, versions = cases.cold(photo, folder, rounds)
        yield "one photo, from a cold start", contest, {"versions": versions}
    if "warm" in wanted:
        for threads in sorted({1, min(2, available_threads()), available_threads()}):
            plural = "s" if threads > 1 else ""
            title = f"one photo in a running process, {threads} thread{plural}"
            yield title, cases.warm(photo, rounds, threads), {}
    if "pass" in wanted:
        title = "guide, slice and apply, 1 thread"
        yield title, cases.full_resolution(photo, rounds), {}
    if "folder" in wanted:
        yield "a folder of 40, all cores", cases.folder_of(photo, folder, max(1, rounds // 3)), {}
    if "large" in wanted:
        big = folder / "large.jpg"
        make_photo(big, (12_000, 8_400))
        decoded = {"decoded_mb": 12_000 * 8_400 * 3 / 1e6}
        yield "100 megapixels", cases.large(big, folder / "large_enhanced.jpg"), decoded
    if "gigapixel" in wanted:
        big = folder / "gigapixel.tif"
        make_tiff(big, (40_000, 25_000))
        decoded = {"decoded_mb": 3000.0}
        yield "1 gigapixel", cases.large(big, folder / "gigapixel_enhanced.tif"), decoded


def _about(photo: Path) -> dict[str, object]:
    from fivefold.photo.files import read_photo

    read = read_photo(photo)
    return {
        "width_px": read.width_px,
        "height_px": read.height_px,
        "file_mb": round(photo.stat().st_size / 1e6, 2),
        "decoded_mb": round(read.pixels.nbytes / 1e6, 1),
    }


def _print_facts(facts: dict[str, Any]) -> None:
    machine, photo = facts["machine"], facts["photo"]
    print(
        f"{machine['processor']}, {machine['instruction_set']}, {machine['cores']} cores, "
        f"load {machine['load']}; {photo['width_px']} × {photo['height_px']} JPEG, "
        f"{photo['file_mb']} MB, decoded {photo['decoded_mb']} MB"
    )
    print(f"medians of {facts['rounds']} rounds in turn; × is in the time of the first line")


def _print_contest(title: str, contest: Contest, more: dict[str, Any]) -> None:
    print(f"\n{title}")
    for name, standing in contest.items():
        memory = f"{standing.peak_bytes / 1e6:8.0f} MB" if standing.peak_bytes else ""
        print(
            f"  {name:38} {standing.seconds:8.3f} s  {standing.ratio:7.2f} ×   "
            f"processor {standing.cpu_seconds:7.3f} s  {standing.cpu_ratio:7.2f} ×{memory}"
        )
    for name, version in more.get("versions", {}).items():
        if version is None:
            print(f"  {name:38} not installed")
