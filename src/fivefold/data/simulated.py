"""A folder of finished photos as a set of pairs, by :mod:`fivefold.data.simulate`.

::

    OUT/simulation.json          seed, looks, size
    OUT/target/NAME.png          the finished photo
    OUT/input/NAME-0.png …       its looks
    OUT/pairs.csv                photo, input, label, kind, and the parameters of each look

``pairs.csv`` is a table of pairs as training reads them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.data.folders import pictures_in
from fivefold.data.rendition import Size, open_original
from fivefold.data.simulate import Look, Looks, apply_look
from fivefold.errors import DataError, PhotoError, PhotoWriteError
from fivefold.photo.atomic import write_atomically
from fivefold.photo.files import encode_photo
from fivefold.photo.image import Photo

SETTINGS = "simulation.json"
PAIRS = "pairs.csv"
KIND = "simulated"


@dataclass(frozen=True)
class Simulation:
    """How a folder of finished photos is undone.

    Attributes:
        draws: Looks of each photo.
        seed: Of the looks.
        looks: What is drawn from.
        size: Of the pictures.

    Raises:
        ValueError: For no look at all.
    """

    draws: int = 2
    seed: int = 0
    looks: Looks = field(default_factory=Looks)
    size: Size = field(default_factory=lambda: Size(long_side_px=720))

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise ValueError(f"draws must be at least 1, received {self.draws}")


def simulate_folder(
    photos: Path,
    out: Path,
    simulation: Simulation | None = None,
    *,
    jobs: int = 1,
    on_photo: Callable[[int, int], None] = lambda *_: None,
) -> list[str]:
    """Undo all photos of a folder; one that cannot be read never stops the rest.

    Called again on the same folders it goes on where it was stopped.

    Args:
        photos: Finished photos, in any formats and colour spaces; folders in it are searched.
        out: The set's folder.
        simulation: How.
        jobs: Photos at once, each in a thread.
        on_photo: Called with the number of photos done, and in all.

    Returns:
        A line for each photo that was left out, and why.

    Raises:
        DataError: If there are no photos, two share a name, or ``out`` was made another way.
        PhotoWriteError: If ``out`` cannot be written.
    """
    simulation = simulation or Simulation()
    names = _names(photos)
    _begin(out, simulation)
    left_out: dict[str, str] = {}
    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(_undo, n, p, out, simulation): n for n, p in names.items()}
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                try:
                    future.result()
                except PhotoWriteError:
                    raise
                except PhotoError as error:
                    left_out[futures[future]] = str(error)
                on_photo(done, len(names))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    _write(out / PAIRS, _table([n for n in names if n not in left_out], simulation))
    return [left_out[name] for name in sorted(left_out)]


def _names(photos: Path) -> dict[str, Path]:
    """The photos by a name of their own: their path without ending, folders joined by dashes."""
    names: dict[str, Path] = {}
    for path in pictures_in(photos):
        name = "-".join(path.relative_to(photos).with_suffix("").parts)
        if name in names:
            raise DataError(f"{path}: has the name of {names[name].name}; rename one of them")
        names[name] = path
    if not names:
        raise DataError(f"{photos}: holds no photo")
    return names


def _begin(out: Path, simulation: Simulation) -> None:
    settings = json.dumps(asdict(simulation), indent=2) + "\n"
    path = out / SETTINGS
    try:
        out.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else settings
    except OSError as error:
        raise PhotoWriteError(f"{path}: {error.strerror}") from error
    if before != settings:
        raise DataError(f"{out}: was simulated with other settings; choose another folder")
    _write(path, settings.encode())


def _undo(name: str, path: Path, out: Path, simulation: Simulation) -> None:
    """Write a photo's target and inputs, those that are not there yet."""
    inputs = [out / _input(name, draw) for draw in range(simulation.draws)]
    target = out / _target(name)
    if target.exists() and all(file.exists() for file in inputs):
        return
    original = open_original(path, simulation.size)
    finished = original.reduced(*simulation.size.of(*original.full_size_px))
    for draw, file in enumerate(inputs):
        look = simulation.looks.draw(simulation.seed, name, draw)
        _write(file, _png(apply_look(finished, look)))
    _write(target, _png(finished))


def _table(names: list[str], simulation: Simulation) -> bytes:
    stream = io.StringIO()
    columns = ["photo", "input", "label", "kind", "draw", *vars(Look())]
    table = csv.DictWriter(stream, columns, lineterminator="\n")
    table.writeheader()
    for name in names:
        for draw in range(simulation.draws):
            look: dict[str, Any] = asdict(simulation.looks.draw(simulation.seed, name, draw))
            look["local_ev"] = " ".join(map(str, look["local_ev"]))
            files = {"input": _input(name, draw), "label": _target(name)}
            table.writerow({"photo": name, **files, "kind": KIND, "draw": draw, **look})
    return stream.getvalue().encode()


def _input(name: str, draw: int) -> str:
    return f"input/{name}-{draw}.png"


def _target(name: str) -> str:
    return f"target/{name}.png"


def _png(srgb: NDArray[np.float32]) -> bytes:
    return encode_photo(Photo(np.rint(srgb * 255).astype(np.uint8)), format="PNG")


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, [content])
    except OSError as error:
        raise PhotoWriteError(f"{path}: {error.strerror}") from error
