"""``--bundle``, ``--expert``, ``--strength``: which model enhances, whose style, how much."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fivefold.runtime.enhancer import Enhancer


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    add = parser.add_argument
    add("--bundle", metavar="B", help="model to use: a file, or a name that 'info' lists")
    add_expert_option(parser)


def add_expert_option(parser: argparse.ArgumentParser) -> None:
    """Describe ``--expert`` alone."""
    parser.add_argument(
        "--expert",
        type=_blend,
        metavar="NAME",
        help="whose style: consensus, full (the same, also on photos that look finished), a to e, "
        "or a blend such as a=0.5,d=0.5, whose weights count relative to their sum and may be "
        "negative",
    )


def add_strength_option(parser: argparse.ArgumentParser) -> None:
    """Describe ``--strength``."""
    parser.add_argument(
        "--strength",
        type=float,
        default=1.0,
        metavar="S",
        help="0 = untouched, 1 = the model, up to 1.5; negative goes the other way (default 1)",
    )


def check_strength_option(options: argparse.Namespace) -> None:
    """Leave with the usage and the reason if ``--strength`` is out of range."""
    check_strengths(options, "--strength", [options.strength])


def check_strengths(options: argparse.Namespace, name: str, strengths: Iterable[float]) -> None:
    """The same for any option of strengths."""
    for strength in strengths:
        if not -1.5 <= strength <= 1.5:
            options.parser.error(f"{name} must lie in -1.5 to 1.5, received {strength}")


def load_enhancer(
    bundle: str | None, expert: str | None, *, threads: int | None = None, device: str = "cpu"
) -> Enhancer:
    """The enhancer that was asked for, without the network's file, which commands do not need.

    Raises:
        BundleError: If the bundle cannot be used, or does not have the style.
    """
    from dataclasses import replace

    from fivefold.errors import BundleError
    from fivefold.runtime.enhancer import Enhancer

    try:
        enhancer = Enhancer.load(bundle, expert=expert, threads=threads, device=device)
    except ValueError as error:
        raise BundleError(f"--expert: {error}") from error
    # The weights are laid out by now; keeping the file as well would take as much memory again.
    enhancer.bundle = replace(enhancer.bundle, network=b"")
    return enhancer


def _blend(text: str) -> str:
    """A blend's text, checked."""
    from fivefold.runtime.blend import parse_blend

    try:
        parse_blend(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text
