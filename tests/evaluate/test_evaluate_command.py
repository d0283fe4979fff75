"""``fivefold evaluate``: tables for people, JSON for programs, a CSV for each model."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from command_line import Command


@pytest.fixture
def photo_set(tmp_path: Path) -> Path:
    """Three FiveK photos; expert A adds 20 codes, C 40; a0004 is in a published test list."""
    root = tmp_path / "set"
    for n in (1, 2, 4):
        random = np.random.default_rng(n)
        pixels = random.integers(20, 160, (24, 36, 3), dtype=np.uint8)
        for folder, more in (("input", 0), ("expertA", 20), ("expertC", 40)):
            (root / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels + np.uint8(more)).save(root / folder / f"a{n:04d}.png")
    return root


def test_a_table_for_people(fivefold: Command, photo_set: Path, bundle_path: Path) -> None:
    """Each model has its table, and from the second on its difference to the first."""
    done = fivefold("evaluate", photo_set, "untouched", bundle_path)
    assert done.code == 0
    assert "| expert_a | 3 | 22.11 ± 0.00 |" in done.out
    assert "| all | 3 | 19.10 ± 0.00 |" in done.out
    assert f"\n{bundle_path}\n" in done.out
    assert "psnr less untouched: " in done.out


def test_json_for_programs(fivefold: Command, photo_set: Path) -> None:
    """One object a model; perfect scores are null, as JSON has no infinity."""
    (photo_set / "expertC" / "a0001.png").write_bytes(
        (photo_set / "input" / "a0001.png").read_bytes()
    )
    done = fivefold("evaluate", photo_set, "untouched", "untouched", "--json")
    first, second = (json.loads(line) for line in done.out.splitlines())
    styles = {summary["style"]: summary for summary in first["summaries"]}
    assert styles["expert_a"]["psnr"]["mean"] == pytest.approx(22.1102, abs=1e-3)
    assert styles["expert_c"]["psnr"]["mean"] is None
    assert first["difference"] == {}
    assert second["difference"]["psnr"] == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_parts_of_a_set(fivefold: Command, photo_set: Path) -> None:
    """Published splits, ids and styles narrow what is scored."""

    def photos(*words: object) -> list[tuple[str, int]]:
        done = fivefold("evaluate", photo_set, "untouched", "--json", *words)
        assert done.code == 0
        return [(s["style"], s["photos"]) for s in json.loads(done.out)["summaries"]]

    assert photos("--styles", "expert_c") == [("expert_c", 3)]
    assert photos("--styles", "expert_a", "--split", "lut3d") == [("expert_a", 1)]
    assert photos("--styles", "expert_a", "--split", "lut3d", "--part", "train") == [
        ("expert_a", 2)
    ]
    assert photos("--styles", "expert_a", "--ids", "2-9") == [("expert_a", 2)]


def test_results_of_another_program(fivefold: Command, photo_set: Path, tmp_path: Path) -> None:
    """A folder of results is scored; what is missing in it is told and costs the exit code."""
    (tmp_path / "results").mkdir()
    for n in (1, 2, 4):
        content = (photo_set / f"expertC/a{n:04d}.png").read_bytes()
        (tmp_path / f"results/a{n:04d}_out.png").write_bytes(content)
    done = fivefold("evaluate", photo_set, tmp_path / "results", "--styles", "expert_c")
    assert done.code == 0
    assert "| expert_c | 3 | inf |" in done.out
    (tmp_path / "results/a0002_out.png").unlink()
    done = fivefold("evaluate", photo_set, tmp_path / "results", "--styles", "expert_c")
    assert done.code == 1
    assert "a0002, found none" in done.err
    assert "| expert_c | 2 | inf |" in done.out


def test_experts_against_each_other(fivefold: Command, photo_set: Path) -> None:
    """The table that tells how far people are apart."""
    done = fivefold("evaluate", photo_set, "experts")
    assert done.code == 0
    assert "| expert_a/expert_c | 3 | 22.11 ± 0.00 |" in done.out


@pytest.mark.parametrize("narrowed", [(), ("--styles", "expert_c")])
def test_one_expert_has_nobody_to_be_compared_with(
    fivefold: Command, photo_set: Path, narrowed: tuple[str, ...]
) -> None:
    """A set with one style, or narrowed to one, is told in a line before anything is scored."""
    if not narrowed:
        shutil.rmtree(photo_set / "expertA")
    done = fivefold("evaluate", photo_set, "untouched", "experts", *narrowed)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert "experts needs two styles to compare, there is expert_c" in done.err


def test_a_csv_for_each_model(fivefold: Command, photo_set: Path, tmp_path: Path) -> None:
    """A line for each photo and version."""
    out = tmp_path / "scores"
    assert fivefold("evaluate", photo_set, "untouched", "experts", "--csv", out).code == 0
    assert sorted(path.name for path in out.iterdir()) == ["1-untouched.csv", "2-experts.csv"]
    rows = list(csv.DictReader((out / "1-untouched.csv").read_text().splitlines()))
    assert [(row["photo"], row["style"]) for row in rows[:2]] == [
        ("a0001", "expert_a"),
        ("a0001", "expert_c"),
    ]
    assert len(rows) == 6


def test_wrong_commands(fivefold: Command, photo_set: Path, tmp_path: Path) -> None:
    """Unknown styles and parts are wrong commands; a missing model or set fails in one line."""
    assert fivefold("evaluate", photo_set, "untouched", "--styles", "expert_b").code == 2
    assert fivefold("evaluate", photo_set, "untouched", "--split", "upe", "--part", "x").code == 2
    done = fivefold("evaluate", photo_set, tmp_path / "none.fivefold")
    assert (done.code, done.err.count("\n")) == (1, 1)
    done = fivefold("evaluate", photo_set, "consensus", "--expert", "x")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "consensus: --expert: the styles are consensus" in done.err
    assert fivefold("evaluate", tmp_path / "none", "untouched").code == 1
    assert fivefold("evaluate", photo_set, "untouched", "--ids", "77").code == 1


def test_a_damaged_picture_never_stops_the_rest(fivefold: Command, photo_set: Path) -> None:
    """It is told, and the exit code says so."""
    (photo_set / "expertA/a0002.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = fivefold("evaluate", photo_set, "untouched")
    assert done.code == 1
    assert "expertA/a0002.png" in done.err
    assert "| expert_a | 2 |" in done.out


def test_a_bundle_is_scored_without_torch(photo_set: Path, bundle_path: Path) -> None:
    """Who only enhances need not install PyTorch to see how well."""
    code = """
import sys

sys.modules["torch"] = None
from fivefold.cli import main

raise SystemExit(main(["evaluate", *sys.argv[1:]]))
"""
    command = [sys.executable, "-c", code, str(photo_set), "untouched", str(bundle_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
