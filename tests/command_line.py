"""A command run in the test's own process, for tests of verbs that need no bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from fivefold import cli


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: object
    out: str
    err: str


Command = Callable[..., Result]


@pytest.fixture
def fivefold(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command, whose failures never are tracebacks."""

    def run(*words: object) -> Result:
        try:
            code: object = cli.main([str(word) for word in words])
        except SystemExit as leaving:
            code = leaving.code
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Result(code, captured.out, captured.err)

    return run
