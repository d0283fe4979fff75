"""A program that tests start, tell words, and read lines from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass
class Program:
    """A started program that is told words and answers in lines."""

    process: subprocess.Popen[str]

    @property
    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return self.process.stdin, self.process.stdout

    def line(self) -> str:
        """The next line that it prints."""
        line = self._pipes[1].readline().strip()
        if not line:
            self.stop()
        assert line, f"{self.process.args} ended with {self.process.poll()}"
        return line

    def say(self, word: str) -> None:
        """Give it a line."""
        print(word, file=self._pipes[0], flush=True)

    def stop(self) -> None:
        """End its input, and wait for its end."""
        for pipe in self._pipes:
            pipe.close()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def start_program(program: Path, **environment: str) -> Program:
    """Start a Python program with these environment variables besides its own."""
    process = subprocess.Popen(
        [sys.executable, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    return Program(process)
