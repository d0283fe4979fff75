"""The compiled thumbnail against its definition in ``photo.resize``."""

from __future__ import annotations

import numpy as np
import pytest

from fivefold import kernels
from fivefold.kernels import engine
from fivefold.photo import resize

from .conftest import DTYPES, SHAPES, make_pixels

needs_native = pytest.mark.skipif(
    engine.NATIVE_MISSING is not None, reason=f"no compiled kernels: {engine.NATIVE_MISSING}"
)


@needs_native
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*SHAPES, "photo", "tall and thin"])
@pytest.mark.parametrize("size_px", [1, 7, 64])
def test_equals_the_definition(
    rng: np.random.Generator, name: str, dtype: type, size_px: int
) -> None:
    """Smaller, equal and larger photos of every type, with and without fractions of a pixel."""
    sizes = {**SHAPES, "photo": (640, 427), "tall and thin": (3000, 2)}
    pixels = make_pixels(rng, *sizes[name], dtype)
    result = kernels.thumbnail(pixels, size_px)
    assert result.shape == (size_px, size_px, 3)
    assert np.abs(result - resize.thumbnail(pixels, size_px)).max() < 2e-6


@needs_native
@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_do_not_overflow(dtype: type) -> None:
    """A white picture of more rows than an integer sum can hold stays white."""
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    white = np.full((70_000, 2, 3), top, dtype)
    assert np.abs(kernels.thumbnail(white, 1) - 1).max() < 1e-6


@needs_native
def test_views_and_threads_do_not_matter(rng: np.random.Generator) -> None:
    """A crop or mirror image gives what its copy gives, and so does any number of threads."""
    big = make_pixels(rng, 300, 400, np.uint8)
    for view in (big[10:200, 5:333], big[::-1], big[:, ::-1]):
        expected = kernels.thumbnail(view.copy(), 32, threads=1)
        for threads in (1, 2, 5):
            assert (kernels.thumbnail(view, 32, threads=threads) == expected).all()


@needs_native
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_instruction_set_gives_the_same_bits(rng: np.random.Generator, dtype: type) -> None:
    """Whatever the width of the registers, for cells of any number of whole rows."""
    from fivefold import _native

    photos = [make_pixels(rng, height, 701, dtype) for height in (5, 64, 500, 1000)]
    expected = [kernels.thumbnail(pixels, 64) for pixels in photos]
    try:
        for most in ("portable", "avx2"):
            _native.limit_instruction_set(most)
            for pixels, best in zip(photos, expected, strict=True):
                assert (kernels.thumbnail(pixels, 64) == best).all()
    finally:
        _native.limit_instruction_set("avx512")


def test_without_native_the_definition_runs(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the compiled kernels are missing, the NumPy definition gives the thumbnail."""
    monkeypatch.setattr(engine, "NATIVE_MISSING", "left out by a test")
    pixels = make_pixels(rng, 30, 50, np.uint16)
    assert (kernels.thumbnail(pixels, 16) == resize.thumbnail(pixels, 16)).all()


def test_mistakes_are_named(rng: np.random.Generator) -> None:
    """Wrong types and sizes are refused with what was received."""
    with pytest.raises(TypeError, match="int16"):
        kernels.thumbnail(np.zeros((2, 2, 3), np.int16))
    with pytest.raises(ValueError, match="received 0"):
        kernels.thumbnail(make_pixels(rng, 2, 2, np.uint8), 0)
