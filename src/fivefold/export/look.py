"""A photo's look as a 3-D look-up table: what the enhancement did, as a function of colour alone.

The grid transforms a colour by where it lies in the photo; a table cannot. The best table is fitted
to what the enhancement did to the photo's pixels, and where the photo has no such colours it goes
over, smoothly, to what the grid does to a colour on average over all places.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fivefold import kernels
from fivefold.kernels.grid import BilateralGrid
from fivefold.photo import colour
from fivefold.photo.image import FULL_SCALE, Photo
from fivefold.photo.model_space import to_srgb

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SMALLEST_SIZE, LARGEST_SIZE = 2, 65
LOCAL_DELTA_E = 3.0
"""A look is too local for a table when more than one pixel in twenty is off by more than this
ΔE2000: about where a difference is seen without searching for it."""

_SAMPLED_ROWS, _SAMPLED_COLUMNS = 1024, 512  # half of the rows to fit, half to measure
_SMOOTHNESS = 1e-4  # λ, as a part of the photo's pixels
_REACH = 0.2  # √(λ/μ), as a part of the cube's side

Float32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far the table's pixels are from the real enhancement's, in CIEDE2000 and in dB.

    Attributes:
        mean_delta_e: Mean ΔE2000.
        p95_delta_e: The ΔE2000 that one pixel in twenty exceeds.
        psnr: 20 log₁₀(1 / RMSE), colours in 0…1; infinite without any difference.
        look_delta_e: For scale, the mean ΔE2000 between the photo and its enhancement.
        pixels: How many pixels were compared; the fit did not see them.
    """

    mean_delta_e: float
    p95_delta_e: float
    psnr: float
    look_delta_e: float
    pixels: int

    @property
    def is_too_local(self) -> bool:
        """Whether the photo's look cannot be told by colour alone: see ``LOCAL_DELTA_E``."""
        return self.p95_delta_e > LOCAL_DELTA_E


def fit_look(photo: Photo, grid: BilateralGrid, *, size: int = 33) -> tuple[Float32, Deviation]:
    """The table that is nearest to what a grid does to a photo.

    It minimises Σ_p |L(φ_p) − O_p|² + λ Σ |∇(L − L̄)|² + μ Σ |L − L̄|² over the nodes of L: φ_p are
    the photo's pixels, O_p the enhanced ones, L(·) trilinear interpolation, and L̄ the grid averaged
    over all places. The second term fills gaps as a membrane would, which never leaves the range
    that it is held in; the third lets it come to rest at L̄.

    Args:
        photo: Of any size; in another colour space than sRGB, its pixels are taken to sRGB first.
        grid: What was predicted for it, with the strength that is wanted.
        size: Nodes along each axis, 2 to 65.

    Returns:
        The table ``(size, size, size, 3)``, sRGB in 0…1, indexed by red, green and blue of the
        sRGB input; and how well it does.

    Raises:
        ValueError: For another size.
    """
    if not SMALLEST_SIZE <= size <= LARGEST_SIZE:
        raise ValueError(f"size must be {SMALLEST_SIZE} to {LARGEST_SIZE}, received {size}")
    before, after = _samples(photo, grid)
    average = average_look(grid, size)
    table = _fit(
        before[::2].reshape(-1, 3), after[::2].reshape(-1, 3), average.reshape(-1, 3), size
    ).reshape(average.shape)
    held_out = slice(1, None, 2) if len(before) > 1 else slice(None)
    return table, _measure(table, before[held_out].reshape(-1, 3), after[held_out].reshape(-1, 3))


def average_look(grid: BilateralGrid, size: int) -> Float32:
    """What a grid does to a colour on average over all places, as a table.

    Slicing is linear in the coefficients, so the average of the results is the result of the
    averaged grid.

    Returns:
        ``(size, size, size, 3)``, sRGB in 0…1, indexed by red, green and blue.
    """
    one_place = BilateralGrid(grid.coefficients.mean(axis=(2, 3), keepdims=True), grid.guide)
    axis = np.linspace(0, 1, size, dtype=np.float32)
    colours = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    table = kernels.render(colours.reshape(size, -1, 3), one_place)
    return np.asarray(table, np.float32).reshape(colours.shape)


def apply_look(table: Float32, colours: Float32) -> Float32:
    """Look colours up by trilinear interpolation.

    Args:
        table: ``(n, n, n, 3)``, indexed by red, green and blue.
        colours: ``(N, 3)``, sRGB; held in 0…1 first, as other programs do.

    Returns:
        ``(N, 3)``.
    """
    looked_up: Float32 = _weights(colours, len(table)) @ table.reshape(-1, 3)
    return looked_up


