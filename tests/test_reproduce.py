"""The eight runs are the paper's, they resume, and findings follow from numbers alone."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from fivefold.data.experts import expert_set
from fivefold.data.versions import EXPERT_STYLES
from fivefold.errors import DataError, TrainingError
from fivefold.model.enhancer_net import EnhancerNet
from fivefold.reproduce import runs, study
from fivefold.reproduce.dimensions import layer_table
from fivefold.reproduce.findings import HELD_OUT, REAL_EXPERT_C, TRAINING, difference, findings
from fivefold.reproduce.photos import held_out_photos
from fivefold.reproduce.results import Judged, Result
from fivefold.reproduce.runs import COMBINED, RUNS, SINGLE, impossible_runs, paper_run
from fivefold.reproduce.training import train_all
from fivefold.train.config import TrainConfig

pytest.importorskip("matplotlib")

SHORT = {"epochs": 1, "preset": "small"}


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The eight runs, one epoch of the small network each."""

    def short(name: str, *, quick: bool = False) -> TrainConfig:
        return dataclasses.replace(paper_run(name, quick=quick), **SHORT)

    monkeypatch.setattr(study, "paper_run", short)


@pytest.fixture
def two_experts(study_pack: Path, tmp_path: Path) -> Path:
    """A folder with inputs and the versions of experts C and E."""
    own = tmp_path / "own"
    for role, folder in (("input", "input"), ("expert_c", "C"), ("expert_e", "E")):
        shutil.copytree(study_pack / "styled" / role, own / folder)
    return own


@pytest.mark.parametrize("name", RUNS)
def test_each_run_is_as_the_paper_has_it(name: str) -> None:
    """L2, Adam at 1e-4, batches of four, ten epochs; sizes, experts and rates as in section 4."""
    config = paper_run(name)
    assert config.name == name
    assert (config.epochs, config.batch_size, config.learning_rate) == (10, 4, 1e-4)
    assert config.final_learning_rate == (1e-5 if name == "combined_lrs" else 1e-4)
    assert config.preset == ("small" if name == "combined_small" else "paper")
    assert (config.grid_smoothness, config.average_decay, config.uniform_knots) == (0, 0, False)
    (source,) = config.sources
    assert source.targets == (EXPERT_STYLES if name in COMBINED else (name,))
    assert config.held_out_split == "upe"
    assert config.training_photos == config.held_out_photos == 0


def test_quick_takes_fewer_photos_and_changes_nothing_else() -> None:
    """The quick version of a run differs from the full one in its numbers of photos alone."""
    full, quick = paper_run("combined"), paper_run("combined", quick=True)
    assert 0 < quick.held_out_photos < quick.training_photos
    assert dataclasses.replace(quick, training_photos=0, held_out_photos=0) == full


def test_frozen_configurations_lie_where_readers_look() -> None:
    """configs/paper holds one file for each of the eight runs, and it is what runs use."""
    folder = Path(__file__).parents[1] / "configs/paper"
    assert {path.stem for path in folder.glob("*.toml")} == set(RUNS)
    assert TrainConfig.read(folder / "combined_lrs.toml") == paper_run("combined_lrs")
    with pytest.raises(ValueError, match="received 'expert_f'"):
        paper_run("expert_f")


def test_runs_without_their_experts_are_impossible() -> None:
    """With expert C alone only his run can be made; the reason names who is missing."""
    reasons = impossible_runs(["expert_c"])
    assert set(reasons) == set(RUNS) - {"expert_c"}
    assert reasons["combined"] == "the set has no versions by expert A, B, D, E"
    assert impossible_runs(EXPERT_STYLES) == {}


