"""Network and full-resolution pass on one GPU, in the place of the CPU's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from fivefold import kernels
from fivefold.errors import BundleDamagedError, DeviceError, FivefoldError
from fivefold.kernels.grid import BilateralGrid
from fivefold.photo.image import Pixels
from fivefold.runtime.bundle import Bundle
from fivefold.runtime.gpu.batching import Together
from fivefold.runtime.gpu.network import TorchNetwork
from fivefold.runtime.gpu.strips import StripRenderer

MOST_THUMBNAILS = 16
LARGEST_DIFFERENCE = 1e-3
"""How far a coefficient may be from what the CPU's network predicts."""

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class GpuEngine:
    """What :class:`fivefold.runtime.enhancer.Enhancer` needs, on a GPU.

    It may be called from several threads at once, and is the faster for it: their thumbnails are
    predicted together, and the photo of one is on its way while another's is enhanced.
    """

    def __init__(
        self, bundle: Bundle, on_cpu: Network, device: torch.device | str = "cuda"
    ) -> None:
        """Put the network on the GPU, and compare it with the CPU's.

        Args:
            bundle: A bundle in memory.
            on_cpu: The same network on the CPU.
            device: The GPU; the CPU in tests.

        Raises:
            DeviceError: If the GPU cannot run it, or predicts something else.
        """
        self._source = bundle.source
        self._device = torch.device(device)
        with self._errors_told():
            self._network = TorchNetwork(bundle.network, self._device, source=bundle.source)
            self._render = StripRenderer(self._device)
        self._predict = Together(self._predict_all, MOST_THUMBNAILS)
        try:
            self._check(bundle, on_cpu)
        except FivefoldError:
            raise
        except Exception as error:  # Triton's errors and those of its tools have no common class
            raise DeviceError(f"cuda: {type(error).__name__}: {_first_line(error)}") from error

    def predict(
        self, thumbnail: NDArray[np.float32], style: int | None = None
    ) -> NDArray[np.float32]:
        """Predict the coefficients of a photo's grids, as the CPU's network does.

        Args:
            thumbnail: ``(256, 256, 3)``, sRGB; clipped to 0…1.
            style: Place of the only style that is wanted.

        Returns:
            ``(styles or 1, 12, depth, height, width)``, finite.

        Raises:
            BundleDamagedError: If the network's answer is not finite.
            DeviceError: If the GPU fails, or has too little memory.
        """
        with self._errors_told():
            grids = self._predict(thumbnail)
        if not np.isfinite(grids).all():
            raise BundleDamagedError(f"{self._source}: the network's answer is not finite")
        return grids if style is None else grids[style : style + 1]

    def render(
        self,
        pixels: Pixels,
        grid: BilateralGrid,
        *,
        out: Pixels,
        first_row: int = 0,
        height_px: int | None = None,
        clip: bool = True,
        threads: int | None = None,  # noqa: ARG002  (the GPU needs none)
    ) -> Pixels:
        """The full-resolution pass, as :func:`fivefold.kernels.render`.

        Raises:
            DeviceError: If the GPU fails, or has too little memory.
        """
        with self._errors_told():
            self._render(pixels, grid, out=out, first_row=first_row, height_px=height_px, clip=clip)
        return out

    def _check(self, bundle: Bundle, on_cpu: Network) -> None:
        """Predict and render something small, which also compiles the kernels."""
        random = np.random.default_rng(0)
        size_px = bundle.manifest.input_size_px
        thumbnail = random.random((size_px, size_px, 3), dtype=np.float32)
        expected = on_cpu(thumbnail)
        difference = float(np.abs(self.predict(thumbnail) - expected).max())
        if not difference <= LARGEST_DIFFERENCE:
            raise DeviceError(
                f"cuda: predicts other grids than the CPU, by {difference:.2g} (at most "
                f"{LARGEST_DIFFERENCE:g} is rounding)"
            )
        grid = BilateralGrid(expected[0], bundle.guide)
        pixels = random.integers(0, 256, (12, 40, 3), dtype=np.uint8)
        rendered = self.render(pixels, grid, out=np.empty_like(pixels)).astype(int)
        codes = int(np.abs(rendered - kernels.render(pixels, grid).astype(int)).max())
        if codes > 1:
            raise DeviceError(f"cuda: renders other colours than the CPU, by up to {codes} codes")

    def _predict_all(
        self, thumbnails: Sequence[NDArray[np.float32]]
    ) -> Sequence[NDArray[np.float32]]:
        planes = np.clip(np.stack(thumbnails), 0.0, 1.0).transpose(0, 3, 1, 2)
        grids = self._network(torch.from_numpy(np.ascontiguousarray(planes, np.float32)))
        return list(grids.numpy())

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        """Tell what CUDA says in one line; PyTorch has no class for all of it."""
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise DeviceError("cuda: too little memory on the GPU: try fewer --jobs") from error
        except RuntimeError as error:
            raise DeviceError(f"cuda: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["failed"])[0]
