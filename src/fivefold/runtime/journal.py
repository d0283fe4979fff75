"""What was done to which photo: one JSON object a line, only ever added to.

::

    {"source": "../holiday/a.jpg", "source_bytes": 4812031, "source_mtime_ns": 1767225600000000000,
     "target": "a.jpg", "target_bytes": 4630122, "target_mtime_ns": 1767312000000000000,
     "model": "consensus", "model_sha256": "…", "strength": 1.0, "quality": null,
     "bit_depth": null, "strip_metadata": false, "note": true,
     "seconds": 0.21, "error": null, "finished": "2026-01-02T00:00:00Z"}

Paths are relative to the journal's folder, so that a folder of results may be moved with its
journal. Each line is added in one write, from whichever process; a line that was cut short by a
kill or a full disk is passed over when it is read, and the next one begins on a line of its own.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from fivefold.runtime.file_state import FileState
from fivefold.runtime.folders import make_folder

if TYPE_CHECKING:
    from fivefold.runtime.bundle import Bundle

JOURNAL_NAME = ".fivefold.jsonl"
"""What the journal of a folder of results is called."""

_BEGINNING = b'{"source": "'  # of every line
_HEAD_BYTES = 1 << 16
_WORDS = {"model_sha256": "model", "strip_metadata": "choice of metadata", "bit_depth": "bit depth"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a result depends on beside its photo.

    Attributes:
        model: The bundle's name.
        model_sha256: What tells one bundle of that name, or blend of its styles, from another.
        strength: From -1.5 to 1.5.
        quality: 1…100, or ``None`` for the format's default.
        bit_depth: 8 or 16, or ``None`` for the photo's own.
        strip_metadata: Whether EXIF, XMP, IPTC and texts are left out.
        note: Whether XMP says what was done.
    """

    model: str
    model_sha256: str
    strength: float
    quality: int | None
    bit_depth: int | None
    strip_metadata: bool
    note: bool


class _Result(NamedTuple):
    """What the journal's last line about a result says."""

    source: str
    source_state: FileState
    target_state: FileState
    recipe: Recipe

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Self:
        """Take it from a line.

        Raises:
            KeyError: If something is missing.
            TypeError, ValueError, OverflowError: If something is of another kind.
        """
        return cls(
            str(entry["source"]),
            FileState(int(entry["source_bytes"]), int(entry["source_mtime_ns"])),
            FileState(int(entry["target_bytes"]), int(entry["target_mtime_ns"])),
            _recipe(*(entry[field.name] for field in fields(Recipe))),
        )


@lru_cache(64)
def _recipe(*values: Any) -> Recipe:
    """One object for what thousands of lines have in common."""
    return Recipe(*values)


def model_sha256(bundle: Bundle, blend: Sequence[float] = (1.0,)) -> str:
    """What tells a bundle's network and guide from others, as SHA-256; the card has no part.

    Args:
        bundle: The bundle.
        blend: The weights of its styles, which count as part of the model if there are several.
    """
    import hashlib  # loads OpenSSL, and one photo without a journal needs none

    parts = bundle.manifest.parts
    facts = [parts[name].sha256 for name in sorted(parts) if name != "MODEL_CARD.md"]
    if len(blend) > 1:
        facts += [f"{weight:.4g}" for weight in blend]
    return hashlib.sha256(" ".join(facts).encode()).hexdigest()


