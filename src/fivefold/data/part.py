"""What has arrived of a file so far: ``NAME.part``, and a note of what it is a part of."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fivefold.errors import DataError

PART = ".part"
NOTE = ".part.json"


class DiskError(DataError):
    """The local folder cannot be written; trying other files is of no use."""


@dataclass(frozen=True)
class Version:
    """Which version of a file some bytes are of, as far as the server says."""

    size_bytes: int | None
    etag: str | None
    last_modified: str | None

    @property
    def condition(self) -> str | None:
        """What ``If-Range`` may ask for: only strong validators promise equal bytes."""
        if self.etag is not None and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified

    def agrees(self, other: Version) -> bool:
        """Neither size nor validators contradict each other."""
        return all(
            mine is None or theirs is None or mine == theirs
            for mine, theirs in (
                (self.size_bytes, other.size_bytes),
                (self.etag, other.etag),
                (self.last_modified, other.last_modified),
            )
        )


def discard_part(goal: Path) -> None:
    """Remove what is left of a part of a file that is whole.

    Raises:
        DiskError: If it cannot be removed.
    """
    with _disk(goal):
        for ending in (PART, NOTE):
            goal.with_name(goal.name + ending).unlink(missing_ok=True)


class Part:
    """What has arrived of one file, on disk."""

    def __init__(self, goal: Path, on_bytes: Callable[[int], None]) -> None:
        self.goal = goal
        self.path = goal.with_name(goal.name + PART)
        self.note = goal.with_name(goal.name + NOTE)
        self.on_bytes = on_bytes
        self.version: Version | None = None
        self.size_bytes = 0
        with _disk(goal):
            goal.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists():
                self.version = self._read_note()
                self.size_bytes = self.path.stat().st_size if self.version else 0
        on_bytes(self.size_bytes)

    def _read_note(self) -> Version | None:
        """The version noted, or ``None`` when the note is missing or was cut short."""
        try:
            return Version(**json.loads(self.note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    @property
    def stated_bytes(self) -> int | None:
        """The size that the server stated when the part was begun."""
        return self.version.size_bytes if self.version else None

    def restart(self, version: Version) -> None:
        """Forget all bytes; what comes next is of ``version``."""
        with _disk(self.goal):
            self.path.unlink(missing_ok=True)
            self.note.write_text(json.dumps(vars(version)), encoding="utf-8")
        self.version = version
        self.size_bytes = 0
        self.on_bytes(0)

    def append(self, blocks: Iterator[bytes]) -> None:
        """Add bytes at the end, each block as soon as it is there."""
        with _disk(self.goal):
            stream = self.path.open("ab", buffering=0)
        with stream:
            for block in blocks:
                with _disk(self.goal):
                    stream.write(block)
                self.size_bytes += len(block)
                self.on_bytes(self.size_bytes)

    def finish(self) -> int:
        """Turn the part into the file, for good once this returns."""
        with _disk(self.goal):
            with self.path.open("rb+") as stream:
                os.fsync(stream.fileno())
            self.path.replace(self.goal)
            self.note.unlink(missing_ok=True)
        return self.size_bytes


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DiskError(f"{path}: {error.strerror}") from error
