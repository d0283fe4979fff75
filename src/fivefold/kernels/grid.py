"""What the network predicts for a photo: a guide and a bilateral grid of colour transforms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

COEFFICIENTS = 12  # a 3×4 affine transform
GUIDE_KNOTS = 16


@dataclass(frozen=True, slots=True)
class Guide:
    """The learned map from a pixel's colour to its depth in the grid (PAPER section 2).

    g = clip( b + 1/3 Σ_c ρ_c(M_cᵀφ + b′_c), 0, 1 ) with ρ_c(u) = Σ_i a_{c,i} max(u − t_{c,i}, 0).

    Attributes:
        matrix: M, ``(3, 3)``; row c holds the weights of the three input channels for curve c.
        matrix_bias: b′, ``(3,)``.
        slopes: a, ``(3, 16)``.
        thresholds: t, ``(3, 16)``, in the units of the photo (0…1).
        bias: b, which is rounded to ``float32``, the type of all the others.
    """

    matrix: NDArray[np.float32]
    matrix_bias: NDArray[np.float32]
    slopes: NDArray[np.float32]
    thresholds: NDArray[np.float32]
    bias: float = 0.0

    def __post_init__(self) -> None:
        expected = {
            "matrix": (3, 3),
            "matrix_bias": (3,),
            "slopes": (3, GUIDE_KNOTS),
            "thresholds": (3, GUIDE_KNOTS),
        }
        for name, shape in expected.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, received {array.shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} must be finite")
        with np.errstate(over="ignore"):
            bias = float(np.float32(self.bias))
        if not np.isfinite(bias):
            raise ValueError(f"bias must be finite in float32, received {self.bias}")
        object.__setattr__(self, "bias", bias)

    def __repr__(self) -> str:
        """One line, without the numbers."""
        return f"<Guide of {GUIDE_KNOTS} {'uniform ' if self.has_uniform_knots else ''}knots>"

    @staticmethod
    def identity() -> Guide:
        """The guide before training: g is the mean of the channels; a grey ramp maps to itself."""
        slopes = np.zeros((3, GUIDE_KNOTS), np.float32)
        slopes[:, 0] = 1.0
        knots = np.arange(GUIDE_KNOTS, dtype=np.float32) / GUIDE_KNOTS
        return Guide(
            matrix=np.eye(3, dtype=np.float32),
            matrix_bias=np.zeros(3, np.float32),
            slopes=slopes,
            thresholds=np.tile(knots, (3, 1)),
        )

    @property
    def has_uniform_knots(self) -> bool:
        """Whether every threshold sits at i/16, the special case that kernels evaluate faster."""
        knots = np.arange(GUIDE_KNOTS, dtype=np.float32) / GUIDE_KNOTS
        return bool((self.thresholds == knots).all())


@dataclass(frozen=True, slots=True)
class BilateralGrid:
    """A grid of affine colour transforms and the guide that slices it.

    Attributes:
        coefficients: A, ``(12, depth, height, width)`` ``float32``. Coefficient ``4c + c′`` is the
            weight of input channel c′ in output channel c, ``4c + 3`` its offset; both act on
            colours in 0…1, coded as sRGB.
        guide: What maps a pixel's colour to its depth.
    """

    coefficients: NDArray[np.float32]
    guide: Guide

    def __post_init__(self) -> None:
        shape = self.coefficients.shape
        if len(shape) != 4 or shape[0] != COEFFICIENTS or 0 in shape:
            raise ValueError(
                f"coefficients must be ({COEFFICIENTS}, depth, height, width), received {shape}"
            )
        if self.coefficients.dtype != np.float32:
            raise TypeError(f"coefficients must be float32, received {self.coefficients.dtype}")
        if not np.isfinite(self.coefficients).all():
            raise ValueError("coefficients must be finite")

    def __repr__(self) -> str:
        """One line, without the numbers."""
        return f"<BilateralGrid {self.coefficients.shape} {self.coefficients.dtype}, {self.guide}>"

    @staticmethod
    def identity(depth: int = 8, height: int = 16, width: int = 16) -> BilateralGrid:
        """A grid that leaves every photo as it is."""
        return BilateralGrid(identity_coefficients(depth, height, width), Guide.identity())

    @property
    def depth(self) -> int:
        """d, the number of cells along the guide."""
        return int(self.coefficients.shape[1])

    def with_strength(self, strength: float) -> BilateralGrid:
        """The grid whose result lies ``strength`` of the way from the photo to this grid's result.

        Slicing is linear in the coefficients and its weights sum to one, so blending the grid with
        the identity is the same as blending the pictures (before rounding and clipping).

        Args:
            strength: 0 is the untouched photo, 1 this grid; values beyond extrapolate.
        """
        if strength == 1.0:
            return self
        identity = identity_coefficients(1, 1, 1)
        blended = identity + np.float32(strength) * (self.coefficients - identity)
        return replace(self, coefficients=blended.astype(np.float32))


def identity_coefficients(depth: int, height: int, width: int) -> NDArray[np.float32]:
    """The transform that changes nothing in every cell, ``(12, depth, height, width)``."""
    coefficients = np.zeros((COEFFICIENTS, depth, height, width), np.float32)
    coefficients[[0, 5, 10]] = 1.0
    return coefficients
