"""One command: the eight runs, their scores, the five exhibits, and the report."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from fivefold.data.experts import ExpertSet, expert_set
from fivefold.data.pairs import PairSet
from fivefold.data.pictures import decode_srgb
from fivefold.errors import DataError
from fivefold.evaluate.report import to_html, to_markdown
from fivefold.photo.atomic import write_atomically
from fivefold.photo.threads import available_threads
from fivefold.reproduce.exhibits import draw_exhibits
from fivefold.reproduce.facts import facts_of
from fivefold.reproduce.findings import Finding, findings
from fivefold.reproduce.paper import TITLE, write_paper
from fivefold.reproduce.photos import Shown, held_out_photos
from fivefold.reproduce.results import (
    Result,
    between_experts,
    judge,
    judge_run,
    pairs_to_judge,
)
from fivefold.reproduce.runs import RUNS, impossible_runs, paper_run
from fivefold.reproduce.training import is_trained, train_all
from fivefold.train.loop import read_metrics
from fivefold.train.sources import training_and_held_out_pairs

STUDY = "study.json"


@dataclass(frozen=True)
class Study:
    """What came out.

    Attributes:
        report: The report, a web page that needs no other file.
        findings: The paper's claims, and what was found.
        impossible: The runs that the set does not allow, with the reason.
    """

    report: Path
    findings: Sequence[Finding]
    impossible: dict[str, str]


@dataclass(frozen=True)
class Listener:
    """Who is told how far the study is.

    Attributes:
        on_plan: The training steps of each run that can be made, by name.
        on_steps: A run's name, and the steps that it has done.
        on_stage: What is done next, in words.
    """

    on_plan: Callable[[dict[str, int]], None] = lambda _: None
    on_steps: Callable[[str, int], None] = lambda *_: None
    on_stage: Callable[[str], None] = lambda _: None


def reproduce(
    data: Path,
    out: Path,
    *,
    quick: bool = False,
    jobs: int | None = None,
    threads: int | None = None,
    photos: Sequence[Path] = (),
    listener: Listener | None = None,
) -> Study:
    """Make the paper's eight runs and five exhibits (PAPER section 4), and report on them.

    Stopped at any moment and called again, it goes on where it was. Writes ``report.html``,
    ``report.md``, ``results.json`` and ``figures/`` into ``out``, and each run into ``runs/``.

    Args:
        data: Any set with experts' versions (see :func:`fivefold.data.sets.open_set`).
        out: The study's folder.
        quick: Take few photos, so that it ends in minutes; nothing else changes.
        jobs: Runs at a time; by default one on a GPU, and otherwise one for each processor core.
        threads: Of each run; by default the cores shared out among the runs. A study that goes on
            keeps the number that it began with, on which the last bits of its weights depend.
        photos: Untouched photos for Figure 3; by default some that no run learned from.
        listener: Is told how far it is.

    Raises:
        DataError: If the set or a photo cannot be read, or ``out`` holds another study.
        TrainingError: If a run failed; the others are stopped, and can be resumed.
        MissingExtraError: If matplotlib is not installed.
        ValueError: For no job or no thread at all.
    """
    listener = listener or Listener()
    if jobs is None:
        jobs = 1 if torch.cuda.is_available() else min(available_threads(), len(RUNS))
    if threads is None:
        threads = max(1, available_threads() // max(1, jobs))
    for name, number in (("jobs", jobs), ("threads", threads)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, received {number}")
    clock = _Clock()
    for path in photos:
        decode_srgb(path)  # what cannot be read is told now, not after hours
    found = expert_set(data)
    impossible = impossible_runs(found.experts)
    configs = {name: paper_run(name, quick=quick) for name in RUNS if name not in impossible}
    kept = _open(out, found, quick=quick, threads=threads)
    sources = {name: training_and_held_out_pairs(c, data) for name, c in configs.items()}
    steps = {
        name: len(training) // configs[name].batch_size * configs[name].epochs
        for name, (training, _) in sources.items()
    }
    listener.on_plan(steps)
    for name, config in configs.items():
        if is_trained(config, out / "runs" / name):
            listener.on_steps(name, steps[name])
    try:
        train_all(
            [configs[name] for name in sorted(configs, key=lambda name: -steps[name])],
            data,
            out / "runs",
            jobs=jobs,
            threads=kept["threads"],
            workers=min(8, available_threads()) if torch.cuda.is_available() else 0,
            on_steps=listener.on_steps,
            on_trained=lambda _: _keep(out, kept, clock),
        )
    finally:
        _keep(out, kept, clock)

    listener.on_stage("scoring on held-out photos")
    training, held_out = max(sources.values(), key=lambda source: len(source[0]))
    pairs = pairs_to_judge(held_out, found)
    judged = PairSet(pairs, augment=False)
    untouched = judge(None, judged)
    results = {
        name: Result(
            config=config,
            epochs=read_metrics(out / "runs" / name),
            judged=judge_run(out / "runs" / name, judged),
        )
        for name, config in configs.items()
    }

    listener.on_stage("drawing and writing")
    shown = [Shown(path, path.name) for path in photos] or held_out_photos(held_out, data)
    exhibits = draw_exhibits(out, results, shown)
    _keep(out, kept, clock)
    facts = facts_of(
        found,
        training,
        held_out,
        quick=quick,
        impossible=impossible,
        jobs=jobs,
        threads=kept["threads"],
        seconds=kept["seconds"],
        processor_seconds=kept["processor_seconds"],
    )
    claims = findings(results)
    apart = between_experts(judged)
    blocks = write_paper(facts, results, untouched, apart, claims, exhibits)
    _write_text(out / "report.md", to_markdown(TITLE, blocks))
    _write_text(out / "report.html", to_html(TITLE, blocks, out))
    numbers = {
        "facts": asdict(facts),
        "between_experts": {f"{a}/{b}": figure for (a, b), figure in apart.items()},
        "findings": [{**asdict(c), "verdicts": verdicts(c)} for c in claims],
        "runs": {
            name: {"config": asdict(r.config), "epochs": r.epochs} for name, r in results.items()
        },
        "judged": {
            name: [asdict(score) for score in scores]
            for name, scores in {
                "untouched": untouched,
                **{name: r.judged for name, r in results.items()},
            }.items()
        },
    }
    _write_text(out / "results.json", json.dumps(numbers))
    return Study(report=out / "report.html", findings=claims, impossible=impossible)


class _Clock:
    """Adds up the time of all starts of a study, on the wall and of the processors."""

    def __init__(self) -> None:
        self._last = self._now()

    def tick(self, kept: dict[str, Any]) -> None:
        """Add what has passed since the last time."""
        now = self._now()
        for name, value in now.items():
            kept[name] += value - self._last[name]
        self._last = now

    @staticmethod
    def _now() -> dict[str, float]:
        times = os.times()
        processor_s = times.user + times.system + times.children_user + times.children_system
        return {"seconds": time.monotonic(), "processor_seconds": processor_s}


def _open(out: Path, found: ExpertSet, *, quick: bool, threads: int) -> dict[str, Any]:
    """What the folder remembers about its study; a new one where it is empty."""
    ids = sorted({f"{pair.id} {pair.style}" for pair in (*found.pairs, *found.real_pairs)})
    identity = {"quick": quick, "set": hashlib.sha256("\n".join(ids).encode()).hexdigest()}
    path = out / STUDY
    try:
        out.mkdir(parents=True, exist_ok=True)
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        kept = {"identity": identity, "threads": threads, "seconds": 0.0, "processor_seconds": 0.0}
        _write_text(path, json.dumps(kept))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: is damaged") from error
    if kept.get("identity") != identity:
        raise DataError(f"{out}: holds a study of other photos, or of fewer or more")
    return kept


def _keep(out: Path, kept: dict[str, Any], clock: _Clock) -> None:
    clock.tick(kept)
    _write_text(out / STUDY, json.dumps(kept))


def verdicts(finding: Finding) -> dict[str, str]:
    """What each kind of data says about a claim."""
    return {evidence.on: evidence.verdict for evidence in finding.evidence}


def _write_text(path: Path, text: str) -> None:
    try:
        write_atomically(path, [text.encode()])
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
