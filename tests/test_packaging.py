"""What is released agrees with itself: versions, platforms, and what the archives hold."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.version import Version

from fivefold import cli
from fivefold.version import VERSION
from installed_package import problems

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())


def minor(version: str) -> int:
    """11 of "3.11"."""
    return int(version.removeprefix("3."))


def supported() -> list[str]:
    """The versions of Python in the classifiers, as "3.11"."""
    prefix = "Programming Language :: Python :: 3."
    return [c.split(" :: ")[-1] for c in PROJECT["project"]["classifiers"] if c.startswith(prefix)]


def test_one_list_of_pythons() -> None:
    """Classifiers, the lowest version, the built wheels, the tried ones and the tools agree."""
    pythons = supported()
    lowest = pythons[0]
    assert [minor(p) for p in pythons] == list(range(minor(lowest), minor(lowest) + len(pythons)))
    assert PROJECT["project"]["requires-python"] == f">={lowest}"
    assert PROJECT["tool"]["mypy"]["python_version"] == lowest
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py3{minor(lowest)}"
    assert f"find_package(Python {lowest} " in (ROOT / "CMakeLists.txt").read_text()
    assert WORKFLOW["jobs"]["try"]["strategy"]["matrix"]["python"] == pythons

    stable = PROJECT["tool"]["scikit-build"]["wheel"]["py-api"]
    own = [f"cp3{minor(p)}-*" for p in pythons if minor(p) < int(stable.removeprefix("cp3"))]
    assert PROJECT["tool"]["cibuildwheel"]["build"] == [*own, f"{stable}-*"]


def test_the_version_has_its_place_in_the_changelog() -> None:
    """The newest heading is that of the version, or says that it is not out yet."""
    headings = re.findall(r"^## (\S+)(.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = [Version(name) for name, _ in headings if name != "Unreleased"]
    assert released == sorted(released, reverse=True)
    assert headings[0][0] in ("Unreleased", VERSION)
    assert all(Version(VERSION) >= version for version in released)
    for name, date in headings:
        assert name == "Unreleased" or re.fullmatch(r" – \d{4}-\d\d-\d\d", date)


def test_every_built_wheel_is_tried_and_published() -> None:
    """What is tried was built; what is published waits for everything, and only a tag does it."""
    jobs = WORKFLOW["jobs"]
    built = set(jobs["wheels"]["strategy"]["matrix"]["runner"])
    assert set(jobs["try"]["strategy"]["matrix"]["runner"]) <= built
    for system in ("ubuntu", "macos", "windows", "ubuntu-24.04-arm"):
        assert any(runner.startswith(system) for runner in built)
    publish = jobs["publish"]
    assert set(publish["needs"]) == set(jobs) - {"publish"}
    assert publish["if"] == "github.ref_type == 'tag'"
    assert publish["permissions"] == {"id-token": "write"}
    script = PROJECT["tool"]["cibuildwheel"]["test-command"].split()
    for word in script[1:]:
        assert (ROOT / word.removeprefix("{project}/")).is_file()


def test_the_image_is_built_from_files_that_are_there() -> None:
    """Each COPY has its source, which is not ignored; the program runs as nobody special."""
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", "").splitlines()
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    let_through = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = set()
    for line in lines:
        if line.startswith("COPY ") and "--from" not in line:
            copied.update(line.split()[1:-1])
    assert copied == let_through
    assert all((ROOT / name).exists() for name in copied)
    needed = {"CMakeLists.txt", "csrc", "pyproject.toml", "src"}
    assert {*needed, PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]} <= copied

    bases = {line.split()[1] for line in lines if line.startswith("FROM ")}
    (base,) = bases
    assert any(base.startswith(f"python:{python}-slim") for python in supported())
    (user,) = (line.split()[1] for line in lines if line.startswith("USER "))
    assert int(user) > 0
    (extras,) = re.findall(r"fivefold\[([a-z,]+)\]", "\n".join(lines))
    assert set(extras.split(",")) <= PROJECT["project"]["optional-dependencies"].keys()

    starts = dict(line.split(maxsplit=1) for line in lines if line.startswith(("ENTRY", "CMD")))
    assert json.loads(starts["ENTRYPOINT"]) == list(PROJECT["project"]["scripts"])
    assert cli.parser().parse_args(json.loads(starts["CMD"])).host == "0.0.0.0"


def build(kind: str, source: Path, target: Path) -> Path:
    """Build an archive with the project's own backend; without a compiler, which saves minutes."""
    pytest.importorskip("scikit_build_core")
    pytest.importorskip("nanobind")
    code = (
        "import sys; from scikit_build_core import build; getattr(build, sys.argv[1])(sys.argv[2])"
    )
    built = subprocess.run(
        [sys.executable, "-c", code, f"build_{kind}", str(target)],
        cwd=source,
        env={**os.environ, "CXX": shutil.which("false") or "/bin/false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (archive,) = target.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return archive


def test_the_archives_hold_what_they_should(tmp_path: Path) -> None:
    """The sdist has sources and nothing that was built; a wheel of it has the parts that run."""
    sdist = build("sdist", ROOT, tmp_path)
    assert sdist.name == f"fivefold-{VERSION}.tar.gz"
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
        archive.extractall(tmp_path, filter="data")
    for name in ("csrc/module.cpp", "LICENSE", "tests/conftest.py", "Dockerfile", "PKG-INFO"):
        assert name in names
    built = ("*.so", "*.pyd", "*.o", "*/__pycache__/*", "*node_modules*", "runs/*", ".venv/*")
    assert not [name for name in names if any(fnmatch(name, pattern) for pattern in built)]

    wheel = build("wheel", tmp_path / f"fivefold-{VERSION}", tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        assert problems(archive.namelist()) == []


def test_missing_and_foreign_parts_are_noticed() -> None:
    """What the release builds look for is found missing, and found where it should not be."""
    whole = [f"fivefold-{VERSION}.dist-info/licenses/LICENSE"]
    assert "lacks fivefold/py.typed" in problems(whole)
    assert "lacks the licence" in problems([])
    assert "has tests/conftest.py" in problems([*whole, "tests/conftest.py"])
