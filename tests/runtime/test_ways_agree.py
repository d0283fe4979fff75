"""Whichever way a photo takes through the program, its pixels are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import fivefold
from fivefold.photo.files import read_photo, write_photo
from fivefold.photo.image import Photo
from fivefold.runtime.batch import Settings, enhance_files
from fivefold.runtime.enhancer import Enhancer
from fivefold.runtime.plan import Task


def test_alone_in_a_folder_and_from_python(tmp_path: Path) -> None:
    """One photo on all cores, the same among others on one thread each, and by a call."""
    pixels = np.random.default_rng(2).integers(0, 255, (700, 900, 3)).astype(np.uint8)
    photos = [tmp_path / f"{n}.png" for n in range(3)]
    for photo in photos:
        write_photo(Photo(pixels), photo)
    enhancer = Enhancer.load()
    tasks = [Task(photo, photo.with_suffix(".out.jpg")) for photo in photos]
    for given, jobs, threads in ((tasks[:1], 1, 3), (tasks[1:], 2, 1)):
        outcomes = enhance_files(given, lambda: enhancer, Settings(threads=threads), jobs=jobs)
        assert all(outcome.ok for outcome in outcomes)
    first, *others = (read_photo(task.target).pixels for task in tasks)
    assert all(np.array_equal(first, other) for other in others)
    whole = fivefold.enhance(photos[0], output=tmp_path / "call.jpg")
    assert np.array_equal(read_photo(tmp_path / "call.jpg").pixels, first)
    assert np.array_equal(fivefold.enhance(pixels), whole.pixels)


def test_onnx_runtime_gives_the_same_photo_but_for_last_bits() -> None:
    """Where the compiled layers do not run the network, no pixel is off by more than one code."""
    from fivefold.runtime.network import Network, _open_session

    pixels = np.random.default_rng(3).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    compiled, other = Enhancer.load(), Enhancer.load()
    network = Network(other.bundle)
    assert network.engine_name == "native"
    network._session, network._compiled = _open_session(other.bundle, 1), None
    assert network.engine_name == "onnxruntime"
    other._predict = network
    ours, theirs = compiled(Photo(pixels)).pixels, other(Photo(pixels)).pixels
    assert np.abs(ours.astype(int) - theirs).max() <= 1
