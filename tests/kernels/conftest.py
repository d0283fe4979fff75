"""Grids and photos that the kernels' tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from fivefold import kernels
from fivefold.kernels import engine
from fivefold.kernels.grid import BilateralGrid, Guide
from fivefold.photo.image import FULL_SCALE, Pixels

Render = Callable[..., Pixels]
ENGINES = ("numpy", "portable", "neon", "avx2", "avx512")


def make_guide(rng: np.random.Generator, steepness: float = 0.3, *, uniform: bool = False) -> Guide:
    """A guide with curves of random slopes around the identity, and random or uniform knots."""
    start = Guide.identity()
    slopes = start.slopes + rng.normal(0, steepness, (3, 16)).astype(np.float32)
    thresholds = rng.uniform(-0.2, 1.2, (3, 16)).astype(np.float32)
    return Guide(
        matrix=start.matrix + rng.normal(0, 0.2, (3, 3)).astype(np.float32),
        matrix_bias=rng.normal(0, 0.1, 3).astype(np.float32),
        slopes=slopes,
        thresholds=start.thresholds if uniform else thresholds,
        bias=float(rng.normal(0, 0.1)),
    )


def make_grid(
    rng: np.random.Generator,
    shape: tuple[int, int, int] = (8, 16, 16),
    *,
    spread: float = 0.3,
    guide: Guide | None = None,
) -> BilateralGrid:
    """The identity grid with noise of standard deviation ``spread`` on every coefficient."""
    start = BilateralGrid.identity(*shape).coefficients
    noise = rng.normal(0, spread, start.shape).astype(np.float32)
    return BilateralGrid(start + noise, make_guide(rng) if guide is None else guide)


def make_pixels(rng: np.random.Generator, height: int, width: int, dtype: type) -> Pixels:
    """Noise over the whole range of the type, with both ends in it."""
    samples = rng.uniform(-0.02, 1.02, (height, width, 3)).clip(0, 1)
    full_scale = FULL_SCALE[np.dtype(dtype)]
    return (samples * full_scale + (0 if dtype is np.float32 else 0.5)).astype(dtype)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240601)


@pytest.fixture(params=ENGINES)
def render(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Render]:
    """``kernels.render`` on NumPy and on each instruction set that this processor has."""
    if request.param == "numpy":
        monkeypatch.setattr(engine, "NATIVE_MISSING", "left out by a test")
        yield kernels.render
        return
    if engine.NATIVE_MISSING is not None:
        pytest.skip(f"no compiled kernels: {engine.NATIVE_MISSING}")
    from fivefold import _native

    _native.limit_instruction_set(request.param)
    try:
        if kernels.instruction_set() != request.param:
            pytest.skip("this processor lacks it")
        yield kernels.render
    finally:
        _native.limit_instruction_set(ENGINES[-1])


SHAPES = {
    "one pixel": (1, 1),
    "one row": (1, 37),
    "one column": (41, 1),
    "narrower than the grid": (5, 3),
    "no multiple of anything": (67, 131),
    "longer than a run": (3, 1031),
}
DTYPES: tuple[type, ...] = (np.uint8, np.uint16, np.float32)
