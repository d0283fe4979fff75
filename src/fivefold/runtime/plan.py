"""What will be written where, settled before any work starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fivefold.photo.formats import NEVER_WRITTEN, format_of_file
from fivefold.runtime.search import (
    ENHANCED,
    Found,
    find_photos,
    is_folder,
    searched_folder,
    walk,
)

# Lossless, and deep enough for whatever turns up.
_FORMAT_OF_UNWRITABLE = "TIFF"  # keeps what camera RAW files say about the photo
_FORMAT_OF_UNKNOWN = "PNG"


class Task(NamedTuple):
    """One photo to enhance.

    Attributes:
        source: The photo.
        target: Where the result goes; the source itself only when working in place.
    """

    source: Path
    target: Path

    @property
    def has_result(self) -> bool:
        """Whether something stands in the target's place."""
        return os.path.lexists(self.target)


class Plan(NamedTuple):
    """All photos to enhance.

    Attributes:
        tasks: Every photo once; no two share a target.
        unreadable: Folders that could not be listed, with the reason.
        left_out: Photos below the folders named that are in the output folder, and not known as
            results.
        results: What was found or named and is passed over, since an earlier run left it beside
            its photo.
        folder: The output folder; ``None`` where results go beside the photos or to a file.
    """

    tasks: list[Task]
    unreadable: list[OSError]
    left_out: list[Path]
    results: list[Path]
    folder: Path | None


class Placement(NamedTuple):
    """Where results go, and what they are called.

    Attributes:
        folder: Gets the structure that the photos have below the folders named; ``None`` for
            ``NAME_enhanced.EXT`` beside each photo.
        readable: The suffixes of photos, in lower case with the dot.
        writable: Those that can be written, each with its format, the usual one of a format first.
        file_format: Of the results; by default what each source's suffix says, TIFF where that
            cannot be written, and where it says nothing what the file begins as, or PNG.
    """

    folder: Path | None
    readable: Collection[str]
    writable: Mapping[str, str]
    file_format: str | None = None

    def target(self, photo: Found) -> Path:
        """Where the result of a photo goes."""
        name, file_format = photo.source.name, self.file_format
        if file_format is None and not _split(name, self.readable)[1]:
            file_format = self._format_of_content(photo.source)
        stem, suffix = result_name(name, self.readable, self.writable, file_format)
        if self.folder is None:
            return photo.source.with_name(stem + ENHANCED + suffix)
        return self.folder / photo.relative.with_name(stem + suffix)

    def _format_of_content(self, source: Path) -> str | None:
        """The format to write what a file holds in, ``None`` if that is unknown."""
        own = format_of_file(source)
        if own is None or own in self.writable.values():
            return own
        return _FORMAT_OF_UNWRITABLE


def make_plan(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    readable: Collection[str],
    writable: Mapping[str, str],
    file_format: str | None = None,
    in_place: bool = False,
    is_result: Callable[[Path], bool] = lambda _: False,
    overwriting: bool = True,
) -> Plan:
    """Find the photos and settle where each result goes.

    Args:
        inputs: Files, folders and patterns, see :func:`fivefold.runtime.search.find_photos`.
        output: The file to write, if ``inputs`` is one file and this has a writable suffix;
            otherwise a folder, which gets the structure that the photos have below the folders
            named. A new folder is not called like other files (``out.bmp``, ``out.txt``): whoever
            says so wants a file. ``None`` writes ``NAME_enhanced.EXT`` beside each photo. What an
            earlier run left beside photos is not taken for a photo by any search, nor if it is
            named together with the photo that it would be replaced by the result of, as a shell's
            ``*.jpg`` does; nor is what lies in an output folder.
        readable: The suffixes that folders are searched for, in lower case with the dot.
        writable: The suffixes that can be written, each with its format, the usual one of a
            format first.
        file_format: Format of the results; by default what each source's suffix says, TIFF where
            that cannot be written, and where it says nothing what the file begins as, or PNG.
        in_place: Each photo is replaced by its result.
        is_result: Whether a file is known to be a result. Asked of photos in an output folder that
            lies below the folders searched, where originals might be as well.
        overwriting: What stands in a target's place will be replaced.

    Raises:
        ValueError: If two photos have the same target, a target is one of the photos without
            ``in_place``, ``overwriting`` might replace an original in the output folder,
            ``output``, ``file_format`` and ``in_place`` contradict each other, or ``output`` names
            a file of a kind that cannot be written.
    """
    if in_place and (output is not None or file_format is not None):
        raise ValueError("in place, neither an output nor another format can be given")
    folder = None if output is None else Path(output)
    left_out: list[Path] = []
    results: list[Path] = []
    output_folder = None
    if folder is not None and len(inputs) == 1 and _is_one_file(Path(inputs[0]), folder, writable):
        if file_format not in (None, writable[folder.suffix.lower()]):
            raise ValueError(f"{folder} has not the suffix of the format given, {file_format}")
        tasks = [Task(Path(inputs[0]), folder)]
        unreadable = []
    else:
        if folder is not None and not is_folder(folder):
            check_new_folder(folder.name)
        search = find_photos(inputs, readable, leave_out=folder, with_results=False)
        unreadable, output_folder, results = search.unreadable, folder, search.results
        placement = Placement(folder, readable, writable, file_format)
        tasks = [
            Task(photo.source, photo.source if in_place else placement.target(photo))
            for photo in search.photos
        ]
        if folder is None and not in_place:
            tasks, named_results = _without_targets(tasks)
            results += named_results
        if folder is not None and any(_contains(Path(root), folder) for root in inputs):
            taken = {photo.source for photo in search.photos}
            there = [photo.source for photo in walk(folder, readable, None, [])]
            taken.update(results)
            left_out = [path for path in there if path not in taken and not is_result(path)]
    _check_targets(tasks)
    if not in_place:
        _check_sources_are_safe(tasks)
    if overwriting:
        _check_left_out_is_safe(tasks, left_out if folder is None else [*left_out, *results])
    return Plan(tasks, unreadable, left_out, results, output_folder)


