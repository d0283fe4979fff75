"""What the command says, and how far it is."""

from __future__ import annotations

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
    import json

    print(json.dumps(values), flush=True)


class Bar:
    """A bar on stderr, where somebody watches it; nothing elsewhere, and gone in the end."""

    def __init__(self) -> None:
        self._bar: Any = None

    def _draw(self, **options: Any) -> None:
        """Begin to draw; the options are tqdm's."""
        if sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(leave=False, file=sys.stderr, **options)

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


class Progress(Bar):
    """How many things of a known number are done: only for more than one, only after a second."""

    def __init__(self, total: int, unit: str) -> None:
        super().__init__()
        if total > 1:
            self._draw(total=total, unit=f" {unit}", delay=1)

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
