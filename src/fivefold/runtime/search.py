"""The photos that people mean when they name files, folders and patterns."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from fnmatch import translate
from pathlib import Path, PurePath
from typing import NamedTuple

ENHANCED = "_enhanced"


class Found(NamedTuple):
    """A photo, and where it was found.

    Attributes:
        source: The photo.
        relative: Its path below the folder or the fixed part of the pattern that it was found
            through; its name, if it was named itself.
    """

    source: Path
    relative: Path


class Search(NamedTuple):
    """What a search gave.

    Attributes:
        photos: Every photo once, in the order of the inputs, those of a folder sorted.
        unreadable: The folders that could not be listed, with the reason.
        results: What was found and passed over, since an earlier run left it beside its photo.
    """

    photos: list[Found]
    unreadable: list[OSError]
    results: list[Path]


def find_photos(
    inputs: Sequence[str | os.PathLike[str]],
    suffixes: Collection[str],
    *,
    leave_out: Path | None = None,
    with_results: bool = True,
) -> Search:
    """Find the photos that ``inputs`` stand for.

    Files are taken as they are named, whatever their suffix. Folders are searched through for the
    suffixes; hidden files and folders, pipes and devices are passed over, and links to folders not
    followed. What does not exist is taken as a pattern (``*``, ``?``, ``[…]``, ``**``), of which
    the files with one of the suffixes count; if there is none, it is kept as it is, to fail when it
    is read. What a wildcard stands for is what a search would find: no link to a folder, and
    nothing hidden unless the pattern has the dot.

    Args:
        inputs: Files, folders and patterns.
        suffixes: In lower case, with the dot.
        leave_out: A folder that is not searched, such as the one that results go to.
        with_results: Whether a search takes ``NAME_enhanced.EXT`` where ``NAME`` is there as well.
    """
    search = Search([], [], [])
    left_out = None if leave_out is None else os.path.realpath(leave_out)
    seen: set[str] = set()
    results: list[Path] = []
    for path in map(Path, inputs):
        matches = [] if os.path.lexists(path) else _match(path, suffixes, left_out)
        if is_folder(path):
            found = list(walk(path, suffixes, left_out, search.unreadable))
        elif matches:
            root = _fixed_part(path)
            found = [Found(match, match.relative_to(root)) for match in matches]
        else:
            found = [Found(path, Path(path.name))]
        if not with_results and (matches or is_folder(path)):
            found = list(without_results(found, results.append))
        for photo in found:
            identity = os.path.realpath(photo.source)
            if identity not in seen:
                seen.add(identity)
                search.photos.append(photo)
    passed_over = {os.path.realpath(path): path for path in results}
    search.results.extend(path for identity, path in passed_over.items() if identity not in seen)
    return search


def searched_folder(path: Path) -> Path | None:
    """The folder that is searched when ``path`` is named; ``None`` for a file."""
    if is_folder(path):
        return path
    is_pattern = glob.has_magic(str(path)) and not os.path.lexists(path)
    return _fixed_part(path) if is_pattern else None


def is_folder(path: Path) -> bool:
    """Whether ``path`` is a folder; one that cannot be asked (no right, too long) is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def walk(
    root: Path,
    suffixes: Collection[str],
    left_out: str | None,
    unreadable: list[OSError],
) -> Iterator[Found]:
    """Find the photos below a folder, as :func:`find_photos` does for one that was named.

    Args:
        root: The folder.
        suffixes: In lower case, with the dot.
        left_out: The real path of a folder below it that is not searched.
        unreadable: Gets the error of each folder that could not be listed.
    """
    for folder, subfolders, names in os.walk(root, onerror=unreadable.append):
        subfolders[:] = sorted(
            name
            for name in subfolders
            if not name.startswith(".")
            and (left_out is None or os.path.realpath(Path(folder, name)) != left_out)
        )
        for name in sorted(names):
            source = Path(folder, name)
            if (
                not name.startswith(".")
                and source.suffix.lower() in suffixes
                and not _is_special(source)
            ):
                yield Found(source, source.relative_to(root))


def _is_special(path: Path) -> bool:
    """Whether ``path`` is no file: reading a pipe or a device may wait for ever."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False  # told when it is read
    return not stat.S_ISREG(mode)


def _match(pattern: Path, suffixes: Collection[str], left_out: str | None) -> list[Path]:
    root = _fixed_part(pattern)
    # Not the libraries' own: they follow links to folders, two of which that lead upward take for
    # ever; or they find hidden files.
    paths = sorted(set(_expand(root, pattern.relative_to(root).parts)), key=str)
    matches = [p for p in paths if p.suffix.lower() in suffixes and not _is_special(p)]
    real_root = os.path.realpath(root)
    if left_out is None or real_root == left_out or not Path(left_out).is_relative_to(real_root):
        return matches
    return [p for p in matches if not Path(os.path.realpath(p)).is_relative_to(left_out)]


def _expand(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """What the parts of a pattern stand for in a folder; some of it maybe several times."""
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _expand(folder, rest or ("*",))
        for subfolder in _entries(folder, _is_visible, only_folders=True):
            yield from _expand(subfolder, parts)
    elif glob.has_magic(part):
        for entry in _entries(folder, _matcher(part), only_folders=bool(rest)):
            yield from _expand(entry, rest)
    elif os.path.lexists(folder / part):
        yield from _expand(folder / part, rest)


def _entries(folder: Path, fits: Callable[[str], bool], *, only_folders: bool) -> list[Path]:
    """What a wildcard finds in a folder, without links where only folders are asked for."""
    try:
        with os.scandir(folder) as entries:
            return [
                folder / entry.name
                for entry in entries
                if fits(entry.name) and (not only_folders or entry.is_dir(follow_symlinks=False))
            ]
    except OSError:  # it is no folder, or may not be listed: nothing in it fits
        return []


def _is_visible(name: str) -> bool:
    return not name.startswith(".")


def _matcher(part: str) -> Callable[[str], bool]:
    """Whether a name fits a part of a pattern; what is hidden has to be asked for by its dot."""
    fits = re.compile(translate(os.path.normcase(part))).match
    asks_for_hidden = part.startswith(".")
    return lambda name: (
        (asks_for_hidden or _is_visible(name)) and fits(os.path.normcase(name)) is not None
    )


def _fixed_part(pattern: Path) -> Path:
    """The folder before the first part of ``pattern`` that has a wildcard."""
    fixed = pattern.parent
    while glob.has_magic(str(fixed)):
        fixed = fixed.parent
    return fixed


def without_results(
    found: Iterable[Found], tell: Callable[[Path], object] = lambda _: None
) -> Iterator[Found]:
    """Without what an earlier run left beside its originals, which ``tell`` gets.

    Args:
        found: In an order in which ``NAME.EXT`` comes before ``NAME_enhanced.EXT``, as sorted names
            do: a point comes before an underscore.
        tell: Gets each result.
    """
    originals: set[tuple[PurePath, str]] = set()
    for photo in found:
        originals.add((photo.source.parent, photo.source.stem))
        if is_result(photo.source, originals):
            tell(photo.source)
        else:
            yield photo


def is_result(path: PurePath, originals: Container[tuple[PurePath, str]]) -> bool:
    """Whether a photo is called as the result of another one is that lies beside it.

    Args:
        path: The photo.
        originals: The folders and stems of those that there are.
    """
    stem = path.stem
    return stem.endswith(ENHANCED) and (path.parent, stem.removesuffix(ENHANCED)) in originals
