"""``fivefold data fivek``: download MIT-Adobe FiveK, and develop it."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fivefold.cli.console import Bar, Progress, one_line, print_json, say
from fivefold.cli.values import add_jobs, at_least_one, experts, ids, positive

if TYPE_CHECKING:
    from fivefold.data.developed import Developed
    from fivefold.data.fivek import FivekHost
    from fivefold.data.licence import Licence
    from fivefold.data.progress import Progress as Downloaded

_DOWNLOAD_EXAMPLES = """\
examples:
  fivefold data fivek download FIVEK                      everything: DNGs, and TIFFs of A to E
  fivefold data fivek download FIVEK --experts c          DNGs and expert C
  fivefold data fivek download FIVEK --experts none --ids 1-700
  fivefold data fivek download FIVEK --verify             hash what is there, fetch what changed

Run it again to go on where it was stopped.
"""
_DEVELOP_EXAMPLES = """\
examples:
  fivefold data fivek develop FIVEK -o SET                720 pixels on the long side, 8 bits
  fivefold data fivek develop FIVEK -o SET --short-side 480 --bit-depth 16
  fivefold data fivek develop EXPORTS -o SET              input/, expertA/ … of Lightroom
  fivefold data fivek develop EXPORTS -o SET --folder input=raw/480p --folder c=ExpertC/480p
