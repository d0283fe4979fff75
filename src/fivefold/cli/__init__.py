"""The command ``fivefold``.

Each verb is a module of this package with two functions: ``add_parser`` describes its arguments,
``run`` does the work and returns the exit code. A new verb is a new module and its name in
``VERBS``. Only the module of the verb that was asked for is imported; what is heavy it imports
inside ``run``.

Exit codes: 0 all went well, 1 something failed (a line on stderr says what), 2 the command was
wrong, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from fivefold.cli.console import say
from fivefold.errors import FivefoldError

VERBS = (
    "enhance",
    "preview",
    "watch",
    "video",
    "lut",
    "serve",
    "data",
    "train",
    "evaluate",
    "reproduce",
    "export",
    "bench",
    "info",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: Without the program's name; by default those of this process.

    Returns:
        The exit code.

    Raises:
        SystemExit: With code 2 for a wrong command, 0 after help.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    asked = arguments[0] if arguments else ""
    options = parser((asked,) if asked in VERBS else VERBS).parse_args(arguments)
    try:
        with _terminable():
            code: int = options.run(options)
            if sys.stdout is not None:  # closed, as by ">&-"
                sys.stdout.flush()
    except FivefoldError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; what is written is complete")
        return 130
    except BrokenPipeError:  # whoever read the output has gone
        _drop_output()
        return 141  # 128 + SIGPIPE, a signal that Windows does not have
    except OSError as error:  # reading and writing photos have errors of their own
        _drop_output()
        say(f"{error.filename or 'standard output'}: {error.strerror or error}")
        return 1
    return code


def _drop_output() -> None:
    """Keep Python from failing once more when it flushes stdout at its end."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser(wanted: Sequence[str] = VERBS) -> argparse.ArgumentParser:
    """What understands a command line.

    Args:
        wanted: The verbs that it knows; their modules are imported.
    """
    whole = argparse.ArgumentParser(
        prog="fivefold",
        description="Enhance photos as five expert retouchers would, at full resolution.",
        epilog="Each verb explains itself: fivefold VERB --help",
        formatter_class=_RoomForVerbs,
    )
    whole.add_argument("--version", action=_Version, nargs=0, help="print the version, and leave")
    # Without "prog", argparse would lay out a usage to find it.
    verbs = whole.add_subparsers(
        metavar="VERB", required=True, prog=whole.prog, parser_class=_VerbParser
    )
    for name in wanted:
        verb = importlib.import_module(f"fivefold.cli.{name}")
        verb_parser = verb.add_parser(verbs)
        verb_parser.set_defaults(run=verb.run, parser=verb_parser)
    return whole


class _RoomForVerbs(argparse.HelpFormatter):
    """Argparse forgets that verbs are indented, and breaks the lines of long ones."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width())
        self._action_max_length = 14


class _VerbParser(argparse.ArgumentParser):
    """Keeps the line ends of examples."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"formatter_class": _Examples, **settings})


class _Examples(argparse.RawDescriptionHelpFormatter):
    """Argparse asks for the terminal's width at every argument, and loads archivers for that."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width())


def _width() -> int:
    """How wide help may be: as argparse has it, the terminal's width or 80, less 2."""
    try:
        return int(os.environ["COLUMNS"]) - 2
    except (KeyError, ValueError):
        pass
    try:
        return os.get_terminal_size(1).columns - 2 or 78
    except OSError:
        return 78


class _Version(argparse.Action):
    """Looks the version up when asked: that takes longer than parsing a command."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from fivefold import __version__

        print(f"fivefold {__version__}")
        parser.exit()


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that nothing half-written stays."""

    def leave(number: int, _: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
