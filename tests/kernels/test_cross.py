"""The kernels of processors other than this one, under emulation."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

CSRC = Path(__file__).parents[2] / "csrc"
SOURCES = (
    "double_rows",
    "fixed_point",
    "float_guide",
    "instruction_set",
    "portable_pass",
    "slice_rows",
    "vector_pass",
    "word_guide",
)
OPTIONS = ("-std=c++17", "-O2", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")


@pytest.mark.skipif(platform.machine() == "aarch64", reason="all other tests run it already")
def test_neon_equals_the_formulas(tmp_path: Path) -> None:
    """On 64-bit ARM, 8-bit results are at most a code off, 16-bit results are exact."""
    compiler, emulator = shutil.which("aarch64-linux-gnu-g++"), shutil.which("qemu-aarch64")
    if compiler is None or emulator is None:
        pytest.skip("needs g++-aarch64-linux-gnu and qemu-user")
    program = tmp_path / "check"
    built = subprocess.run(
        [
            compiler,
            *OPTIONS,
            "-DFIVEFOLD_NEON",
            "-DFIVEFOLD_ISA=neon",
            "-static",
            str(Path(__file__).with_name("cross") / "check.cpp"),
            *(str(CSRC / f"{name}.cpp") for name in SOURCES),
            "-o",
            str(program),
            "-pthread",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    ran = subprocess.run([emulator, str(program)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.startswith("neon\nuint8 int16")
