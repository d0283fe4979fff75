"""What is measured: each case names its contestants, of which the first is the measure."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import simplejpeg

from fivefold import kernels
from fivefold.bench.contest import Sample, Standing, call, compete, program
from fivefold.bench.programs import PROGRAMS
from fivefold.photo.atomic import write_atomically
from fivefold.photo.files import encode_photo, read_photo
from fivefold.photo.formats import FORMATS
from fivefold.photo.jpeg_pieces import decode as decode_in_pieces
from fivefold.photo.jpeg_strips import encode as encode_strips
from fivefold.photo.reused import ReusedMemory
from fivefold.photo.threads import available_threads
from fivefold.runtime.batch import Settings, enhance_files, enhance_photo
from fivefold.runtime.enhancer import Enhancer
from fivefold.runtime.plan import Task

Contest = dict[str, Standing]

OURS = "fivefold enhance"
CODEC = "decode and encode alone"
CODEC_REUSING = "the same, with memory reused"
CODEC_IN_PIECES = "the same, decoded in pieces as well"
_QUALITY = FORMATS["JPEG"].default_quality


def cold(photo: Path, folder: Path, rounds: int) -> tuple[Contest, dict[str, str | None]]:
    """One photo by one command, from the program's start to its end, beside other programs.

    Args:
        photo: A JPEG.
        folder: Where results go.
        rounds: How often each counts.

    Returns:
        How the programs here did, and the versions of all, ``None`` for those that are missing.

    Raises:
        ContestantError: If one of them fails.
    """
    enhance = [*_command(), "enhance", str(photo)]
    target = folder / "enhanced.jpg"
    contestants = {OURS: _with_fresh_targets(program(OURS, [*enhance, "-o", str(target)]), target)}
    for known in PROGRAMS:
        found = known.find()
        if found is not None:
            command = [found, *known.arguments(photo, target)]
            contestants[known.name] = _with_fresh_targets(program(known.name, command), target)
    return compete(contestants, rounds), {known.name: known.version() for known in PROGRAMS}


def _command() -> list[str]:
    """The program as it is installed beside this interpreter, as the others are, or its module."""
    installed = shutil.which("fivefold", path=os.fspath(Path(sys.executable).parent))
    return [sys.executable, "-m", "fivefold"] if installed is None else [installed]


def _with_fresh_targets(run: Callable[[], Sample], *targets: Path) -> Callable[[], Sample]:
    """Darktable overwrites no file, and fivefold waits for the disk where it replaces one."""

    def fresh() -> Sample:
        for target in targets:
            target.unlink(missing_ok=True)
        return run()

    return fresh


def warm(photo: Path, rounds: int, threads: int) -> Contest:
    """One JPEG to another in memory, in a process that runs, beside the codec alone.

    Fivefold decodes into memory that the photo before left behind; the codec takes fresh memory, as
    its interface does, and in turn memory like ours. On several threads we decode in pieces, which
    no codec offers; a last contestant is the codec with that as well.

    Args:
        photo: A JPEG.
        rounds: How often each counts.
        threads: How many threads each may use.
    """
    data = photo.read_bytes()
    enhancer = Enhancer.load(threads=threads)
    settings = Settings(threads=threads)

    def whole() -> None:
        result = enhance_photo(read_photo(data, threads=threads), enhancer, settings)
        encode_photo(result, threads=threads)

    memory = ReusedMemory()
    contestants = {
        CODEC: call(lambda: _recode(data, threads)),
        CODEC_REUSING: call(lambda: _recode(data, threads, memory)),
    }
    if threads > 1:
        contestants[CODEC_IN_PIECES] = call(lambda: _recode(data, threads, memory, in_pieces=True))
    contestants[OURS] = call(whole)
    return compete(contestants, rounds)


def _recode(
    data: bytes, threads: int, memory: ReusedMemory | None = None, *, in_pieces: bool = False
) -> bytes:
    """What any program has to do that changes a JPEG, as fast as the same library does it."""
    height_px, width_px, _, chroma = simplejpeg.decode_jpeg_header(data)
    buffer = None if memory is None else memory.empty((height_px, width_px, 3))
    if in_pieces and buffer is not None and decode_in_pieces(data, "RGB", buffer, threads):
        pixels = buffer
    else:
        pixels = simplejpeg.decode_jpeg(data, "RGB", buffer=buffer)
    return b"".join(encode_strips(pixels, _QUALITY, "RGB", chroma, threads=threads))


def folder_of(photo: Path, folder: Path, rounds: int, count: int = 40) -> Contest:
    """A folder of photos on all cores, beside the codec alone on the same cores.

    All write a file under another name first and then give it its own, so that it appears whole or
    not at all; memory is as in :func:`warm`.

    Args:
        photo: A JPEG, copied ``count`` times.
        folder: An empty one.
        rounds: How often each counts.
        count: Number of photos.
    """
    (folder / "in").mkdir()
    (folder / "out").mkdir()
    sources = [folder / "in" / f"{n}.jpg" for n in range(count)]
    for source in sources:
        source.write_bytes(photo.read_bytes())
    targets = [folder / "out" / source.name for source in sources]
    tasks = [Task(source, target) for source, target in zip(sources, targets, strict=True)]
    jobs = available_threads()
    enhancer = Enhancer.load(threads=1)

    def recode(memory: ReusedMemory | None) -> None:
        def one(task: Task) -> None:
            write_atomically(task.target, [_recode(task.source.read_bytes(), 1, memory)])

        with ThreadPoolExecutor(jobs) as pool:
            for _ in pool.map(one, tasks):
                pass

    def enhance() -> None:
        for outcome in enhance_files(tasks, lambda: enhancer, Settings(threads=1), jobs=jobs):
            if outcome.error is not None:
                raise outcome.error

    memory = ReusedMemory()
    contestants: dict[str, Callable[[], object]] = {
        CODEC: lambda: recode(None),
        CODEC_REUSING: lambda: recode(memory),
        OURS: enhance,
    }
    fresh = {name: _with_fresh_targets(call(work), *targets) for name, work in contestants.items()}
    return compete(fresh, rounds)


def full_resolution(photo: Path, rounds: int) -> Contest:
    """Guide, slice and apply alone on one thread, beside a copy of the pixels and PyTorch.

    Args:
        photo: Of 8 bits.
        rounds: How often each counts.
    """
    decoded = read_photo(photo)
    grid = Enhancer.load(threads=1).predict(decoded)
    pixels, target = decoded.pixels, np.empty_like(decoded.pixels)
    contestants: dict[str, Callable[[], object]] = {
        "copying the pixels": lambda: np.copyto(target, pixels),
        "fivefold": lambda: kernels.render(pixels, grid, out=target, threads=1),
    }
    try:
        from fivefold.bench.pytorch import tiled_grid_sample
    except ImportError:
        pass
    else:
        contestants["PyTorch grid_sample, tiled"] = tiled_grid_sample(pixels, grid, target)
    return compete({name: call(work) for name, work in contestants.items()}, rounds)


def large(photo: Path, target: Path) -> Contest:
    """The time and the memory that one large photo takes, measured once.

    Args:
        photo: Of any format.
        target: Where the result goes.

    Raises:
        ContestantError: If it cannot be enhanced.
    """
    command = [sys.executable, "-m", "fivefold", "enhance", str(photo), "-o", str(target)]
    return compete({OURS: program(OURS, command)}, 1)
