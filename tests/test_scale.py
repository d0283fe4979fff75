"""What docs/scale.md promises about millions of photos is what the simulation finds."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from fivefold import cli

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def scale() -> ModuleType:
    """The script ``benchmarks/scale.py``."""
    spec = importlib.util.spec_from_file_location("scale", ROOT / "benchmarks/scale.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scale"] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("change", "held_up_by"),
    [
        ({"cores": 50}, "cores"),
        ({"cores": 50, "losses_per_core_hour": 20.0}, "cores"),
        ({"cores": 50, "photo_s": 0.02}, "network of each core"),
        ({"cores": 400, "puts_per_second": 300.0}, "writes to the store"),
        ({"cores": 400, "gets_per_second": 300.0}, "reads from the store"),
        ({"cores": 400, "ledger_calls_per_second": 900.0}, "ledger"),
        ({"cores": 400, "ledger_calls_per_second": 900.0, "drivers": 2}, "ledger"),
    ],
)
def test_the_arithmetic_is_what_happens(
    scale: ModuleType, change: dict[str, float], held_up_by: str
) -> None:
    """The slowest part alone says how long a batch takes, within 6 % of playing it through."""
    cluster = replace(scale.Cluster(cores=1, photo_s=0.4), **change)
    assert cluster.bottleneck()[0] == held_up_by
    photos = 100 * cluster.cores
    hours, begun = scale.simulate(cluster, photos)
    assert hours == pytest.approx(cluster.hours(photos), rel=0.06)
    assert begun >= photos
    assert (begun > photos) == (cluster.losses_per_core_hour > 0)


def test_more_of_what_is_not_the_slowest_is_of_no_use(scale: ModuleType) -> None:
    """Twice the cores behind one prefix's limit take as long, and two prefixes half of it."""
    base = replace(scale.Cluster(cores=1, photo_s=0.4), cores=400, puts_per_second=300.0)
    hours = [
        scale.simulate(cluster, 20000)[0]
        for cluster in (base, replace(base, cores=800), replace(base, prefixes=2))
    ]
    assert hours[1] == pytest.approx(hours[0], rel=0.03)
    assert hours[2] == pytest.approx(hours[0] / 2, rel=0.06)


def test_the_page_shows_what_the_script_prints(scale: ModuleType) -> None:
    """Every row of both tables, made of the measured figures."""
    page = (ROOT / "docs/scale.md").read_text()
    core = scale.measured()
    for row in (*scale.cost_table(core, scale.Prices()), *scale.time_table(core)):
        assert row in page, row


@pytest.mark.parametrize("page", ["scale.md", "training_many_machines.md"])
def test_the_commands_exist(page: str) -> None:
    """Every ``fivefold …`` line of the pages is a command that the parser accepts."""
    text = (ROOT / "docs" / page).read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    commands = [
        shlex.split(line.removeprefix("$ ").partition(" > ")[0], comments=True)
        for line in lines
        if line.startswith(("$ fivefold ", "fivefold "))
    ]
    assert commands
    for command in commands:
        assert cli.parser().parse_args(command[1:])
