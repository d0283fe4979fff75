"""``fivefold reproduce``: the paper's eight runs and five exhibits in one command."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path
from typing import Any

from fivefold.cli.console import Bar, print_json, say
from fivefold.cli.extras import require
from fivefold.cli.values import at_least_one

_EXAMPLES = """\
examples:
  fivefold reproduce FIVEK -o study            goes on where it was stopped, run by run
  fivefold reproduce FIVEK -o quick --quick    a small version, in minutes
  fivefold reproduce FIVEK -o study --jobs 4 --photos phone/*.jpg
  fivefold reproduce FIVEK -o study --json     the findings for a program

FIVEK is any set with versions by the experts A to E: what 'data fivek develop' made, a Parquet set,
or an input folder with folders of experts. With fewer experts it makes the runs that are possible,
and says which are not. The report is study/report.html.
"""


def add_parser(verbs: Any) -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "reproduce",
        help="the paper's eight runs and five exhibits",
        description="Train the paper's eight models, draw its five exhibits, and say which of its "
        "findings are confirmed.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("data", type=Path, metavar="SET", help="with versions by the experts")
    add("-o", "--output", type=Path, required=True, metavar="OUT", help="gets runs and report")
    add("--quick", action="store_true", help="few photos; everything else as in the full version")
    add("--jobs", type=at_least_one, metavar="N", help="runs at a time (default: one a core)")
    add("--threads", type=at_least_one, metavar="N", help="of each run (default: cores by jobs)")
    add("--photos", type=Path, nargs="+", default=(), metavar="FILE", help="for Figure 3")
    add("--json", action="store_true", help="the findings as JSON on stdout")
    return parser


def run(options: argparse.Namespace) -> int:
    """Reproduce the paper.

    Returns:
        0.
    """
    require("reproduce", "torch", "accelerate", "safetensors", "tensorboard", "matplotlib")
    from fivefold.errors import DataError
    from fivefold.reproduce.study import Listener, reproduce, verdicts

    try:
        with _Steps() as bar:
            study = reproduce(
                options.data,
                options.output,
                quick=options.quick,
                jobs=options.jobs,
                threads=options.threads,
                photos=options.photos,
                listener=Listener(on_plan=bar.plan, on_steps=bar.steps, on_stage=bar.stage),
            )
    except OSError as error:
        raise DataError(f"{options.output}: {error.strerror or error}") from error
    for name, reason in study.impossible.items():
        say(f"{name} is not possible: {reason}")
    if options.json:
        print_json(
            report=str(study.report),
            findings=[
                {"claim": f.claim, "from": f.source, "missing": f.missing, "verdicts": verdicts(f)}
                for f in study.findings
            ],
            impossible=study.impossible,
        )
        return 0
    for finding in study.findings:
        print(f"{finding.source}: {finding.claim.replace('`', '')}")
        for data, verdict in verdicts(finding).items():
            print(f"  {data}: {verdict.replace('`', '')}")
        if finding.missing:
            print(f"  not tested: needs {', '.join(finding.missing)}")
    print(study.report)
    return 0


class _Steps(Bar):
    """How many steps of all runs are done."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()  # each run is told of by a thread of its own
        self._done: dict[str, int] = {}

    def plan(self, steps: dict[str, int]) -> None:
        """Begin."""
        self._draw(total=sum(steps.values()), unit=" steps", smoothing=0.02)

    def steps(self, name: str, done: int) -> None:
        """A run has done so many steps."""
        with self._lock:
            if self._bar is not None:
                self._bar.update(done - self._done.get(name, 0))
            self._done[name] = done

    def stage(self, words: str) -> None:
        """Something else than training begins."""
        if self._bar is not None:
            self._bar.set_description(words)
