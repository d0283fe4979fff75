"""Which engine runs the full-resolution pass, and the checks that all engines rely on."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fivefold.kernels.grid import BilateralGrid
from fivefold.photo.image import FULL_SCALE, Pixels

try:
    from fivefold.kernels import native
except ImportError as error:
    NATIVE_MISSING: str | None = str(error)
else:
    NATIVE_MISSING = None


def engine_name() -> str:
    """What :func:`render` runs on: ``"native"``, or ``"numpy"``, which is many times slower."""
    return "native" if NATIVE_MISSING is None else "numpy"


def instruction_set() -> str:
    """What the compiled kernels use of this processor, ``"avx512"``, ``"avx2"`` or ``"neon"``.

    ``"portable"`` means nothing in particular, ``"none"`` that there are no compiled kernels.
    """
    return "none" if NATIVE_MISSING is not None else native.instruction_set()


def path_name(pixels_type: np.dtype[Any] | type, grid: BilateralGrid) -> str:
    """How :func:`render` treats pixels of a type with a grid, for people who look into speed.

    Returns:
        ``"int16"``: fixed point, fastest, for 8-bit pixels and grids with which its results are
        never off by more than one code. ``"float64"``: for other pixels and grids.
        ``"portable"``: on processors without a kernel of their own, in double precision but for
        8-bit pixels. ``"numpy"``: without compiled kernels.
    """
    if NATIVE_MISSING is not None:
        return "numpy"
    return native.arithmetic(grid, np.dtype(pixels_type).itemsize * 8)


def render(
    pixels: Pixels,
    grid: BilateralGrid,
    *,
    out: Pixels | None = None,
    first_row: int = 0,
    height_px: int | None = None,
    clip: bool = True,
    threads: int | None = None,
) -> Pixels:
    """Enhance a photo, or a strip of one: guide, slice, apply (PAPER section 2).

    A huge photo can be rendered in strips: pass each with ``first_row`` and ``height_px``, and the
    strips together equal the whole, bit for bit.

    Args:
        pixels: ``(H, W, 3)``, RGB coded as sRGB, ``uint8``, ``uint16`` or ``float32`` (0…1).
        grid: What the network predicted for the whole photo.
        out: Where to write the result: an array like ``pixels``, or ``pixels`` itself to work in
            place. By default a new array.
        first_row: The row of the photo at which ``pixels`` begins.
        height_px: Rows of the whole photo; by default ``pixels`` is all of it.
        clip: Hold ``float32`` output in 0…1. Integer output always is. A ``float32`` pixel that is
            not a number gives an unspecified colour, and leaves other pixels alone.
        threads: How many threads to use; by default as many as the process may run. The result
            does not depend on it.

    Returns:
        ``out``, or a new array of the shape and type of ``pixels``. 16-bit samples are the codes
        nearest to the exact results, those of :func:`fivefold.kernels.reference.render`, unless
        float64 cannot tell which of two codes is nearer. 8-bit ones are at most one code off.

    Raises:
        TypeError: For a type other than the three, or an ``out`` of another type.
        ValueError: For a wrong shape, a strip outside the photo, or an ``out`` that overlaps
            ``pixels`` without being the same.
    """
    _check_pixels("pixels", pixels)
    rows = pixels.shape[0]
    height_px = rows if height_px is None else height_px
    if first_row < 0 or first_row + rows > height_px:
        raise ValueError(
            f"rows {first_row}…{first_row + rows} do not lie inside a photo of {height_px} rows"
        )
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be at least 1, received {threads}")
    if out is None:
        out = _empty_like(pixels)
    else:
        _check_out(pixels, out)
    if NATIVE_MISSING is not None:
        from fivefold.kernels import tiled

        tiled.render(pixels, grid, out, first_row=first_row, height_px=height_px, clip=clip)
        return out

    source = _with_adjacent_samples(pixels)
    target = out if _has_adjacent_samples(out) else _empty_like(out)
    native.render(
        source,
        grid,
        target,
        first_row=first_row,
        height_px=height_px,
        clip=clip,
        threads=threads,
    )
    if target is not out:
        out[...] = target
    return out


def thumbnail(
    pixels: Pixels, size_px: int = 256, *, threads: int | None = None
) -> NDArray[np.float32]:
    """The area average that the network sees: :func:`fivefold.photo.resize.thumbnail`, fast.

    Args:
        pixels: ``(H, W, 3)``, RGB, ``uint8``, ``uint16`` or ``float32`` (0…1).
        size_px: Both sides of the result.
        threads: How many threads to use; by default as many as the process may run.

    Returns:
        ``(size_px, size_px, 3)`` ``float32`` in 0…1.

    Raises:
        TypeError: For a type other than the three.
        ValueError: For a wrong shape or size.
    """
    _check_pixels("pixels", pixels)
    if size_px < 1:
        raise ValueError(f"size_px must be at least 1, received {size_px}")
    if NATIVE_MISSING is not None:
        from fivefold.photo import resize

        return resize.thumbnail(pixels, size_px)
    return native.thumbnail(_with_adjacent_samples(pixels), size_px, threads=threads)


def _check_pixels(name: str, pixels: Pixels) -> None:
    if pixels.dtype not in FULL_SCALE:
        raise TypeError(f"{name} must be uint8, uint16 or float32, received {pixels.dtype}")
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ValueError(f"{name} must be (H, W, 3), received shape {pixels.shape}")


def _check_out(pixels: Pixels, out: Pixels) -> None:
    if out.dtype != pixels.dtype:
        raise TypeError(f"out must be {pixels.dtype} as the pixels, received {out.dtype}")
    if out.shape != pixels.shape:
        raise ValueError(f"out must have shape {pixels.shape}, received {out.shape}")
    if not out.flags.writeable:
        raise ValueError("out must be writeable")
    same = out.ctypes.data == pixels.ctypes.data and out.strides == pixels.strides
    if not same and np.shares_memory(out, pixels):
        raise ValueError("out must be pixels itself, or must not overlap it")


def _empty_like(pixels: Pixels) -> Pixels:
    return cast("Pixels", np.empty(pixels.shape, pixels.dtype))


def _has_adjacent_samples(pixels: Pixels) -> bool:
    size = pixels.dtype.itemsize
    return (
        pixels.strides[2] == size
        and (pixels.shape[1] == 1 or pixels.strides[1] == 3 * size)
        and pixels.strides[0] % size == 0
        and pixels.flags.aligned
    )


def _with_adjacent_samples(pixels: Pixels) -> Pixels:
    return pixels if _has_adjacent_samples(pixels) else pixels.copy(order="C")
