"""How near a result is to what a retoucher made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def psnr(
    result: NDArray[np.uint8], target: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None
) -> float:
    """Peak signal-to-noise ratio in dB, over the masked pixels of two 8-bit sRGB pictures.

    Args:
        result: ``(H, W, 3)``.
        target: ``(H, W, 3)``.
        mask: ``(H, W)``, true where a pixel counts; all count without it.

    Returns:
        20 log₁₀(255 / RMSE); infinite for equal pictures.
    """
    if result.shape != target.shape:
        raise ValueError(f"shapes must be equal, received {result.shape} and {target.shape}")
    difference = result.astype(np.float64) - target.astype(np.float64)
    if mask is not None:
        difference = difference[mask]
    error = float(np.mean(np.square(difference)))
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))
