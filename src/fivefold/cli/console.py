"""What the command says, and how far it is."""

from __future__ import annotations

import json
import sys
from types import TracebackType
from typing import Any, Self


def say(message: str) -> None:
    """Print one line on stderr, with the program's name."""
    if sys.stderr is None:  # closed, as by "2>&-"; print would take stdout instead
        return
    print(f"fivefold: {one_line(message)}", file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """The text with whatever would break the line, or steer a terminal, written as an escape.

    A file's name may hold line ends, escape sequences, and bytes that are no text at all.
    """
    if text.isprintable():
        return text
    from fivefold.photo import files

    return files.one_line(text)


def print_json(**values: object) -> None:
    """Print one JSON object on one line of stdout."""
    print(json.dumps(values), flush=True)


class Progress:
    """A bar on stderr: only on a terminal, only for more than one thing, only after a second."""

    def __init__(self, total: int, unit: str) -> None:
        self._bar: Any = None
        if total > 1 and sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit=f" {unit}", delay=1, leave=False, file=sys.stderr)

    def advance(self) -> None:
        """One more is done."""
        if self._bar is not None:
            self._bar.update()

    def say(self, message: str) -> None:
        """Print one line above the bar."""
        if self._bar is not None:
            self._bar.clear()
        say(message)
        if self._bar is not None:
            self._bar.refresh()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
