"""The bytes of a grid."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivefold.kernels.grid import BilateralGrid, Guide
from fivefold.web.grid_format import pack_grid, unpack_grid


def random_grid(seed: int, depth: int, height: int, width: int) -> BilateralGrid:
    random = np.random.default_rng(seed)

    def numbers(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float32)

    guide = Guide(numbers(3, 3), numbers(3), numbers(3, 16), numbers(3, 16), float(numbers()))
    return BilateralGrid(numbers(12, depth, height, width), guide)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_a_grid_survives_the_way_through_bytes(seed, depth, height, width):
    """What is unpacked is what was packed, bit for bit, whatever the grid's size."""
    grid = random_grid(seed, depth, height, width)
    received = unpack_grid(pack_grid(grid))
    assert np.array_equal(received.coefficients, grid.coefficients)
    for name in ("matrix", "matrix_bias", "slopes", "thresholds"):
        assert np.array_equal(getattr(received.guide, name), getattr(grid.guide, name))
    assert received.guide.bias == grid.guide.bias


def test_the_layout_is_the_documented_one():
    """Header, guide and coefficients lie where the docstring says, little-endian."""
    grid = random_grid(3, 8, 16, 16)
    content = pack_grid(grid)
    assert len(content) == 16 + 4 * (9 + 3 + 48 + 48 + 1) + 4 * 12 * 8 * 16 * 16 == 98_756
    assert struct.unpack_from("<4s3I", content) == (b"FFG1", 8, 16, 16)
    assert struct.unpack_from("<f", content, 16 + 4)[0] == grid.guide.matrix[0, 1]
    assert struct.unpack_from("<f", content, 16 + 4 * 108)[0] == np.float32(grid.guide.bias)
    last = struct.unpack_from("<f", content, len(content) - 4)[0]
    assert last == grid.coefficients[11, 7, 15, 15]


@pytest.mark.parametrize("damage", [lambda c: c[:-1], lambda c: c + b"\0", lambda c: b"X" + c[1:]])
def test_bytes_that_are_no_grid_are_refused(damage):
    """Cut short, too long, or of another kind: ValueError, not a wrong grid."""
    with pytest.raises(ValueError, match=r"expected|bytes"):
        unpack_grid(damage(pack_grid(random_grid(1, 2, 3, 4))))
