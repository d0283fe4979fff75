"""``fivefold serve``: the page, and the HTTP service behind it."""

from __future__ import annotations

import argparse
from typing import Any

from fivefold.cli.console import say


def add_parser(verbs: Any) -> argparse.ArgumentParser:
    """Describe the arguments."""
    from fivefold.web.serve import add_serve_arguments

    parser: argparse.ArgumentParser = verbs.add_parser("serve", help="open the page, serve HTTP")
    add_serve_arguments(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C.

    Returns:
        0.
    """
    from fivefold.web.serve import serve, settings_of

    try:
        settings = settings_of(options)
    except ValueError as error:
        options.parser.error(str(error))
    return serve(options, settings, say)
