"""Photo in, photo out: the network predicts a grid from the thumbnail, the grid is rendered."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np

from fivefold import kernels
from fivefold.errors import BundleError
from fivefold.kernels.grid import BilateralGrid
from fivefold.photo.image import Photo, Pixels
from fivefold.photo.model_space import ModelSpace, model_space, to_srgb
from fivefold.photo.threads import available_threads, share_out
from fivefold.runtime.bundle import SUFFIX, Bundle
from fivefold.runtime.network import Network

DEFAULT_BUNDLE = "consensus"
STRENGTH_LIMIT = 1.5
_STRIP_PIXELS = 1 << 16  # less than a megabyte, so that a strip's steps stay in the cache

_SHIPPED = Path(__file__).resolve().parent.parent / "weights"
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709, on coded values


class Enhancer:
    """A trained bundle, ready to enhance photos.

    It may be called from several threads at once.

    Attributes:
        bundle: What was loaded.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """Make the network of ``bundle`` ready.

        Args:
            bundle: A bundle in memory.
            threads: How many threads one call may use; by default as many as the process may run.

        Raises:
            BundleDamagedError: If the network is not one that ONNX Runtime can run, or not one
                from thumbnail to grid.
            ValueError: If ``threads`` is below 1.
        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be at least 1, received {threads}")
        self.bundle = bundle
        self._threads = threads
        self._network = Network(bundle, threads=threads)

    @classmethod
    def load(
        cls, bundle: str | os.PathLike[str] | None = None, *, threads: int | None = None
    ) -> Self:
        """Load a bundle from a file, or one that came with the package.

        Args:
            bundle: A path, or a name listed by :func:`shipped_bundles`; by default
                ``"consensus"``.
            threads: How many threads one call may use; by default as many as the process may run.

        Raises:
            BundleError: If there is no such bundle, or it cannot be read.
            BundleDamagedError: If it was truncated or changed.
            BundleFormatError: If a newer fivefold wrote it.
            ValueError: If ``threads`` is below 1.
        """
        return cls(Bundle.read(find_bundle(bundle)), threads=threads)

    def predict(self, photo: Photo) -> BilateralGrid:
        """Predict a photo's grid from its thumbnail (PAPER section 1).

        The thumbnail is taken to sRGB through the photo's profile first, so that the same scene
        gets the same grid in whatever colour space it was saved.

        Args:
            photo: Of any size.

        Returns:
            The grid.

        Raises:
            ValueError: If the thumbnail is not finite.
            BundleDamagedError: If the network's answer is not finite.
        """
        thumbnail = kernels.thumbnail(
            photo.pixels, self.bundle.manifest.input_size_px, threads=self._threads
        )
        if not np.isfinite(thumbnail).all():
            raise ValueError("pixels must be finite, received NaN or infinity")
        thumbnail = to_srgb(thumbnail, photo.icc_profile)
        return BilateralGrid(self._network(thumbnail), self.bundle.guide)

    def render(
        self, photo: Photo, grid: BilateralGrid, *, strength: float = 1.0, in_place: bool = False
    ) -> Photo:
        """Apply a grid to a photo at full resolution (PAPER section 2).

        A photo that came with one channel gets the luminance of the result in all three. One with
        another colour profile than sRGB goes through extended sRGB and back, a strip at a time,
        see :mod:`fivefold.photo.model_space`.

        Args:
            photo: Of any size; its alpha, profile and metadata are kept.
            grid: What :meth:`predict` returned for it, or for another photo.
            strength: 0 is the untouched photo, 1 the model, up to 1.5; below 0 (to -1.5) it goes
                the other way.
            in_place: Write the result over ``photo.pixels``, which saves a photo's memory.

        Returns:
            The enhanced photo, of the same pixel type. Its profile is another one (sRGB) only where
            the photo's cannot code colours.

        Raises:
            ValueError: If ``strength`` is out of range, or ``in_place`` is asked for pixels that
                cannot be written.
        """
        check_strength(strength)
        if strength == 0:
            return photo if in_place else photo.with_pixels(photo.pixels.copy())
        grid = grid.with_strength(strength)
        if photo.is_greyscale:
            grid = neutral(grid)
        space = model_space(photo.icc_profile)
        out = photo.pixels if in_place else np.empty_like(photo.pixels)
        if space is None:
            kernels.render(photo.pixels, grid, out=out, threads=self._threads)
            return photo.with_pixels(out)
        self._render_through(space, photo.pixels, grid, out)
        return replace(photo, pixels=out, icc_profile=space.result_profile)

    def _render_through(
        self, space: ModelSpace, pixels: Pixels, grid: BilateralGrid, out: Pixels
    ) -> None:
        """Render a photo of another colour space, its strips shared out among threads."""
        height_px, width_px, _ = pixels.shape
        rows = max(1, _STRIP_PIXELS // width_px)

        def render_strip(first_row: int) -> None:
            strip = slice(first_row, first_row + rows)
            srgb = space.to_model(pixels[strip])
            kernels.render(
                srgb,
                grid,
                out=srgb,
                first_row=first_row,
                height_px=height_px,
                clip=False,
                threads=1,
            )
            out[strip] = space.from_model(srgb, pixels.dtype)

        threads = self._threads or available_threads()
        share_out(render_strip, range(0, height_px, rows), threads)

    def __call__(self, photo: Photo, strength: float = 1.0) -> Photo:
        """Enhance a photo: :meth:`predict`, then :meth:`render`."""
        check_strength(strength)
        return self.render(photo, self.predict(photo), strength=strength)


def shipped_bundles() -> list[str]:
    """The names of the bundles that came with the package, sorted."""
    return sorted(path.stem for path in _SHIPPED.glob(f"*{SUFFIX}"))


def find_bundle(bundle: str | os.PathLike[str] | None = None) -> Path:
    """Where a bundle lies: the path given, or the file of a shipped name.

    Args:
        bundle: A path, a name listed by :func:`shipped_bundles`, or ``None`` for the default.

    Raises:
        BundleError: For a name that is neither a file nor shipped.
    """
    name = os.fspath(DEFAULT_BUNDLE if bundle is None else bundle)
    shipped = shipped_bundles()
    if name in shipped:
        return _SHIPPED / f"{name}{SUFFIX}"
    path = Path(name)
    if path.exists() or path.suffix == SUFFIX or path.name != name:
        return path
    known = ", ".join(shipped) or "none"
    raise BundleError(f"{name}: neither a file nor a bundle of this package (it has: {known})")


def check_strength(strength: float) -> None:
    """Refuse a strength that cannot be meant.

    Raises:
        ValueError: If it lies outside -1.5…1.5.
    """
    if not -STRENGTH_LIMIT <= strength <= STRENGTH_LIMIT:  # also refuses NaN
        raise ValueError(
            f"strength must lie in -{STRENGTH_LIMIT}…{STRENGTH_LIMIT}, received {strength}"
        )


def neutral(grid: BilateralGrid) -> BilateralGrid:
    """The grid whose three outputs all are the luminance of this grid's output.

    Luminance is a weighted sum of the output's channels, and these are affine in the input, so it
    is an affine transform too: one that leaves a grey photo grey, at no cost in pixels.
    """
    rows = grid.coefficients.reshape(3, 4, *grid.coefficients.shape[1:])
    luminance = np.tensordot(_LUMA, rows, axes=1)
    return replace(grid, coefficients=np.concatenate([luminance] * 3))
