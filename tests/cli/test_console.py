"""What is said fits on a line, and a bar is drawn only where somebody watches it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command import Result

from fivefold.cli.console import Progress, one_line, say


class Terminal(io.StringIO):
    """A terminal that keeps what was shown on it."""

    def isatty(self) -> bool:
        """Claim to be watched."""
        return True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – and ü", "plain – and ü"),
        ("two\nlines\r", r"two\nlines\r"),
        ("\x1b[2Jcleared", r"\x1b[2Jcleared"),
        ("caf\udce9", r"caf\udce9"),
    ],
)
def test_messages_are_one_harmless_line(
    text: str, shown: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Line ends, escape sequences and bytes that are no text are shown as escapes."""
    assert one_line(text) == shown
    say(text)
    assert capfd.readouterr().err == f"fivefold: {shown}\n"


def test_a_terminal_gets_a_bar_with_messages_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a second the bar counts; a message is a line of its own; at the end the bar goes."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(2, "photos") as progress:
        progress.advance()
        assert terminal.getvalue() == ""  # less than a second has passed
        progress._bar.delay = 0
        progress._bar.mininterval = 0
        progress.advance()
        assert "2/2" in terminal.getvalue()
        assert "photos/s" in terminal.getvalue()
        progress.say("x.jpg: truncated")
    lines = terminal.getvalue().split("\r")
    assert any(line.startswith("fivefold: x.jpg: truncated\n") for line in lines)
    assert lines[-1].strip() == ""


@pytest.mark.parametrize("total", [0, 1, 5])
def test_without_a_terminal_there_is_no_bar(
    total: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A log gets the messages only; and one photo needs no bar on a terminal either."""
    if total == 1:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Progress(total, "photos") as progress:
        progress.advance()
        progress.say("x")
    assert capfd.readouterr().err == "fivefold: x\n"


def test_a_photo_is_not_written_to_a_terminal(
    fivefold: Callable[..., Result], photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes of a picture would garble it: refused, with the way out."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for words in (["-"], ["in/a.jpg", "-o", "-"]):
        result = fivefold("enhance", *words)
        assert result.code == 2
        assert "name a file with -o" in result.err