"""


def add_parsers(actions: Any) -> None:
    """Describe the arguments."""
    fivek = actions.add_parser("fivek", help="MIT-Adobe FiveK: download, develop")
    steps = fivek.add_subparsers(metavar="STEP", required=True)
    _add_download(steps)
    _add_develop(steps)


def _add_download(steps: Any) -> None:
    parser = steps.add_parser(
        "download",
        help="bring DNGs and experts' TIFFs",
        description="Download FiveK in its official layout, resumable at any byte. The files of "
        "all experts take several hundred gigabytes, the DNGs alone about 50.",
        epilog=_DOWNLOAD_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(act=_download, parser=parser)
    add = parser.add_argument
    add("folder", type=Path, metavar="FIVEK", help="made where missing")
    add(
        "--experts",
        type=experts,
        default=experts("all"),
        metavar="LIST",
        help="such as a,c; all (default) or none",
    )
    add("--no-input", action="store_true", help="not the DNGs")
    add("--ids", type=ids, metavar="RANGE", help="such as 1-700,a1384,4501- (default: all)")
    add("--workers", type=at_least_one, default=4, metavar="N", help="files at a time (default 4)")
    add("--limit-rate", type=positive, metavar="MB", help="at most so many megabytes a second")
    add(
        "--requests",
        type=positive,
        default=4.0,
        metavar="N",
        help="at most so many requests a second (default 4)",
    )
    add("--verify", action="store_true", help="compare hashes of what is there, not only sizes")
    add("--accept-licence", action="store_true", help="do not ask; you have read the licences")
    add("--host", metavar="URL", help="folder of a mirror in the official layout")
    add("--json", action="store_true", help="one JSON object a line on stdout, the last a summary")


def _download(options: argparse.Namespace) -> int:
    from fivefold.data.download import download, fetch_legal
    from fivefold.data.fivek import INPUT, FivekHost, read_index, select_files
    from fivefold.data.pace import Pace
    from fivefold.errors import DataError

    try:
        host = FivekHost(url=options.host) if options.host else FivekHost()
    except ValueError as error:
        options.parser.error(f"--host: {error}")
    renditions = [*([] if options.no_input else [INPUT]), *options.experts]
    if not renditions:
        options.parser.error("--no-input --experts none: leaves nothing to download")
    limit = options.limit_rate
    pace = Pace(
        requests_per_s=options.requests, bytes_per_s=limit * 1e6 if limit is not None else None
    )
    fetch_legal(options.folder, host, pace=pace)
    if not _accepted(options.folder, host, unasked=options.accept_licence):
        return 1
    index = read_index(options.folder, host)
    wanted = set(options.ids) & {photo.id for photo in index} if options.ids else None
    files = select_files(index, renditions, wanted, host)
    if not files:
        raise DataError(f"{options.folder}: no photo of the index is among those asked for")
    with _DownloadBar(len(files)) as bar:
        outcomes = download(
            files,
            options.folder,
            host,
            workers=options.workers,
            pace=pace,
            verify=options.verify,
            on_progress=bar.show,
        )
    states = Counter(outcome.state for outcome in outcomes)
    for outcome in outcomes:
        if outcome.reason:
            say(outcome.reason)
        if options.json:
            print_json(path=outcome.file.path, state=outcome.state, error=outcome.reason or None)
    counts = {state: states[state] for state in ("fetched", "kept", "missing", "failed")}
    if options.json:
        print_json(folder=str(options.folder), **counts)
    else:
        say(", ".join(f"{count} {state}" for state, count in counts.items()))
    return 1 if states["missing"] or states["failed"] else 0


def _accepted(folder: Path, host: FivekHost, *, unasked: bool) -> bool:
    """Show the licences that nobody agreed to in this folder yet, and ask."""
    from fivefold.data.licence import accept, not_accepted, read_licences

    licences = read_licences(folder, host)
    new = not_accepted(folder, licences)
    if new and not unasked and not _asked(new, folder):
        say("without agreement to its licences FiveK is not downloaded; see --accept-licence")
        return False
    if new:
        accept(folder, licences)
    return True


def _asked(licences: list[Licence], folder: Path) -> bool:
    for licence in licences:
        print(f"--- {folder / licence.path}\n\n{licence.text}", file=sys.stderr)
    if not sys.stdin.isatty():
        return False
    print("Do you agree to these licences? Type yes: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() == "yes"


class _DownloadBar(Bar):
    """Files, bytes, pace and remaining time."""

    def __init__(self, files: int) -> None:
        super().__init__()
        if files:
            layout = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}"
            self._draw(total=0, unit="B", unit_scale=True, bar_format=layout)

    def show(self, progress: Downloaded) -> None:
        """Say how far it is."""
        if self._bar is None:
            return
        self._bar.total = max(progress.bytes_expected, progress.bytes_done)
        self._bar.n = progress.bytes_done
        left = self._bar.format_interval(progress.remaining_s) if progress.remaining_s else "?"
        rate = self._bar.format_sizeof(progress.bytes_per_s, "B/s")
        files = f"{progress.files_done}/{progress.files} files"
        self._bar.set_postfix_str(f"{files}, {rate}, {left} left")


def _add_develop(steps: Any) -> None:
    parser = steps.add_parser(
        "develop",
        help="make aligned sRGB pictures of the originals",
        description="Develop DNGs, or exports of them, and experts' TIFFs to aligned sRGB "
        "pictures of one size. What does not lie on its input is reported and left out.",
        epilog=_DEVELOP_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(act=_develop, parser=parser)
    add = parser.add_argument
    add("folder", type=Path, metavar="FIVEK", help="the originals")
    add("-o", "--output", type=Path, required=True, metavar="SET", help="made where missing")
    side = parser.add_mutually_exclusive_group()
    side.add_argument("--long-side", type=at_least_one, metavar="PX", help="(default 720)")
    side.add_argument("--short-side", type=at_least_one, metavar="PX", help="such as 480")
    add("--bit-depth", type=int, choices=(8, 16), default=8, help="of the pictures (default 8)")
    add("--experts", type=experts, default=experts("all"), metavar="LIST", help="such as a,c")
    add("--ids", type=ids, metavar="RANGE", help="such as 1-700,a1384,4501- (default: all)")
    add(
        "--folder",
        dest="folders",
        action="append",
        metavar="ROLE=PATH",
        help="where the pictures of input, a … e lie, if the names of the folders do not tell",
    )
    add_jobs(parser)
    add("--verify", action="store_true", help="compare hashes of what is there, not only sizes")
    add("--json", action="store_true", help="one JSON object a line on stdout, the last a summary")


def _develop(options: argparse.Namespace) -> int:
    from fivefold.data.develop import develop
    from fivefold.data.developed import Settings
    from fivefold.data.folders import find_renditions
    from fivefold.data.rendition import Size

    short = options.short_side
    long_side_px = options.long_side or (None if short else 720)
    size = Size(long_side_px=long_side_px, short_side_px=short)
    try:
        found = find_renditions(options.folder, _folders(options.folders))
    except ValueError as error:
        options.parser.error(f"--folder: {error}")
    for line in found.ambiguous:
        say(line)
    if found.unplaced:
        say(f"{len(found.unplaced)} pictures lie in folders of no known role and are left alone")
    without_input = found.without_input()
    if without_input:
        say(f"{len(without_input)} photos have no input: {', '.join(without_input[:5])} …")
    with Progress(len(found.photos), "photos") as progress:

        def tell(_done: int, _all: int, photo: Developed) -> None:
            progress.advance()
            for reason in photo.left_out.values():
                progress.say(f"{photo.id}: left out: {reason}")
            if options.json:
                print_json(id=photo.id, pictures=list(photo.pictures), left_out=photo.left_out)

        photos = develop(
            found,
            options.folder,
            options.output,
            Settings(size, options.bit_depth),
            experts=options.experts,
            ids=options.ids,
            jobs=options.jobs,
            verify=options.verify,
            on_photo=tell,
        )
    pictures = sum(len(photo.pictures) for photo in photos)
    left_out = sum(len(photo.left_out) for photo in photos)
    if options.json:
        print_json(photos=len(photos), pictures=pictures, left_out=left_out)
    else:
        set_at = one_line(str(options.output))
        say(f"{len(photos)} photos, {pictures} pictures, {left_out} left out: {set_at}")
    return 1 if left_out or found.ambiguous or not photos else 0


def _folders(stated: list[str] | None) -> dict[str, Path] | None:
    """``--folder`` options as folders by role.

    Raises:
        ValueError: For one that is not of the form ``ROLE=PATH``.
    """
    if stated is None:
        return None
    pairs = [text.partition("=") for text in stated]
    if any(not (sign and path) for _, sign, path in pairs):
        raise ValueError(f"must be ROLE=PATH, received {', '.join(stated)}")
    return {role: Path(path) for role, _, path in pairs}
