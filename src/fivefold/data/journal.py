"""A file of JSON objects, one a line, that survives being killed while it is written."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from fivefold.errors import DataError


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The objects in a journal, oldest first; none where there is no file yet.

    A last line that was cut short is left out: what it told of counts as not done.

    Raises:
        DataError: If the file cannot be read, or another line is no JSON object.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    entries = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: is damaged") from error
        if not isinstance(entry, dict):
            raise DataError(f"{path}, line {number}: is damaged")
        entries.append(entry)
    return entries


class Journal:
    """A journal open for adding, from several threads.

    Args:
        path: The file; made if it is missing, and freed from a last line that was cut short.

    Raises:
        DataError: If it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self._stream: IO[bytes] = path.open("ab")
            whole_lines = path.read_bytes().rfind(b"\n") + 1
            self._stream.truncate(whole_lines)
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}") from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def add(self, entry: Mapping[str, Any]) -> None:
        """Add one object; it is in the file once this returns.

        Raises:
            DataError: If the disk is full.
        """
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            try:
                self._stream.write(line)
                self._stream.flush()
            except OSError as error:
                raise DataError(f"{self.path}: {error.strerror}") from error
