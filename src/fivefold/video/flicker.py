"""How much a result trembles where its source stands still."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fivefold.photo.colour import srgb_to_lab

STATIC_DELTA_E = 1.0  # about what an eye just sees


@dataclass(frozen=True, slots=True)
class Flicker:
    """Temporal colour differences of static regions.

    Attributes:
        result: Mean ΔE*76 from one frame of the result to the next, over static cells.
        source: The same of the source: what noise and coding alone amount to.
        static_share: How much of the video is static.
    """

    result: float
    source: float
    static_share: float


def flicker(
    pairs: Iterable[tuple[NDArray[np.float32], NDArray[np.float32]]],
    *,
    static_delta_e: float = STATIC_DELTA_E,
) -> Flicker:
    """Measure flicker over one shot.

    With frames n reduced to cells x by area averaging, which takes away most noise, and
    ΔE_n(x) = ‖Lab(n + 1, x) − Lab(n, x)‖ (CIE 1976), the measure is the mean of the result's
    ΔE_n(x) over all n and those x where the source's is below ``static_delta_e``.

    Args:
        pairs: Source and result of each frame in turn, ``(rows, columns, 3)``, sRGB in 0…1.
        static_delta_e: Below which change of the source a cell is static.

    Returns:
        The measure. Zeros if nothing is static.

    Raises:
        ValueError: If the two pictures of a pair differ in shape.
    """
    static_cells = cells = 0
    result_sum = source_sum = 0.0
    before: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None
    for source, result in pairs:
        if source.shape != result.shape:
            raise ValueError(f"shapes must be equal, received {source.shape} and {result.shape}")
        now = srgb_to_lab(source), srgb_to_lab(result)
        if before is not None:
            source_change, result_change = (
                np.linalg.norm(later - earlier, axis=-1)
                for later, earlier in zip(now, before, strict=True)
            )
            is_static = source_change < static_delta_e
            cells += is_static.size
            static_cells += int(is_static.sum())
            source_sum += float(source_change[is_static].sum())
            result_sum += float(result_change[is_static].sum())
        before = now
    if not static_cells:
        return Flicker(0.0, 0.0, 0.0)
    return Flicker(result_sum / static_cells, source_sum / static_cells, static_cells / cells)
