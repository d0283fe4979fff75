"""Whether an installed fivefold is whole and works; release builds run this, with no test tools.

python tests/installed_package.py examples/coast.jpg
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

PARTS = (
    "fivefold/py.typed",
    "fivefold/weights/consensus.fivefold",
    "fivefold/weights/consensus.md",
    "fivefold/web/static/index.html",
    "fivefold/web/static/assets/index.js",
    "fivefold/data/splits/upe.txt",
    "fivefold/reproduce/configs/combined_lrs.toml",
)
FORBIDDEN = ("tests/", "benchmarks/", "docs/", "csrc/", ".cpp", ".h", ".a", ".ts")


def problems(names: list[str]) -> list[str]:
    """What a wheel of these files lacks, and what does not belong into it."""
    found = [f"lacks {part}" for part in PARTS if part not in names]
    if not any(name.endswith("/licenses/LICENSE") for name in names):
        found.append("lacks the licence")
    foreign = (n for n in names if n.startswith(FORBIDDEN) or n.endswith(FORBIDDEN))
    return found + [f"has {name}" for name in foreign]


def fivefold(*words: str) -> str:
    """What a command prints, run as a user would."""
    command = [sys.executable, "-m", "fivefold", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main(photo: Path) -> None:
    """Look at the installed files, then use them."""
    installed = metadata.distribution("fivefold")
    names = [file.as_posix() for file in installed.files or () if "__pycache__" not in file.parts]
    found = problems(names)
    if found:
        sys.exit("fivefold: the installed package " + ", ".join(found))

    import fivefold as package

    facts = fivefold("info")
    sys.stdout.write(facts)
    if package.__version__ != installed.version or "engine: native\n" not in facts:
        sys.exit(f"expected {installed.version} with compiled kernels")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "better.jpg"
        fivefold("enhance", str(photo), "-o", str(output))
        before, after = package.read_photo(photo).pixels, package.read_photo(output).pixels
    if before.shape != after.shape or (before == after).all():
        sys.exit(f"{photo} was not enhanced")
    sys.stdout.write(f"{photo.name} enhanced; all {len(names)} files are there\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
