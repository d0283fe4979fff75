"""A ``.grid`` file on disk; its layout is tested with the page's, in tests/web."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.kernels.conftest import make_grid

from fivefold.errors import DataError
from fivefold.export.grid_file import pack_grid, read_grid


def test_a_file_gives_the_grid_back(tmp_path: Path) -> None:
    """Bit for bit, guide and coefficients."""
    grid = make_grid(np.random.default_rng(0), (3, 4, 5))
    (tmp_path / "photo.grid").write_bytes(pack_grid(grid))
    received = read_grid(tmp_path / "photo.grid")
    assert np.array_equal(received.coefficients, grid.coefficients)
    assert np.array_equal(received.guide.slopes, grid.guide.slopes)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b"", "expected a grid that starts with FFG1"),
        (b"FFG2" + bytes(500), "expected a grid that starts with FFG1"),
        (pack_grid(make_grid(np.random.default_rng(0)))[:-4], "a grid of this size has 98756"),
    ],
)
def test_what_is_no_grid_is_told(tmp_path: Path, content: bytes | None, reason: str) -> None:
    """In one line that names the file; a later version is not taken for this one."""
    path = tmp_path / "photo.grid"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=rf"photo\.grid: {reason}"):
        read_grid(path)
