"""A fuzz target for the full-resolution pass; needs atheris, and stops at the first surprise.

    python tests/fuzz/fuzz_grid.py CORPUS -max_total_time=600

``CORPUS`` is a folder of ``.grid`` files to start from. Whatever a grid and its guide hold, every
type of photo must come out whole; only bytes that are no grid may be refused.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["fivefold.export.grid_file", "fivefold.kernels"]):
    import numpy as np

    from fivefold import kernels
    from fivefold.export.grid_file import unpack_grid

NOISE = np.random.default_rng(0).random((5, 67, 3), np.float32)
PHOTOS = ((NOISE * 255).astype(np.uint8), (NOISE * 65535).astype(np.uint16), NOISE)


def render(data: bytes) -> None:
    """Take an input for a grid, and render a photo of each type with it."""
    try:
        grid = unpack_grid(data)
    except ValueError:
        return
    with np.errstate(all="ignore"):
        for photo in PHOTOS:
            result = kernels.render(photo, grid, threads=1)
            assert result.shape == photo.shape
            assert result.dtype == photo.dtype


if __name__ == "__main__":
    atheris.Setup(sys.argv, render)
    atheris.Fuzz()