@pytest.mark.parametrize("preset", ["small", "paper"])
def test_table_1_is_the_network(preset: str) -> None:
    """Its parameters add up to the network's, and its rows are the paper's shapes."""
    layers = layer_table(preset)
    net = EnhancerNet(preset)
    assert sum(layer.parameters for layer in layers) == sum(p.numel() for p in net.parameters())
    width = 2 if preset == "paper" else 1
    outputs = [layer.output for layer in layers]
    assert outputs[:4] == [
        f"128×128×{8 * width}",
        f"64×64×{16 * width}",
        f"32×32×{32 * width}",
        f"16×16×{64 * width}",
    ]
    assert [x for x in outputs if "×" not in x][:3] == [
        str(256 * width),
        str(128 * width),
        str(64 * width),
    ]
    assert "16×16×96" in outputs
    assert "16×16×8×12" in outputs
    normalised = [layer.kind.endswith("norm") for layer in layers if layer.part.startswith("S")]
    assert normalised == [False, True, True, True]


def _result(name: str, advantage_db: float, photos: int = 12) -> Result:
    """A run whose figures are all better than another's by so much."""
    noise = [0.01 * ((7 * i) % 5) for i in range(photos)]
    losses = [10 ** (-(20 + advantage_db + n) / 10) for n in noise]
    psnrs = [20 + advantage_db + n for n in noise]
    curve = {"steps": list(range(1, photos + 1)), "loss": losses, "psnr": psnrs}
    held_out = {"held_out": {"all": psnrs[0]}, "held_out_loss": {"all": losses[0]}}
    epoch = {"epoch": 0, "steps": photos, "seconds": 1.0, "curve": curve, **held_out}
    judged = [
        Judged(f"p{i}", style, psnr, loss)
        for style in (*EXPERT_STYLES, "real_c")
        for i, (psnr, loss) in enumerate(zip(psnrs, losses, strict=True))
    ]
    return Result(paper_run(name), [epoch], judged)


def _results(photos: int = 12, **advantages: float) -> dict[str, Result]:
    return {name: _result(name, advantages.get(name, 0.0), photos) for name in RUNS}


def test_findings_are_confirmed_by_better_figures_on_every_data() -> None:
    """A proposed model that is better everywhere confirms both of the paper's findings."""
    found = findings(_results(combined_lrs=1.0, combined=0.5))
    assert [f.source for f in found] == ["Figure 4", "Figure 5", "second change", "first change"]
    for finding in found[:3]:
        assert [e.on for e in finding.evidence] == [TRAINING, HELD_OUT, REAL_EXPERT_C]
    assert all(e.verdict == "confirmed" for finding in found for e in finding.evidence)
    psnr = found[1].evidence[1]
    assert psnr.differences["combined"].mean == pytest.approx(0.5)
    assert psnr.values["combined_lrs"] - psnr.values["combined_small"] == pytest.approx(1.0)
    assert psnr.clusters == 12
    assert [finding.epochs_ahead for finding in found] == [(1, 1), (1, 1), (1, 1), (0, 0)]


def test_findings_are_not_confirmed_by_worse_or_equal_figures() -> None:
    """A better rival is named; equal figures are no difference; few photos are no test."""
    worse = findings(_results(combined=0.5))
    assert worse[1].evidence[0].verdict == "not confirmed (`combined` better)"
    assert worse[0].evidence[0].differences["combined"].mean < 0
    assert worse[0].epochs_ahead == (0, 1)
    equal = findings(_results())
    assert equal[1].evidence[1].verdict == "not confirmed (no clear difference)"
    few = findings(_results(photos=3, combined_lrs=1.0))
    assert few[1].evidence[1].verdict == "not tested (too few photos)"


def test_findings_without_their_runs_are_not_tested() -> None:
    """What a claim needs and is missing is named."""
    results = _results()
    del results["combined_small"]
    found = findings(results)
    assert found[0].missing == ["combined_small"]
    assert not found[0].evidence
    assert not found[3].missing


