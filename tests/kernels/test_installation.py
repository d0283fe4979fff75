"""Installing where nothing can be compiled."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

PROJECT = Path(__file__).parents[2]
SOURCES = ("csrc", "src", "CMakeLists.txt", "LICENSE", "README.md", "pyproject.toml")

ENHANCE = """
import sys
sys.path[:0] = sys.argv[1:]
import numpy as np
from fivefold import kernels
assert kernels.__file__.startswith(sys.argv[1]), kernels.__file__
pixels = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
assert (kernels.render(pixels, kernels.BilateralGrid.identity()) == pixels).all()
print(kernels.engine_name())
"""


def test_without_a_compiler_the_numpy_engine_is_installed(tmp_path: Path) -> None:
    """A broken compiler still yields a wheel; it says so, and what is in it enhances photos."""
    pytest.importorskip("scikit_build_core")
    pytest.importorskip("nanobind")
    project = tmp_path / "project"
    project.mkdir()
    for name in SOURCES:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, project / name)
    build = "from scikit_build_core.build import build_wheel; build_wheel('wheels')"
    built = subprocess.run(
        [sys.executable, "-c", build],
        cwd=project,
        env={**os.environ, "CXX": shutil.which("false") or "/bin/false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert "installed without its compiled kernels" in built.stdout + built.stderr

    (wheel,) = (project / "wheels").glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    packages = Path(np.__file__).parents[1]
    # -S leaves out this environment's own fivefold, which an editable install puts first.
    ran = subprocess.run(
        [sys.executable, "-S", "-c", ENHANCE, str(unpacked), str(packages)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "numpy"
