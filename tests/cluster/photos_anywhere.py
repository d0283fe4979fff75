"""Photos below any address, put there and looked at by tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from fivefold import Photo
from fivefold.cluster.places import absolute, list_files, open_filesystem, read_file
from fivefold.photo.files import encode_photo


def finish(process: subprocess.Popen[str]) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, records and stderr of a command; the last record is the summary."""
    out, err = process.communicate(timeout=300)
    assert "Traceback" not in err, err
    return process.returncode, [json.loads(line) for line in out.splitlines()], err


def put_photos(folder: str, count: int) -> dict[str, np.ndarray]:
    """Write small photos of different brightness below an address, and give their pixels."""
    photos = {}
    for number in range(count):
        name = f"{'sub/' if number % 2 else ''}{number:03}.png"
        photos[name] = np.full((24, 32, 3), 40 + number, np.uint8)
        filesystem, path = open_filesystem(f"{folder}/{name}")
        filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
        filesystem.pipe_file(path, encode_photo(Photo(photos[name]), format="PNG"))
    return photos


def names_below(folder: str) -> list[str]:
    """The files below an address but for manifests."""
    names = [file.address for file in list_files(folder)]
    return [name for name in names if "/_fivefold/" not in name]


def files_below(folder: str) -> dict[str, bytes]:
    """Their contents, by their names below it."""
    root = absolute(folder)
    return {name.removeprefix(root).lstrip("/"): read_file(name) for name in names_below(folder)}


def locally_enhanced(photos: dict[str, np.ndarray], folder: Path, bundle: Path) -> dict[str, bytes]:
    """What the batch of one machine makes of the same photos."""
    for name, pixels in photos.items():
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "in" / name).write_bytes(encode_photo(Photo(pixels), format="PNG"))
    command = [sys.executable, "-m", "fivefold", "enhance", folder / "in", "-o", folder / "out"]
    subprocess.run([*map(str, command), "--bundle", str(bundle), "--no-journal"], check=True)
    return {name: (folder / "out" / name).read_bytes() for name in photos}
