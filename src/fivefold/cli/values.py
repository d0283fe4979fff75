"""Options that several verbs share, and their values; each raises what argparse tells the user."""

from __future__ import annotations

import argparse

_EXPERTS = "abcde"


def at_least_one(text: str) -> int:
    """A whole number from 1 up."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 up, received {text!r}")
    return value


def positive(text: str) -> float:
    """A finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, received {text!r}")
    return value


def experts(text: str) -> list[str]:
    """Experts' letters, from ``a,c``, ``ace``, ``all`` or ``none``."""
    name = text.strip().casefold()
    letters = {"all": _EXPERTS, "none": ""}.get(name, name.replace(",", "").replace(" ", ""))
    unknown = sorted(set(letters) - set(_EXPERTS))
    if unknown:
        raise argparse.ArgumentTypeError(f"must be among a,b,c,d,e, all or none, received {text!r}")
    return [letter for letter in _EXPERTS if letter in letters]


def ids(text: str) -> list[str]:
    """FiveK ids, from a range such as ``1-700,a1384,4501-``."""
    from fivefold.data.fivek import parse_ids

    try:
        return parse_ids(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_jobs(parser: argparse.ArgumentParser, what: str = "photos") -> None:
    """Describe ``--jobs``, how many are worked on at a time."""
    parser.add_argument(
        "--jobs",
        type=at_least_one,
        default=2,
        metavar="N",
        help=f"{what} at a time (default 2)",
    )