def _samples(photo: Photo, grid: BilateralGrid) -> tuple[Float32, Float32]:
    """Pixels spread evenly over the photo, sRGB in 0…1, before and after; ``(rows, columns, 3)``.

    Every row is rendered whole and in its place, so that these are the enhancement's own pixels.
    """
    rows = np.unique(np.linspace(0, photo.height_px - 1, _SAMPLED_ROWS).astype(int))
    columns = np.unique(np.linspace(0, photo.width_px - 1, _SAMPLED_COLUMNS).astype(int))
    scale = np.float32(FULL_SCALE[photo.pixels.dtype])
    before = np.empty((len(rows), len(columns), 3), np.float32)
    after = np.empty_like(before)
    for i, row in enumerate(rows):
        coded = photo.pixels[row : row + 1].astype(np.float32) / scale
        srgb = np.clip(to_srgb(coded, photo.icc_profile), 0, 1)
        enhanced = kernels.render(
            srgb, grid, first_row=int(row), height_px=photo.height_px, threads=1
        )
        before[i], after[i] = srgb[0, columns], enhanced[0, columns]
    return before, after


def _weights(colours: Float32, size: int) -> csr_array:
    """The trilinear weights of colours among a table's nodes, ``(N, size³)``; blue runs fastest."""
    from scipy.sparse import csr_array

    place = np.clip(colours.astype(np.float64), 0, 1) * (size - 1)
    lower = np.minimum(place.astype(np.int64), size - 2)
    fraction = place - lower
    nodes, weights = [], []
    for corner in np.ndindex(2, 2, 2):
        r, g, b = (lower + corner).T
        nodes.append((r * size + g) * size + b)
        weights.append(np.where(corner, fraction, 1 - fraction).prod(axis=1))
    starts = np.arange(len(colours) + 1) * 8
    return csr_array(
        (np.stack(weights, axis=1).ravel(), np.stack(nodes, axis=1).ravel(), starts),
        shape=(len(colours), size**3),
    )


def _fit(before: Float32, after: Float32, average: Float32, size: int) -> Float32:
    """The minimum that :func:`fit_look` states, ``(size³, 3)``, held in 0…1.

    Far from the photo's colours the change falls off by e over √(λ/μ) nodes.
    """
    from scipy.sparse.linalg import LinearOperator, cg

    weights = _weights(before, size)
    smoothness = _SMOOTHNESS * len(before)
    pull = smoothness / (_REACH * (size - 1)) ** 2
    normal = (weights.T @ weights + smoothness * _squared_steps(size)).tocsr()
    normal.setdiag(normal.diagonal() + pull)
    residual = weights.T @ (after - weights @ average)
    scale = 1 / normal.diagonal()
    by_diagonal = LinearOperator(normal.shape, matvec=lambda v: scale * v)
    change = [cg(normal, column, rtol=1e-5, M=by_diagonal)[0] for column in residual.T]
    table: Float32 = np.clip(average + np.stack(change, axis=1), 0, 1).astype(np.float32)
    return table


def _squared_steps(size: int) -> Any:
    """The matrix of Σ (r_i − r_j)² over neighbouring nodes: the graph Laplacian of the cube."""
    from scipy.sparse import diags_array, eye_array, kron

    ends = np.full(size, 2.0)
    ends[[0, -1]] -= 1.0
    line = diags_array([-np.ones(size - 1), ends, -np.ones(size - 1)], offsets=[-1, 0, 1])
    one = eye_array(size)
    along_r = kron(line, kron(one, one))
    along_g = kron(one, kron(line, one))
    along_b = kron(one, kron(one, line))
    return along_r + along_g + along_b


def _measure(table: Float32, before: Float32, after: Float32) -> Deviation:
    import skimage.color

    delta_e: Callable[..., NDArray[Any]] = skimage.color.deltaE_ciede2000
    received = apply_look(table, before)
    enhanced = colour.srgb_to_lab(after)
    difference = delta_e(enhanced, colour.srgb_to_lab(received))
    error = float(np.mean(np.square(received - after, dtype=np.float64)))
    return Deviation(
        mean_delta_e=float(difference.mean()),
        p95_delta_e=float(np.quantile(difference, 0.95)),
        psnr=-10 * float(np.log10(error)) if error > 0 else float("inf"),
        look_delta_e=float(delta_e(enhanced, colour.srgb_to_lab(before)).mean()),
        pixels=len(before),
    )
