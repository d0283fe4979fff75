"""``fivefold data``: sets of photos, made, checked and packed."""

from __future__ import annotations

import argparse
from typing import Any

from fivefold.cli import data_fivek, data_sets

_EXAMPLES = """\
examples:
  fivefold data fivek download FIVEK --experts c     DNGs and expert C's TIFFs
  fivefold data fivek develop FIVEK -o SET           aligned sRGB pictures of all that is there
  fivefold data check SET                            can everything in it be trained on?
  fivefold data index SET -o PACKED                  one Parquet set that streams
  fivefold data pairs EDITS                          any folder of before/after pairs
  fivefold data simulate FINISHED -o SET             pairs from finished photos alone
"""


def add_parser(verbs: Any) -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "data",
        help="get, make, check and pack sets of photos",
        description="Get MIT-Adobe FiveK, or make a set of your own photos, to train with.",
        epilog=_EXAMPLES,
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    data_fivek.add_parsers(actions)
    data_sets.add_parsers(actions)
    return parser


def run(options: argparse.Namespace) -> int:
    """Do what was asked for."""
    code: int = options.act(options)
    return code