def check_new_folder(name: str) -> None:
    """Refuse the name of a new folder that is one of a file which cannot be written.

    Raises:
        ValueError: If it is.
    """
    suffix = Path(name).suffix
    if suffix.lower() in NEVER_WRITTEN:
        raise ValueError(
            f"{name}: {suffix} files cannot be written, and no folder of that name is there"
        )


def result_name(
    name: str,
    readable: Collection[str],
    writable: Mapping[str, str],
    file_format: str | None = None,
) -> tuple[str, str]:
    """Stem and suffix of the result of a photo with this name; see :func:`make_plan`."""
    stem, suffix = _split(name, readable)
    return stem, _suffix_for(suffix, writable, file_format)


def _is_one_file(source: Path, output: Path, writable: Mapping[str, str]) -> bool:
    return output.suffix.lower() in writable and not is_folder(output) and not is_folder(source)


def _split(name: str, readable: Collection[str]) -> tuple[str, str]:
    """Stem and suffix; a suffix of no picture (``holiday.2024``) belongs to the stem."""
    path = Path(name)
    return (path.stem, path.suffix) if path.suffix.lower() in readable else (name, "")


def _suffix_for(own: str, writable: Mapping[str, str], file_format: str | None) -> str:
    """The source's own suffix where it is of the format, else the format's usual one."""
    own_format = writable.get(own.lower())
    if own_format is not None and file_format in (None, own_format):
        return own
    wanted = file_format or (_FORMAT_OF_UNWRITABLE if own else _FORMAT_OF_UNKNOWN)
    return next(suffix for suffix, known in writable.items() if known == wanted)


def _without_targets(tasks: Sequence[Task]) -> tuple[list[Task], list[Path]]:
    """The tasks but those whose photo is the result of another one; and these photos.

    A link may be called like a result and lead to any photo, which is then not to be replaced.
    """
    targets = {os.path.abspath(task.target) for task in tasks}  # noqa: PTH100, links are kept
    is_target = [
        os.path.abspath(task.source) in targets and not task.source.is_symlink()  # noqa: PTH100
        for task in tasks
    ]
    return (
        [task for task, passed_over in zip(tasks, is_target, strict=True) if not passed_over],
        [task.source for task, passed_over in zip(tasks, is_target, strict=True) if passed_over],
    )


def _check_targets(tasks: Sequence[Task]) -> None:
    sources: dict[str, Path] = {}
    for task in tasks:
        key = os.path.realpath(task.target)
        if key in sources:
            raise ValueError(
                f"{sources[key]} and {task.source} would both be written to {task.target}"
            )
        sources[key] = task.source


def _check_sources_are_safe(tasks: Sequence[Task]) -> None:
    """Refuse targets that are sources, under whatever name: links, or letters in another case."""
    sources = {identity for task in tasks if (identity := _identity(task.source))}
    for task in tasks:
        if _identity(task.target) in sources:
            raise ValueError(
                f"the result of {task.source} would overwrite the photo {task.target}; "
                "choose another output"
            )


def _check_left_out_is_safe(tasks: Sequence[Task], left_out: Sequence[Path]) -> None:
    """Refuse targets in the place of what may be an original: nothing says that it is a result."""
    originals = {os.path.realpath(path) for path in left_out}
    for task in tasks:
        if originals and os.path.realpath(task.target) in originals:
            raise ValueError(
                f"the result of {task.source} would overwrite {task.target}, "
                "which no journal names as a result; choose another output, or --skip-existing"
            )


def _contains(named: Path, folder: Path) -> bool:
    """Whether ``folder`` lies below what is searched for the sake of ``named``."""
    root = searched_folder(named)
    return root is not None and Path(os.path.realpath(folder)).is_relative_to(
        os.path.realpath(root)
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
