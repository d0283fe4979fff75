"""From FiveK's originals, as they are published, to trained networks and the paper's report."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from command_line import Command, fivefold
from data.originals import scene, write_dng, write_prophoto
from fivefold.data.sets import open_set
from fivefold.data.splits import split_ids
from fivefold.reproduce import study
from fivefold.reproduce.runs import RUNS, paper_run
from fivefold.train.config import TrainConfig
from fivefold.train.sources import training_and_held_out_pairs

__all__ = ["fivefold"]

pytest.importorskip("matplotlib")

TRAINING, TEST = ("a0001-one", "a0002-two", "a0003-three", "a0004-four"), ("a4501-five",)


@pytest.fixture
def originals(tmp_path: Path) -> Path:
    """Five photos in the official layout, with a margin around the negatives' crop."""
    root = tmp_path / "fivek"
    (root / "img/dng").mkdir(parents=True)
    for seed, name in enumerate((*TRAINING, *TEST)):
        light = scene(seed, 76, 108)
        write_dng(root / f"img/dng/{name}.dng", light, crop=(6, 4, 96, 68))
        for n, expert in enumerate("abcde"):
            edited = np.clip(light[4:72, 6:102] * (1.2 + 0.1 * n), 0, 1) ** 0.9
            write_prophoto(root / f"img/tiff16_{expert}/{name}.tif", edited)
    return root


def test_originals_become_a_report(
    fivefold: Command, originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Developed, checked, split and trained on, by all eight runs, with nothing done by hand."""
    made, out = tmp_path / "set", tmp_path / "study"
    done = fivefold("data", "fivek", "develop", originals, "-o", made, "--long-side", 48)
    assert (done.code, done.out) == (0, "")
    assert fivefold("data", "check", made).code == 0
    photos = open_set(made).photos
    assert [photo.id for photo in photos] == [name[:5] for name in (*TRAINING, *TEST)]
    assert all(len(photo.targets) == 5 for photo in photos)

    training, held_out = training_and_held_out_pairs(paper_run("combined"), made)
    assert {pair.id for pair in training} == {name[:5] for name in TRAINING}
    assert {pair.id for pair in held_out} == {"a4501"} <= set(split_ids("upe", "test"))
    assert (len(training), len(held_out)) == (4 * 5, 5)

    def short(name: str, *, quick: bool = False) -> TrainConfig:
        return dataclasses.replace(paper_run(name, quick=quick), epochs=1, preset="small")

    monkeypatch.setattr(study, "paper_run", short)
    done = fivefold("reproduce", made, "-o", out, "--jobs", 2)
    assert done.code == 0, done.err
    assert "is not possible" not in done.err
    numbers = json.loads((out / "results.json").read_text())
    assert set(numbers["runs"]) == set(RUNS)
    assert len(numbers["between_experts"]) == 10
    report = (out / "report.md").read_text()
    assert "retouchers' own work" in report  # and no model's

    weights = out / "runs/combined_lrs/weights.safetensors"
    done = fivefold("evaluate", made, "untouched", weights, "--split", "upe", "--json")
    assert done.code == 0, done.err
    scores = [json.loads(line) for line in done.out.splitlines()]
    assert [summary["photos"] for summary in scores[1]["summaries"]] == [1] * 6
