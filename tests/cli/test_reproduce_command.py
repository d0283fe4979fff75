"""``fivefold reproduce``: the study in one command."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from command import Result

from fivefold.reproduce import study
from fivefold.reproduce.runs import paper_run
from fivefold.train.config import TrainConfig

pytest.importorskip("matplotlib")

Run = Callable[..., Result]


@pytest.fixture
def one_expert(study_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set with expert C alone, and runs of one epoch."""

    def short(name: str, *, quick: bool = False) -> TrainConfig:
        return dataclasses.replace(paper_run(name, quick=quick), epochs=1, preset="small")

    monkeypatch.setattr(study, "paper_run", short)
    monkeypatch.chdir(tmp_path)
    for role, folder in (("input", "input"), ("expert_c", "expertC")):
        shutil.copytree(study_pack / "styled" / role, tmp_path / "own" / folder)
    return Path("own")


def test_study_says_what_it_found(fivefold: Run, one_expert: Path) -> None:
    """What is not possible on stderr, findings and the report's place on stdout, also as JSON."""
    result = fivefold("reproduce", one_expert, "-o", "study", "--quick", "--jobs", 1)
    assert result.code == 0
    assert "fivefold: combined is not possible: the set has no versions by expert A, B, D, E" in (
        result.err.splitlines()
    )
    lines = result.out.splitlines()
    assert lines[0].startswith("Figure 4: Of the three combined models")
    assert lines[1] == "  not tested: needs combined_lrs, combined, combined_small"
    assert lines[-1] == "study/report.html"
    assert Path("study/report.html").exists()
    (record,) = fivefold("reproduce", one_expert, "-o", "study", "--quick", "--json").records
    assert record["report"] == "study/report.html"
    assert len(record["findings"]) == 4
    assert "combined" in record["impossible"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("nowhere", "-o", "x"), "nowhere: no such file or folder"),
        (("own/input", "-o", "x"), "own/input: "),
        (("own", "-o", "own/input/p00.png/x"), "own/input/p00.png/x"),
        (("own", "-o", "x", "--photos", "none.jpg"), "none.jpg: "),
    ],
)
def test_what_cannot_work_is_one_line(
    fivefold: Run, one_expert: Path, words: tuple[str, ...], reason: str
) -> None:
    """Exit code 1, and a last line that names what is wrong."""
    result = fivefold("reproduce", *words)
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines()[-1].startswith(f"fivefold: {reason}")
    assert not Path("x/runs").exists()


def test_no_job_is_a_usage_error(fivefold: Run) -> None:
    """Exit code 2."""
    assert fivefold("reproduce", "x", "-o", "y", "--jobs", "0").code == 2
