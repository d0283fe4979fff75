"""What will be written where, for photos that lie anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from fivefold.cluster.places import (
    Listed,
    absolute,
    is_address,
    is_read_only,
    joined,
    list_files,
    local_version,
    scheme_of,
)
from fivefold.photo.formats import KNOWN_SUFFIXES, READABLE, WRITABLE
from fivefold.runtime.plan import check_new_folder, result_name
from fivefold.runtime.search import find_photos, is_result

MANIFEST_FOLDER = "_fivefold"
_WRITABLE = {suffix: name for suffix, name in KNOWN_SUFFIXES.items() if suffix in WRITABLE}


@dataclass(frozen=True, slots=True)
class RemoteTask:
    """One photo to enhance.

    Attributes:
        source: Address of the photo.
        target: Address of the result.
        version: Of the photo, see :class:`fivefold.cluster.places.Listed`.
        existing_bytes: Size of what stands in the target's place; -1 for nothing.
    """

    source: str
    target: str
    version: str = ""
    existing_bytes: int = -1

    @property
    def has_result(self) -> bool:
        """Whether something stands in the target's place."""
        return self.existing_bytes >= 0

    def as_row(self) -> dict[str, Any]:
        """Plain values, for tables."""
        return asdict(self)

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`as_row`."""
        return cls(
            str(row["source"]),
            str(row["target"]),
            str(row["version"]),
            int(row["existing_bytes"]),
        )


@dataclass(frozen=True, slots=True)
class RemotePlan:
    """All photos to enhance.

    Attributes:
        tasks: Every photo once; no two share a target.
        folder: Address of the folder of results, or ``None`` for one named file.
        unreadable: Local folders that could not be listed, with the reason.
        results_passed_over: How many files were found that an earlier run left beside their photos.
    """

    tasks: list[RemoteTask]
    folder: str | None
    unreadable: list[OSError]
    results_passed_over: int = 0


def make_remote_plan(
    inputs: Sequence[str], output: str | None, *, file_format: str | None = None
) -> RemotePlan:
    """Find the photos and settle where each result goes.

    The rules are those of :func:`fivefold.runtime.plan.make_plan`. Two listings are all that is
    asked of a store, however many photos there are: of the inputs, and of the output.

    Args:
        inputs: Files, folders and patterns: addresses, and local paths.
        output: The file to write, if ``inputs`` is one file and this has a writable suffix;
            otherwise a folder, which gets the structure below the folders named.
        file_format: Format of the results; by default what each source's suffix says.

    Raises:
        ValueError: Without an output, or for one that cannot be written to; if two photos have the
            same target, or a target is one of the photos.
        PhotoReadError: If a store cannot be asked.
        MissingExtraError: If what opens such addresses is not installed.
    """
    if output is None:
        raise ValueError("an output must be named with -o")
    if is_read_only(output):
        raise ValueError(f"nothing can be written to {output}")
    output = absolute(output)
    unreadable: list[OSError] = []
    found = [
        photo
        for name in inputs
        for photo in (
            _found_remotely(name, output)
            if is_address(name)
            else _found_here(name, output, unreadable)
        )
    ]
    found_count = len({photo.file.address for photo in found})
    found = list({photo.file.address: photo for photo in _without_results(found)}.values())
    results_passed_over = found_count - len(found)
    one_file = len(inputs) == 1 and len(found) == 1 and found[0].is_named
    suffix = PurePosixPath(output).suffix.lower()
    if one_file and suffix in _WRITABLE:
        if file_format not in (None, _WRITABLE[suffix]):
            raise ValueError(f"{output} has not the suffix of the format given, {file_format}")
        targets, folder = [output], None
    else:
        targets = [joined(output, _result_path(photo.relative, file_format)) for photo in found]
        folder = output
    _check(found, targets)
    there = {file.address: file.size_bytes for file in list_files(output)} if found else {}
    if folder is not None and not there:
        check_new_folder(PurePosixPath(output).name)
    tasks = [
        RemoteTask(photo.file.address, target, photo.file.version, there.get(target, -1))
        for photo, target in zip(found, targets, strict=True)
    ]
    return RemotePlan(tasks, folder, unreadable, results_passed_over)


@dataclass(frozen=True, slots=True)
class _Found:
    """A photo; where it lies below what it was found through; and whether it was named itself."""

    file: Listed
    relative: PurePosixPath
    is_named: bool


def _found_here(name: str, output: str, unreadable: list[OSError]) -> Iterator[_Found]:
    leave_out = Path(output) if scheme_of(output) == "file" else None
    search = find_photos([name], READABLE, leave_out=leave_out)
    unreadable += search.unreadable
    for photo in search.photos:
        address = str(photo.source.absolute())
        version = local_version(photo.source)
        size_bytes = int(version.split()[0]) if version else -1
        yield _Found(
            Listed(address, size_bytes, version),
            PurePosixPath(photo.relative.as_posix()),
            is_named=photo.source == Path(name),
        )


def _without_results(found: Sequence[_Found]) -> Iterator[_Found]:
    """Without what an earlier run left beside its photo, unless it is named itself."""
    paths = [PurePosixPath(photo.file.address) for photo in found]
    originals = {(path.parent, path.stem) for path in paths}
    for photo, path in zip(found, paths, strict=True):
        if photo.is_named or not is_result(path, originals):
            yield photo


def _found_remotely(name: str, output: str) -> Iterator[_Found]:
    if scheme_of(name) in ("http", "https") and _suffix(name) in READABLE:
        # A server of files need not list or describe them.
        relative = PurePosixPath(PurePosixPath(unquote(urlsplit(name).path)).name)
        yield _Found(Listed(name, -1, ""), relative, is_named=True)
        return
    files = list_files(name)
    asked = absolute(name).rstrip("/")
    if not files:  # kept as it is, to fail when it is read
        yield _Found(Listed(asked, -1, ""), PurePosixPath(asked.rpartition("/")[2]), is_named=True)
        return
    root = _fixed_part(asked)
    results = f"{output.rstrip('/')}/"
    for file in files:
        if file.address == asked:
            yield _Found(file, PurePosixPath(asked.rpartition("/")[2]), is_named=True)
            continue
        relative = PurePosixPath(file.address.removeprefix(f"{root}/"))
        hidden = any(part.startswith(".") for part in relative.parts)
        in_output = results != f"{root}/" and file.address.startswith(results)
        if relative.suffix.lower() in READABLE and not hidden and not in_output:
            yield _Found(file, relative, is_named=False)


def _suffix(address: str) -> str:
    """Of the file's name, whatever a query adds to the address."""
    return PurePosixPath(urlsplit(address).path).suffix.lower()


def _fixed_part(asked: str) -> str:
    """The folder before the first part of a pattern that has a wildcard."""
    parts = asked.split("/")
    for index, part in enumerate(parts):
        if any(letter in part for letter in "*?["):
            return "/".join(parts[:index])
    return asked


def _result_path(relative: PurePosixPath, file_format: str | None) -> str:
    stem, suffix = result_name(relative.name, READABLE, _WRITABLE, file_format)
    return str(relative.with_name(stem + suffix))


def _check(found: Sequence[_Found], targets: Sequence[str]) -> None:
    sources: dict[str, str] = {}
    for photo, target in zip(found, targets, strict=True):
        if target in sources:
            raise ValueError(
                f"{sources[target]} and {photo.file.address} would both be written to {target}"
            )
        sources[target] = photo.file.address
    for photo in found:
        if photo.file.address in sources:
            raise ValueError(
                f"the result of {sources[photo.file.address]} would overwrite the photo "
                f"{photo.file.address}; choose another output"
            )