def test_interval_is_over_photos_not_over_versions() -> None:
    """Five versions of a photo that differ alike are one observation."""
    first = {(f"p{i % 4}", i): float(i % 4) for i in range(20)}
    second = dict.fromkeys(first, 0.0)
    found = difference(first, second, higher_is_better=True)
    assert (found.mean, found.clusters) == (1.5, 4)
    assert found.low < 1.0
    assert difference(first, second, higher_is_better=False).mean == -1.5
    with pytest.raises(ValueError, match="must have the same keys"):
        difference(first, {}, higher_is_better=True)


def test_figure_3_takes_only_photos_that_may_be_shown(study_pack: Path) -> None:
    """Of the study pack photos under CC0 or CC BY are taken, with credit, and no others."""
    index = study_pack / "styled/styled.csv"
    lines = index.read_text().splitlines()
    licences = ["CC0 / public domain", "CC-BY-4.0", "CC-BY-SA-4.0", "none stated", "Unsplash"]
    rows = [f"{line},{licences[i % 5]}" for i, line in enumerate(lines[1:])]
    rows = [re.sub(r"^(p\d\d)", r"../photos/open/\1.jpg", row) for row in rows]
    index.write_text("\n".join([f"{lines[0]},licence", *rows]) + "\n")
    (study_pack / "photos").mkdir()
    authors = ["file,author", *(f"open/p{i:02}.jpg,Author {i}" for i in range(10))]
    (study_pack / "photos/photos.csv").write_text("\n".join(authors) + "\n")

    shown = held_out_photos(expert_set(study_pack).pairs, study_pack, number=10)
    assert {photo.file.name for photo in shown} == {"p00.png", "p01.png", "p05.png", "p06.png"}
    by_file = {photo.file.name: photo.credit for photo in shown}
    assert by_file["p00.png"].startswith("Author 0 (CC0; ")
    assert by_file["p06.png"].startswith("Author 6 (CC BY 4.0; ")
    assert len(held_out_photos(expert_set(study_pack).pairs, study_pack, number=3)) == 3


@pytest.mark.usefixtures("short_runs")
def test_whole_study(study_pack: Path, tmp_path: Path) -> None:
    """One call makes runs, exhibits and report; a second makes only what is missing."""
    out = tmp_path / "study"
    told: dict[str, int] = {}
    listener = study.Listener(on_steps=told.__setitem__)
    done = study.reproduce(study_pack, out, jobs=2, listener=listener)
    assert done.impossible == {}
    assert set(told) == set(RUNS)

    page, text = (out / "report.html").read_text(), (out / "report.md").read_text()
    assert page.count("<img") == 4
    assert not re.search(r'(src|href)="(?!data:)', page)
    for words in ("Table 1", "Figure 2", "Figure 4", "Figure 5", "experts are modelled", "real C"):
        assert words in text
    assert {p.name for p in (out / "figures").iterdir()} >= {"figure_4.svg", "figure_4.png"}
    numbers = json.loads((out / "results.json").read_text())
    assert set(numbers["runs"]) == set(RUNS)
    assert set(numbers["judged"]) == {"untouched", *RUNS}
    assert len(numbers["between_experts"]) == 10

    kept = load_file(out / "runs/expert_b/weights.safetensors")
    stamps = {name: (out / "runs" / name / "metrics.jsonl").stat().st_mtime_ns for name in RUNS}
    shutil.rmtree(out / "runs/expert_b")
    photo = study_pack / "styled/input/p00.png"
    study.reproduce(study_pack, out, jobs=1, photos=[photo])
    again = load_file(out / "runs/expert_b/weights.safetensors")
    assert again.keys() == kept.keys()
    assert all(torch.equal(again[name], kept[name]) for name in kept)
    for name in set(RUNS) - {"expert_b"}:
        assert (out / "runs" / name / "metrics.jsonl").stat().st_mtime_ns == stamps[name]
    assert "p00.png" in (out / "report.md").read_text()

    with pytest.raises(DataError, match="holds a study of other photos"):
        study.reproduce(study_pack, out, quick=True)


