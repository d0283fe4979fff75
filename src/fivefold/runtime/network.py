"""The bundle's network: thumbnail in, coefficients of the grid out.

A network of the paper's kind runs on the compiled layers, any other in ONNX Runtime, which takes
longer to start than a photo takes to be enhanced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import BundleDamagedError
from fivefold.kernels.grid import COEFFICIENTS
from fivefold.runtime.bundle import Bundle
from fivefold.runtime.compiled_network import CompiledNetwork
from fivefold.runtime.network_values import UnknownNetworkError

if TYPE_CHECKING:
    import onnxruntime

# The network takes milliseconds: more threads would spend longer starting than working.
_MOST_THREADS = 2


class Network:
    """A checked network, which may be called from several threads at once."""

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """Make the network of ``bundle`` ready to run on the CPU.

        Args:
            bundle: A bundle in memory.
            threads: How many threads one call may use at the most.

        Raises:
            BundleDamagedError: If ONNX Runtime cannot run it, or it is not from thumbnail to grid.
        """
        self._source = bundle.source
        self._compiled: CompiledNetwork | None = None
        threads = min(threads or _MOST_THREADS, _MOST_THREADS)
        try:
            self._compiled = CompiledNetwork(bundle.network, threads=threads)
        except (ImportError, UnknownNetworkError):
            self._session = _open_session(bundle, threads)
        self._check_interface(bundle.manifest.input_size_px, bundle.manifest.grids)

    @property
    def engine_name(self) -> str:
        """What it runs on: ``"native"``, the compiled layers, or ``"onnxruntime"``."""
        return "onnxruntime" if self._compiled is None else "native"

    def __call__(
        self, thumbnail: NDArray[np.float32], style: int | None = None
    ) -> NDArray[np.float32]:
        """Predict the coefficients of a photo's grids, one for each style (PAPER section 1).

        Args:
            thumbnail: ``(256, 256, 3)``, sRGB; clipped to 0…1.
            style: Place of the only style that is wanted, which takes less time.

        Returns:
            ``(styles or 1, 12, depth, height, width)``, finite.

        Raises:
            BundleDamagedError: If the network's answer is not finite or of another shape.
        """
        if thumbnail.min() < 0.0 or thumbnail.max() > 1.0:
            thumbnail = np.clip(thumbnail, 0.0, 1.0)
        planes = thumbnail.transpose(2, 0, 1)[None]
        if self._compiled is not None:
            grids = self._compiled(planes.astype(np.float32, copy=False), style)
        else:
            planes = np.ascontiguousarray(planes, np.float32)
            grids = self._session.run(["grid"], {"thumbnail": planes})[0]
            grids = grids if style is None else grids[style : style + 1]
        if not np.isfinite(grids).all():
            raise BundleDamagedError(f"{self._source}: the network's answer is not finite")
        answer: NDArray[np.float32] = grids
        return answer

    def _check_interface(self, size_px: int, styles: int) -> None:
        takes, gives = self._interface()
        if takes != [("thumbnail", "tensor(float)", [1, 3, size_px, size_px])]:
            raise BundleDamagedError(
                f"{self._source}: network.onnx must take 'thumbnail' (1, 3, {size_px}, {size_px}), "
                f"it takes {takes}"
            )
        name, kind, shape = gives[0]
        known = all(isinstance(size, int) and size > 0 for size in shape)
        grid = name == "grid" and kind == "tensor(float)" and shape[:2] == [styles, COEFFICIENTS]
        if len(gives) != 1 or not grid or not known or len(shape) != 5:
            raise BundleDamagedError(
                f"{self._source}: network.onnx must give 'grid' ({styles}, {COEFFICIENTS}, depth, "
                f"height, width), it gives {gives}"
            )

    def _interface(self) -> tuple[list[_Port], list[_Port]]:
        """What the network takes and gives: names, types and shapes."""
        if self._compiled is not None:
            compiled = self._compiled
            return (
                [("thumbnail", "tensor(float)", [*compiled.input_shape])],
                [("grid", "tensor(float)", [*compiled.output_shape])],
            )
        takes, gives = self._session.get_inputs(), self._session.get_outputs()
        return (
            [(node.name, node.type, node.shape) for node in takes],
            [(node.name, node.type, node.shape) for node in gives],
        )


_Port = tuple[str, str, list[int]]


def engines_difference(bundle: Bundle, *, draws: int = 4) -> float | None:
    """How far the compiled layers and ONNX Runtime are apart on random thumbnails, at most.

    Args:
        bundle: A bundle in memory.
        draws: Number of thumbnails, from dark to bright ones.

    Returns:
        The largest difference of a coefficient; ``None`` if only ONNX Runtime can run the network.

    Raises:
        BundleDamagedError: If ONNX Runtime cannot run it.
    """
    session = _open_session(bundle, 1)
    try:
        compiled = CompiledNetwork(bundle.network, threads=1)
    except (ImportError, UnknownNetworkError):
        return None
    random = np.random.default_rng(0)
    largest = 0.0
    for draw in range(draws):
        thumbnail = random.random(compiled.input_shape, dtype=np.float32) ** np.float32(draw + 0.5)
        (expected,) = session.run(["grid"], {"thumbnail": thumbnail})
        largest = max(largest, float(np.abs(compiled(thumbnail) - expected).max()))
    return largest


def _open_session(bundle: Bundle, threads: int) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is fatal is raised as well
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = threads
    # Idle workers sleep, instead of taking the cores that decode and render.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(
            bundle.network, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's errors have no base class of their own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BundleDamagedError(f"{bundle.source}: network.onnx: {reason}") from error
