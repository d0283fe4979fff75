"""How near a result is to what a retoucher made, by the measures that the field reports.

All of them compare two 8-bit sRGB pictures of one size, and all but PSNR are scikit-image's.
Figures of different papers differ in the details: what these are is said here, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import MissingExtraError

_SSIM_SIGMA = 1.5
_SSIM_WINDOW_PX = 11
METRICS = ("psnr", "ssim", "delta_e_76", "delta_e_2000")


@dataclass(frozen=True)
class Scores:
    """All measures of one result.

    Attributes:
        psnr: In dB; infinite for equal pictures.
        ssim: Mean structural similarity, 1 for equal pictures.
        delta_e_76: Mean CIE 1976 colour difference; what papers on look-up tables call ΔE.
        delta_e_2000: Mean CIEDE2000 colour difference.
    """

    psnr: float
    ssim: float
    delta_e_76: float
    delta_e_2000: float


def score(
    result: NDArray[np.uint8], target: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None
) -> Scores:
    """All measures of a result.

    Args:
        result: ``(H, W, 3)`` sRGB, 0…255.
        target: Likewise.
        mask: ``(H, W)``, true where a pixel counts; all count without it.

    Raises:
        ValueError: If shapes differ, no pixel counts, or a side has fewer than 11 pixels.
        TypeError: For pixels other than 8-bit.
        MissingExtraError: If scikit-image is not installed.
    """
    lab = _to_lab(result), _to_lab(target)
    return Scores(
        psnr(result, target, mask),
        ssim(result, target, mask),
        _mean_difference("deltaE_cie76", *lab, mask),
        _mean_difference("deltaE_ciede2000", *lab, mask),
    )


def psnr(
    result: NDArray[np.uint8], target: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None
) -> float:
    """Peak signal-to-noise ratio in dB, over the masked pixels of two 8-bit sRGB pictures.

    Args:
        result: ``(H, W, 3)``.
        target: ``(H, W, 3)``.
        mask: ``(H, W)``, true where a pixel counts; all count without it.

    Returns:
        20 log₁₀(255 / RMSE), the mean over pixels and channels; infinite for equal pictures.
    """
    _check(result, target, mask)
    difference = result.astype(np.float64) - target.astype(np.float64)
    if mask is not None:
        difference = difference[mask]
    error = float(np.mean(np.square(difference)))
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))


def ssim(
    result: NDArray[np.uint8], target: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None
) -> float:
    """Structural similarity with the window of Wang et al. (2004), over the masked pixels.

    Gaussian window of σ = 1.5, 11 × 11 pixels, K₁ = 0.01, K₂ = 0.03; of each channel, then the
    mean. The outer five pixels, whose windows reach beyond the picture, are left out.

    Args:
        result: ``(H, W, 3)``.
        target: ``(H, W, 3)``.
        mask: ``(H, W)``, true where a pixel counts; all count without it.
    """
    _check(result, target, mask)
    if min(result.shape[:2]) < _SSIM_WINDOW_PX:
        raise ValueError(
            f"pictures must have sides of {_SSIM_WINDOW_PX} pixels or more, received "
            f"{result.shape[1]}×{result.shape[0]}"
        )
    try:
        from skimage.metrics import structural_similarity
    except ImportError as error:
        raise MissingExtraError("scikit-image", "evaluate") from error
    compute: Any = structural_similarity
    _, similarity = compute(
        result,
        target,
        data_range=255,
        channel_axis=2,
        gaussian_weights=True,
        sigma=_SSIM_SIGMA,
        use_sample_covariance=False,
        full=True,
    )
    inner = slice(_SSIM_WINDOW_PX // 2, -(_SSIM_WINDOW_PX // 2))
    similarity = similarity[inner, inner]
    if mask is not None:
        similarity = similarity[mask[inner, inner]]
    return float(np.mean(similarity))


def delta_e_76(
    result: NDArray[np.uint8], target: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None
) -> float:
    """Mean CIE 1976 colour difference: Euclidean in CIE L*a*b* relative to D65."""
    _check(result, target, mask)
    return _mean_difference("deltaE_cie76", _to_lab(result), _to_lab(target), mask)


def delta_e_2000(
    result: NDArray[np.uint8], target: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None
) -> float:
    """Mean CIEDE2000 colour difference."""
    _check(result, target, mask)
    return _mean_difference("deltaE_ciede2000", _to_lab(result), _to_lab(target), mask)


def _to_lab(srgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    try:
        from skimage.color import rgb2lab
    except ImportError as error:
        raise MissingExtraError("scikit-image", "evaluate") from error
    return np.asarray(rgb2lab(srgb), np.float64)


def _mean_difference(
    name: str,
    lab: NDArray[np.float64],
    target_lab: NDArray[np.float64],
    mask: NDArray[np.bool_] | None,
) -> float:
    from skimage import color

    if mask is not None:
        lab, target_lab = lab[mask], target_lab[mask]
    return float(np.mean(getattr(color, name)(target_lab, lab)))


def _check(
    result: NDArray[np.uint8], target: NDArray[np.uint8], mask: NDArray[np.bool_] | None
) -> None:
    if result.dtype != np.uint8 or target.dtype != np.uint8:
        raise TypeError(f"pictures must be uint8, received {result.dtype} and {target.dtype}")
    if result.shape != target.shape:
        raise ValueError(f"shapes must be equal, received {result.shape} and {target.shape}")
    if mask is not None:
        if mask.shape != result.shape[:2]:
            raise ValueError(f"mask must be {result.shape[:2]}, received {mask.shape}")
        if not mask.any():
            raise ValueError("mask must leave some pixels, received none")
