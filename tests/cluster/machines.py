"""A Ray cluster of this test run alone, as tests see it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from started_program import Program


@dataclass
class Machines:
    """A Ray cluster, and what its workers have tried."""

    address: str
    log: Path
    process: Program

    def add(self) -> None:
        """Add a machine."""
        self._tell("add")

    def remove(self) -> None:
        """Lose the last machine that was added, without a warning to anybody."""
        self._tell("remove")

    def attempts(self) -> Counter[str]:
        """How often each photo was begun, by its file's name."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return Counter(line.rpartition("/")[2] for line in lines)

    def workers(self) -> list[int]:
        """The processes that have begun photos, in that order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return list(dict.fromkeys(int(line.split()[0]) for line in lines))

    def _tell(self, word: str) -> None:
        self.process.say(word)
        assert self.process.line() == "done"