@pytest.mark.usefixtures("short_runs")
def test_fewer_experts_make_what_is_possible(two_experts: Path, tmp_path: Path) -> None:
    """Two experts allow two runs; the report says which are not possible, and tests no claim."""
    done = study.reproduce(two_experts, tmp_path / "study", jobs=2)
    assert set(done.impossible) == set(RUNS) - {"expert_c", "expert_e"}
    assert all(finding.missing for finding in done.findings)
    text = (tmp_path / "study/report.md").read_text()
    assert "Runs that this set does not allow: `combined_lrs` (the set has no versions by" in text
    assert "retouchers' own work" in text
    assert "Figure 3" in text  # the photos are the user's own


def test_failed_run_stops_the_others_with_its_reason(study_pack: Path, tmp_path: Path) -> None:
    """A run that cannot go on says why; damaged pictures are named."""
    (study_pack / "styled/expert_a/p00.png").write_bytes(b"no picture")
    configs = [paper_run(name) for name in ("combined", "expert_a", "expert_b")]
    with pytest.raises(TrainingError, match=r"expert_a/p00\.png"):
        train_all(configs, study_pack, tmp_path / "runs", jobs=2, threads=1)
    assert not (tmp_path / "runs/combined/weights.safetensors").exists()


def test_weights_of_another_run_are_refused(study_pack: Path, tmp_path: Path) -> None:
    """A folder with weights of another configuration is named instead of taken for its own."""
    config = dataclasses.replace(paper_run("expert_a"), **SHORT)
    train_all([config], study_pack, tmp_path, jobs=1, threads=1)
    with pytest.raises(DataError, match=r"expert_a/weights\.safetensors: of another config"):
        train_all([paper_run("expert_a")], study_pack, tmp_path, jobs=1, threads=1)


def _start_worker(data: Path, run: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "fivefold.reproduce.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    config = dataclasses.asdict(dataclasses.replace(paper_run("expert_a"), epochs=400))
    job = {"config": config, "data": str(data), "run": str(run), "threads": 1, "workers": 0}
    assert process.stdin is not None
    process.stdin.write(json.dumps(job) + "\n")
    process.stdin.flush()
    return process


def test_worker_never_outlives_who_started_it(study_pack: Path, tmp_path: Path) -> None:
    """When the other end of its stdin closes, as by SIGKILL, a worker ends at once."""
    with _start_worker(study_pack, tmp_path / "run") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["steps"] >= 1
        process.stdin.close()
        assert process.wait(timeout=30) == 1


def test_killed_worker_resumes_to_the_same_weights(study_pack: Path, tmp_path: Path) -> None:
    """A run whose worker was killed in its midst ends as one that was not."""
    config = dataclasses.replace(paper_run("expert_a"), preset="small", epochs=6)
    kill: list[Callable[[], None]] = []

    class Killing(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            kill.append(self.kill)

    def on_steps(_: str, done: int) -> None:
        kill[-1]()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", Killing)
        with pytest.raises(TrainingError, match="training ended with exit code -9"):
            train_all(
                [config], study_pack, tmp_path / "killed", jobs=1, threads=1, on_steps=on_steps
            )
    assert not (tmp_path / "killed/expert_a/weights.safetensors").exists()
    train_all([config], study_pack, tmp_path / "killed", jobs=1, threads=1)
    train_all([config], study_pack, tmp_path / "whole", jobs=1, threads=1)
    whole, killed = (
        load_file(tmp_path / part / "expert_a/weights.safetensors") for part in ("whole", "killed")
    )
    for name, value in whole.items():
        assert torch.equal(value, killed[name]), name


def test_there_are_eight_runs() -> None:
    """Eight runs: five of one expert, three of all."""
    assert len(set(RUNS)) == len(RUNS) == len(SINGLE) + len(COMBINED) == 8
    assert runs.experts_of(paper_run("expert_d")) == ("expert_d",)
