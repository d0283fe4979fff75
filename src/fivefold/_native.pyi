"""The compiled kernels of csrc; see :mod:`fivefold.kernels`, which checks their arguments."""

import numpy as np
from numpy.typing import NDArray

from fivefold.photo.image import Pixels

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
