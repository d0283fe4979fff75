"""The compiled kernels of csrc; see :mod:`fivefold.kernels`, which checks their arguments."""

import numpy as np
from numpy.typing import NDArray

from fivefold.photo.image import Pixels

Reals = NDArray[np.float32] | NDArray[np.float64]

def render(
    pixels: Pixels,
    output: Pixels,
    coefficients: NDArray[np.float32],
    matrix: NDArray[np.float32],
    matrix_bias: NDArray[np.float32],
    slopes: NDArray[np.float32],
    thresholds: NDArray[np.float32],
    bias: float,
    first_row: int,
    full_height: int,
    clip: bool,
    threads: int,
) -> None: ...
def thumbnail(pixels: Pixels, output: NDArray[np.float32], threads: int) -> None: ...
def arithmetic(
    coefficients: NDArray[np.float32],
    matrix: NDArray[np.float32],
    matrix_bias: NDArray[np.float32],
    slopes: NDArray[np.float32],
    thresholds: NDArray[np.float32],
    bias: float,
    sample_bits: int,
) -> str: ...
def convolve(
    input: NDArray[np.float32],  # noqa: A002
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    output: NDArray[np.float32],
    stride: int,
    rectifies: bool,
    threads: int,
) -> None: ...
def connect(
    input: NDArray[np.float32],  # noqa: A002
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    output: NDArray[np.float32],
    rectifies: bool,
) -> None: ...
def pack_weights(stored: NDArray[np.float32], packed: NDArray[np.float32]) -> None: ...
def training_forward(
    photo: Reals,
    coefficients: Reals,
    guide: Reals,
    frames: NDArray[np.int64],
    output: Reals,
    threads: int,
) -> None: ...
def training_backward(
    photo: Reals,
    coefficients: Reals,
    guide: Reals,
    frames: NDArray[np.int64],
    grad_output: Reals,
    grad_coefficients: Reals,
    grad_guide: Reals,
    grad_photo: Reals | None,
    threads: int,
) -> None: ...
def instruction_set() -> str: ...
def limit_instruction_set(most: str) -> None: ...

class JpegScan:
    def __init__(
        self,
        file: bytes,
        begin: int,
        mcus_across: int,
        mcu_rows: int,
        restart_interval: int,
        components: bytes,
        dc_tables: list[bytes],
        ac_tables: list[bytes],
    ) -> None: ...
    def find_cut(self, row: int, with_seam: bool) -> int | None: ...
    def cut(
        self, header: bytes, scan_header: bytes, first_row: int, last_row: int
    ) -> NDArray[np.uint8] | None: ...