class Journal:
    """A journal, open for reading and adding; several threads may use it.

    What other processes add meanwhile is not seen. A journal that can no longer be written stops
    nobody from enhancing photos.

    Attributes:
        path: The file. It appears with the first line, or as it is opened, and so does its folder.
        failure: Why a line could not be added, or ``None``.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.failure: OSError | None = None
        self._folder = os.path.abspath(self.path.parent)  # noqa: PTH100, links are kept
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._line_is_open = False
        self._results: dict[str, _Result] | None = None

    def open(self) -> None:
        """Make sure that lines can be added, before there is one.

        Raises:
            FileExistsError: If the file is there, has content, and is no journal.
            OSError: If it can be neither made nor written.
        """
        if self._descriptor is not None:
            return
        make_folder(self.path.parent)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(self.path, flags | getattr(os, "O_BINARY", 0), 0o666)
        try:
            length = os.lseek(descriptor, 0, os.SEEK_END)
            if length:
                os.lseek(descriptor, 0, os.SEEK_SET)
                if not _begins_as_ours(os.read(descriptor, _HEAD_BYTES)):
                    reason = "is there already and not a journal; it is left as it is"
                    raise FileExistsError(errno.EEXIST, reason, str(self.path))
                os.lseek(descriptor, length - 1, os.SEEK_SET)
                self._line_is_open = os.read(descriptor, 1) != b"\n"
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def add(
        self,
        source: Path,
        target: Path,
        recipe: Recipe | None,
        *,
        state: FileState | None,
        seconds: float,
        error: str | None = None,
    ) -> None:
        """Add one line; it is in the file once this returns, or :attr:`failure` says why not.

        Failures that come before the journal's folder is there are not noted: a batch that wrote
        nothing leaves nothing behind.

        Args:
            source: The photo.
            target: Where its result is, or was to go.
            recipe: How it was made, if it got that far.
            state: The photo's, from before it was read.
            seconds: From opening the photo until its result was in place.
            error: Why there is no result.
        """
        written = None
        with self._lock:
            try:
                if error is None:
                    written = FileState.of(target)
                elif self._descriptor is None and not self.path.parent.is_dir():
                    return
                entry: dict[str, Any] = {"source": self._key(source)}
                entry |= _named("source", state)
                entry |= {"target": self._key(target)}
                entry |= _named("target", written)
                entry |= {} if recipe is None else asdict(recipe)
                entry |= {
                    "seconds": round(seconds, 4),
                    "error": error,
                    "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                }
                self._write(entry)
            except OSError as caught:
                self.failure = self.failure or caught
                return
            if self._results is not None:
                _remember(self._results, entry)

    def _write(self, entry: dict[str, Any]) -> None:
        self.open()
        assert self._descriptor is not None, "opened above"
        # ASCII, since a name on disk may be bytes that are no text.
        line = (b"\n" if self._line_is_open else b"") + json.dumps(entry).encode() + b"\n"
        self._line_is_open = True
        written = os.write(self._descriptor, line)
        if written < len(line):
            os.write(self._descriptor, line[written:])  # a full disk says so now
        self._line_is_open = False

    def knows(self, target: Path) -> bool:
        """Whether the file is a result, as the journal's last word on it left it."""
        result = self._result(target)
        try:
            return result is not None and result.target_state.agrees(FileState.of(target))
        except OSError:
            return False

    def source_of(self, target: Path) -> Path | None:
        """The photo that a result was last made from, or ``None`` for what is not known."""
        result = self._result(target)
        return None if result is None else Path(self._folder, result.source)

    def why_stale(self, source: Path, target: Path, recipe: Recipe) -> str | None:
        """Why a result is not what it would be if it was made anew, or ``None``.

        Nothing is known of a result that somebody has changed since: it is theirs.
        """
        result = self._result(target)
        if result is None or not self.knows(target):
            return None
        try:
            if not result.source_state.agrees(FileState.of(source)):
                return "the photo has changed since"
        except OSError:  # a photo that is gone has no newer version
            return None
        for name, value in asdict(recipe).items():
            if getattr(result.recipe, name) != value:
                return f"made with another {_WORDS.get(name, name)}"
        return None

    def _result(self, target: Path) -> _Result | None:
        with self._lock:
            if self._results is None:
                self._results = self._read()
            return self._results.get(self._key(target))

    def _read(self) -> dict[str, _Result]:
        """The last line about each result; lines that are damaged tell nothing."""
        results: dict[str, _Result] = {}
        try:
            lines = self.path.open("rb")
        except FileNotFoundError:
            return results
        with lines:
            for line in lines:
                with contextlib.suppress(ValueError, RecursionError):
                    _remember(results, json.loads(line))
        return results

    def _key(self, path: Path) -> str:
        try:
            return Path(os.path.relpath(path, self._folder)).as_posix()
        except ValueError:  # on another drive
            return Path(path).absolute().as_posix()


def _begins_as_ours(head: bytes) -> bool:
    """Whether a file that begins so is a journal; damaged lines and one cut short do not matter."""
    return _BEGINNING.startswith(head.strip()) or any(map(_is_ours, head.splitlines()))


def _is_ours(line: bytes) -> bool:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return line.startswith(_BEGINNING)  # and cut short
    return isinstance(entry, dict) and {"source", "target", "finished"} <= entry.keys()


def _named(whose: str, state: FileState | None) -> dict[str, int | None]:
    size_bytes, mtime_ns = state or (None, None)
    return {f"{whose}_bytes": size_bytes, f"{whose}_mtime_ns": mtime_ns}


def _remember(results: dict[str, _Result], entry: Any) -> None:
    with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
        if entry["error"] is None:
            results[entry["target"]] = _Result.of(entry)
