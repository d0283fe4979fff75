"""``fivefold enhance`` for photos that lie in object stores, and on a cluster."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from fivefold.cli.console import Progress, one_line, print_json, say
from fivefold.cli.summary import Summary, tell

if TYPE_CHECKING:
    from fivefold.runtime.batch import Settings


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments that only this way has."""
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="a Ray cluster, HOST:PORT or auto, does the work; local starts Ray here",
    )


def is_remote(options: argparse.Namespace) -> bool:
    """Whether a batch is one for this module: an address is named, or a cluster."""
    names = [*options.inputs, options.output or ""]
    return options.cluster is not None or any("://" in name for name in names)


def why_not(options: argparse.Namespace) -> str | None:
    """Why the arguments contradict each other, or ``None``."""
    if "-" in (*options.inputs, options.output):
        return "a pipe does not go with --cluster, nor with addresses"
    if options.in_place or options.journal is not None:
        return "--in-place and --journal do not go with --cluster, nor with addresses"
    if options.output is None:
        return "--cluster and addresses need an output: name a folder or a file with -o"
    return None


def run_remote(options: argparse.Namespace, settings: Settings) -> int:
    """Enhance what was asked for, wherever it lies.

    Returns:
        0 if every photo was enhanced or skipped, 1 otherwise.

    Raises:
        ValueError: If no plan can be made of the arguments.
    """
    start_s = time.perf_counter()
    from fivefold.cluster.batch import run_batch
    from fivefold.cluster.plan import make_remote_plan

    plan = make_remote_plan(
        options.inputs, options.output, file_format=options.format and options.format.upper()
    )
    for error in plan.unreadable:
        say(f"{error.filename}: {error.strerror}")
    if options.dry_run:
        for task in plan.tasks:
            skipped = (settings.skip_existing or settings.update) and task.has_result
            if options.json:
                print_json(source=task.source, target=task.target, skipped=skipped)
            else:
                note = " (exists)" if skipped else ""
                print(one_line(f"{task.source} -> {task.target}{note}"))
        return 1 if plan.unreadable else 0
    summary = Summary(failed=len(plan.unreadable), results_passed_over=plan.results_passed_over)
    outcomes = run_batch(
        plan,
        settings,
        bundle=options.bundle,
        expert=options.expert,
        cluster=options.cluster,
        jobs=options.jobs,
    )
    with Progress(len(plan.tasks), "photos") as progress:
        for outcome in outcomes:
            summary.count(outcome)
            tell(outcome, progress, as_json=options.json)
            progress.advance()
    summary.seconds = time.perf_counter() - start_s
    if options.json:
        print_json(summary=summary.as_dict())
    else:
        say(summary.as_line())
    return 1 if summary.failed else 0
