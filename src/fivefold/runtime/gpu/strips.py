"""The full-resolution pass on a GPU for photos in ordinary memory.

A photo goes through the GPU in strips. While one is enhanced, the next is on its way there and the
one before on its way back: each strip has a stream of its own, and memory that the GPU reads
directly (pinned). So memory does not grow with the photo, neither here nor on the GPU.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor

from fivefold.kernels.grid import BilateralGrid
from fivefold.kernels.triton import pack_guide, render_pixels
from fivefold.photo.image import Pixels

STRIP_BYTES = 8 << 20
STRIPS = 3  # one on its way there, one on the GPU, one on its way back
MOST_ROWS = 4096  # of a strip: each has a table of its own on the GPU


class StripRenderer:
    """Renders photos on one device; several threads may call it at once.

    Each call has strips of its own, which are kept for the next one: pinned memory takes long to
    get.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._idle: list[list[_Strip]] = []
        self._taking = threading.Lock()

    def __call__(
        self,
        pixels: Pixels,
        grid: BilateralGrid,
        *,
        out: Pixels,
        first_row: int = 0,
        height_px: int | None = None,
        clip: bool = True,
    ) -> None:
        """Write the enhanced ``pixels`` to ``out``, as :func:`fivefold.kernels.render` does.

        Args:
            pixels: ``(H, W, 3)`` sRGB, ``uint8``, ``uint16`` or ``float32``.
            grid: What the network predicted for the whole photo.
            out: Gets the result; like ``pixels``, or ``pixels`` itself.
            first_row: The row of the photo at which ``pixels`` begins.
            height_px: Rows of the whole photo; by default ``pixels`` is all of it.
            clip: Hold ``float32`` output in 0…1.
        """
        height, width, _ = pixels.shape
        height_px = height if height_px is None else height_px
        coefficients = torch.from_numpy(np.ascontiguousarray(grid.coefficients)).to(self._device)
        guide = pack_guide(grid.guide).to(self._device)
        row_bytes = width * 3 * pixels.itemsize
        rows = max(1, min(MOST_ROWS, STRIP_BYTES // row_bytes))
        strips = self._take_strips(max(STRIP_BYTES, row_bytes))
        for strip in strips:
            strip.wait_for_what_was_begun()
        try:
            for number, start in enumerate(range(0, height, rows)):
                strip = strips[number % STRIPS]
                strip.finish()
                strip.begin(
                    pixels[start : start + rows],
                    out[start : start + rows],
                    coefficients,
                    guide,
                    first_row=first_row + start,
                    height_px=height_px,
                    clip=clip,
                )
            for number in range(STRIPS):
                strips[number].finish()
        finally:
            for strip in strips:
                strip.drop()
            with self._taking:
                self._idle.append(strips)

    def _take_strips(self, size_bytes: int) -> list[_Strip]:
        with self._taking:
            strips = self._idle.pop() if self._idle else []
        if strips and strips[0].size_bytes >= size_bytes:
            return strips
        return [_Strip(size_bytes, self._device) for _ in range(STRIPS)]


class _Strip:
    """Memory on both sides for one strip, and the stream in which it goes there and back.

    Args:
        size_bytes: Of the largest strip.
        device: A GPU, or the CPU in tests, which does everything at once.
    """

    def __init__(self, size_bytes: int, device: torch.device) -> None:
        self.size_bytes = size_bytes
        is_gpu = device.type == "cuda"
        self._device = device
        self._stream = torch.cuda.Stream(device) if is_gpu else None  # type: ignore[no-untyped-call]
        self._here = torch.empty(size_bytes, dtype=torch.uint8, pin_memory=is_gpu)
        with self._streaming():
            self._there = torch.empty(size_bytes, dtype=torch.uint8, device=device)
        self._result: Tensor | None = None
        self._out: Pixels | None = None

    def wait_for_what_was_begun(self) -> None:
        """Begin no strip before what this thread has put on the GPU otherwise is there."""
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream(self._device))

    def begin(
        self,
        pixels: Pixels,
        out: Pixels,
        coefficients: Tensor,
        guide: Tensor,
        *,
        first_row: int,
        height_px: int,
        clip: bool,
    ) -> None:
        """Send a strip off; :meth:`finish` writes its result to ``out``."""
        kind = torch.from_numpy(np.empty(0, pixels.dtype)).dtype
        here = self._here[: pixels.nbytes].view(kind).view(pixels.shape)
        there = self._there[: pixels.nbytes].view(kind).view(pixels.shape)
        here.numpy()[...] = pixels
        with self._streaming():
            there.copy_(here, non_blocking=True)
            render_pixels(
                there,
                coefficients,
                guide,
                there,
                first_row=first_row,
                height_px=height_px,
                clip=clip,
            )
            here.copy_(there, non_blocking=True)
        self._result, self._out = here, out

    def finish(self) -> None:
        """Wait for the strip that was sent off, if any, and write its result."""
        if self._result is None or self._out is None:
            return
        if self._stream is not None:
            self._stream.synchronize()
        self._out[...] = self._result.numpy()
        self._result = self._out = None

    def drop(self) -> None:
        """Forget a strip that was sent off, if any, once nobody works on it any more."""
        if self._stream is not None:
            self._stream.synchronize()
        self._result = self._out = None

    def _streaming(self) -> AbstractContextManager[object]:
        return nullcontext() if self._stream is None else torch.cuda.stream(self._stream)
