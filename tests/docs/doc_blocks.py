"""The examples in the documentation: code blocks, the commands in them, and what says not to run.

A block that cannot be run where the tests run has a comment on the line before it::

    <!-- not run: needs an NVIDIA GPU -->
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_REPORTS = ROOT / "docs/reproduction"  # made by a command, without examples
_IN_DOCS = [path for path in sorted((ROOT / "docs").rglob("*.md")) if _REPORTS not in path.parents]
PAGES = ["README.md", "CONTRIBUTING.md", *(path.relative_to(ROOT).as_posix() for path in _IN_DOCS)]

_FENCE = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]+?) -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_SHELL = ("", "bash", "console")
_REDIRECTION = {"<", ">", "|", "&", "2>"}


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        language: What the fence names, or nothing.
        text: Without the fences.
        line: Where it begins in its page.
        not_run: Why it cannot be run; empty if it can.
    """

    language: str
    text: str
    line: int
    not_run: str


def blocks(page: str) -> list[Block]:
    """All blocks of a page, from its top."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(
            found["language"],
            found["text"],
            text.count("\n", 0, found.start("text")),
            found["reason"] or "",
        )
        for found in _FENCE.finditer(text)
    ]


def commands(block: Block) -> Iterator[list[str]]:
    """The commands of a block as words; without what is redirected, and without their output."""
    if block.language not in _SHELL:
        return
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    for line in lines:
        if words := _words(line):
            yield words


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # a layout of files, or prose
        return []
    for i, word in enumerate(words):
        if word in _REDIRECTION:
            return words[:i]
    return words


def fivefold_commands(page: str) -> list[list[str]]:
    """The arguments of every ``fivefold …`` in a page's blocks, also behind a path or ``Exec``."""
    found = []
    for block in blocks(page):
        text = block.text
        if block.language == "ini":
            lines = [line.partition("=")[2] for line in text.splitlines() if "Exec" in line]
            found += [shlex.split(line)[1:] for line in lines]
        for words in commands(block):
            if words[0] == "fivefold":
                found.append(words[1:])
    return found
