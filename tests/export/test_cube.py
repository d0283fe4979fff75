"""A ``.cube`` file is what other programs read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fivefold.errors import PhotoWriteError
from fivefold.export.cube import cube_text, write_cube
from fivefold.export.look import apply_look

ocio = pytest.importorskip("PyOpenColorIO")


def random_table(size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((size, size, size, 3), np.float32)


def by_open_color_io(path: Path, colours: np.ndarray, interpolation: object) -> np.ndarray:
    transform = ocio.FileTransform(str(path))
    transform.setInterpolation(interpolation)
    processor = ocio.Config.CreateRaw().getProcessor(transform).getDefaultCPUProcessor()
    result = colours.copy()
    processor.applyRGB(result)
    return result


@pytest.mark.parametrize("size", [2, 17, 33])
def test_opencolorio_applies_the_same_table(tmp_path: Path, size: int) -> None:
    """Within 2e-6 of our own look-up, which is six decimals and single precision."""
    table = random_table(size)
    path = tmp_path / f"look_{size}.cube"
    assert write_cube(path, table, title="A look", comments=["of a photo"]) == path.stat().st_size
    colours = np.random.default_rng(1).random((2000, 3), np.float32)
    colours[:2] = [[0, 0, 0], [1, 1, 1]]
    received = by_open_color_io(path, colours, ocio.INTERP_LINEAR)
    assert np.abs(received - apply_look(table, colours)).max() < 2e-6


def test_red_runs_fastest() -> None:
    """The second line of numbers belongs to the next red, as the specification has it."""
    table = random_table(3)
    rows = [line for line in cube_text(table, title="x").splitlines() if line[0].isdigit()]
    assert rows[1] == "{:.6f} {:.6f} {:.6f}".format(*table[1, 0, 0])
    assert rows[3] == "{:.6f} {:.6f} {:.6f}".format(*table[0, 1, 0])
    assert len(rows) == 27


@given(
    arrays(np.float32, (2, 2, 2, 3), elements=st.floats(-4, 4, width=32)),
    st.text(max_size=400),
    st.lists(st.text(max_size=400), max_size=3),
)
def test_every_file_keeps_to_the_specification(
    table: np.ndarray, title: str, comments: list[str]
) -> None:
    """ASCII lines of at most 250 bytes, whatever title and comments hold; numbers survive."""
    text = cube_text(table, title=title, comments=comments)
    assert text.isascii()
    assert text.endswith("\n")
    lines = text[:-1].split("\n")
    assert max(map(len, lines)) < 250
    keywords = [line.split()[0] for line in lines if line[0] not in "#-0123456789"]
    assert keywords == ["TITLE", "LUT_3D_SIZE", "DOMAIN_MIN", "DOMAIN_MAX"]
    assert lines[0].count('"') == 2
    numbers = np.array([line.split() for line in lines[-8:]], float)
    assert np.abs(numbers.reshape(2, 2, 2, 3).transpose(2, 1, 0, 3) - table).max() <= 1e-6


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (3, 3, 3), (3, 3, 2, 3), (3, 3, 3, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    """With what was received."""
    with pytest.raises(ValueError, match="received"):
        cube_text(np.zeros(shape, np.float32), title="x")


def test_numbers_that_are_none_are_refused() -> None:
    """Other programs would read them as zero, or not at all."""
    with pytest.raises(ValueError, match="finite"):
        cube_text(np.full((2, 2, 2, 3), np.nan, np.float32), title="x")


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    """As our own error, with the file's name; nothing is left."""
    with pytest.raises(PhotoWriteError, match=r"none/x\.cube: No such file"):
        write_cube(tmp_path / "none/x.cube", random_table(2), title="x")
    assert list(tmp_path.iterdir()) == []
