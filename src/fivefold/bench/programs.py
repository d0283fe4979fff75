"""Other programs that enhance a photo by one command, where they are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Program:
    """One of them.

    Attributes:
        name: What the table calls it.
        commands: What it may be called where it is installed.
        version_option: Makes it tell its version.
        arguments: Those that make it read a photo and write the result.
    """

    name: str
    commands: tuple[str, ...]
    version_option: str
    arguments: Callable[[Path, Path], list[str]]

    def find(self) -> str | None:
        """Where it is, or ``None``."""
        return next(filter(None, map(shutil.which, self.commands)), None)

    def version(self) -> str | None:
        """The version that it tells."""
        found = self.find()
        if found is None:
            return None
        told = subprocess.run(
            [found, self.version_option], capture_output=True, text=True, check=False
        )
        number = re.search(r"\d+\.\d+[\w.-]*", told.stdout + told.stderr)
        return number[0] if number else "unknown"


def _magick(*operations: str) -> Callable[[Path, Path], list[str]]:
    return lambda photo, target: [str(photo), *operations, str(target)]


def _autolevels(photo: Path, target: Path) -> list[str]:
    return [str(photo), "--outdir", str(target.parent / "autolevels")]


def _darktable(photo: Path, target: Path) -> list[str]:
    # It keeps what it knows about photos; not in the user's own library.
    folder = str(target.parent / "darktable")
    return [str(photo), str(target), "--core", "--configdir", folder, "--disable-opencl"]


PROGRAMS = (
    Program(
        "ImageMagick -auto-level -auto-gamma",
        ("magick", "convert"),
        "-version",
        _magick("-auto-level", "-auto-gamma"),
    ),
    Program("ImageMagick -auto-level", ("magick", "convert"), "-version", _magick("-auto-level")),
    Program(
        "GraphicsMagick -normalize",
        ("gm",),
        "-version",
        lambda photo, target: ["convert", str(photo), "-normalize", str(target)],
    ),
    Program("autolevels", ("autolevels",), "--version", _autolevels),
    Program("darktable-cli", ("darktable-cli",), "--version", _darktable),
)
