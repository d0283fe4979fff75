"""What ``make`` installs is pinned, and the pins are allowed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
HELD_TOGETHER = {"aiobotocore", "boto3", "botocore"}
"""Asked for by what we ask for, in ranges that hardly meet."""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_direct_dependency_is_pinned_within_its_range() -> None:
    """``constraints.txt`` has one exact version for each, and few that nothing asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = project["build-system"]["requires"] + project["project"]["dependencies"]
    for extra in project["project"]["optional-dependencies"].values():
        asked += extra
    required = {canonical(r.name): r for r in map(Requirement, asked) if r.name != "fivefold"}
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            pins[canonical(name)] = version
    assert pins.keys() == required.keys() | HELD_TOGETHER
    for name in required:
        assert required[name].specifier.contains(pins[name]), name
