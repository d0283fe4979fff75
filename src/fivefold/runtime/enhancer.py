"""Photo in, photo out: the network predicts a grid from the thumbnail, the grid is rendered."""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fivefold import kernels
from fivefold.errors import BundleError
from fivefold.kernels.grid import BilateralGrid
from fivefold.photo.colour import LUMA
from fivefold.photo.image import Photo, Pixels, check_photo
from fivefold.photo.model_space import ModelSpace, model_space, to_srgb
from fivefold.photo.threads import available_threads, share_out
from fivefold.runtime.blend import Blend, blend_weights, blended, only_style
from fivefold.runtime.bundle import SUFFIX, Bundle
from fivefold.runtime.network import Network

DEFAULT_BUNDLE = "consensus"
STRENGTH_LIMIT = 1.5
_STRIP_PIXELS = 1 << 16  # less than a megabyte, so that a strip's steps stay in the cache

_SHIPPED = Path(__file__).resolve().parent.parent / "weights"
_LUMA = np.array(LUMA, np.float32)


class Enhancer:
    """A trained bundle, ready to enhance photos.

    It may be called from several threads at once.

    Attributes:
        bundle: What was loaded.
        styles: Names of the styles that it has, the default first.
        blend: How much of each style it gives, ``(styles,)``, with a sum of 1.
        device: Where it runs, ``"cpu"`` or ``"cuda"``.
        network_engine: What runs the network on a CPU, ``"native"``, the compiled layers, or
            ``"onnxruntime"``.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        expert: str | Blend | None = None,
        threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        """Make the network of ``bundle`` ready.

        Args:
            bundle: A bundle in memory.
            expert: Whose style, one of the bundle's, or a blend such as ``"a=0.5,d=0.5"``; the
                bundle's first without it.
            threads: How many threads one call may use; by default as many as the process may run.
            device: ``"cpu"``; ``"cuda"``, an NVIDIA GPU or an error; or ``"auto"``, a GPU if one
                can be used.

        Raises:
            BundleDamagedError: If the network is not one that ONNX Runtime can run, or not one
                from thumbnail to grid.
            DeviceError: If ``"cuda"`` was asked for and cannot be used.
            MissingExtraError: If something for it is not installed.
            ValueError: If ``threads`` is below 1, the bundle does not have the style, or for
                another device.
        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be at least 1, received {threads}")
        self.bundle = bundle
        self.styles = list(bundle.manifest.styles or (bundle.manifest.name,))
        self.blend = blend_weights(expert, self.styles)
        self._threads = threads
        self.device = "cpu"
        network = Network(bundle, threads=threads)
        self.network_engine = network.engine_name
        self._predict: Callable[[NDArray[np.float32], int | None], NDArray[np.float32]] = network
        self._render: Callable[..., Pixels] = kernels.render
        if device != "cpu":
            self._move_to(device, network)

    @classmethod
    def load(
        cls,
        bundle: str | os.PathLike[str] | None = None,
        *,
        expert: str | Blend | None = None,
        threads: int | None = None,
        device: str = "cpu",
    ) -> Self:
        """Load a bundle from a file, or one that came with the package.

        Args:
            bundle: A path, or a name listed by :func:`shipped_bundles`; by default
                ``"consensus"``.
            expert: Whose style, one of the bundle's, or a blend such as ``"a=0.5,d=0.5"``; the
                bundle's first without it.
            threads: How many threads one call may use; by default as many as the process may run.
            device: ``"cpu"``, ``"cuda"`` or ``"auto"``.

        Raises:
            DeviceError: If ``"cuda"`` was asked for and cannot be used.
            MissingExtraError: If something for it is not installed.
            BundleError: If there is no such bundle, or it cannot be read.
            BundleDamagedError: If it was truncated or changed.
            BundleFormatError: If a newer fivefold wrote it.
            ValueError: If ``threads`` is below 1, the bundle does not have the style, or for
                another device.
        """
        path = find_bundle(bundle)
        bundle_read = Bundle.read(path, is_installed=path.parent == _SHIPPED)
        return cls(bundle_read, expert=expert, threads=threads, device=device)

    @property
    def model_name(self) -> str:
        """What made a photo: the bundle, and the style or blend where the bundle has several."""
        name = self.bundle.manifest.name
        if len(self.styles) == 1:
            return name
        shares = {s: f"{b:.4g}" for s, b in zip(self.styles, self.blend, strict=True) if b}
        alone = shares.get(self.styles[0]) == "1"
        return name if alone else f"{name} ({', '.join(f'{s} {b}' for s, b in shares.items())})"

    def in_style(self, expert: str | Blend) -> Self:
        """The same enhancer with another style or blend; both share the network.

        Raises:
            ValueError: If the bundle does not have the style.
        """
        other = copy(self)
        other.blend = blend_weights(expert, self.styles)
        return other

    def _move_to(self, wanted: str, network: Network) -> None:
        """Let a GPU predict and render, if it is to."""
        from fivefold.runtime.device import choose_device

        chosen = choose_device(wanted)
        if chosen.kind == "cpu":
            return
        from fivefold.runtime.gpu.engine import GpuEngine

        engine = GpuEngine(self.bundle, network)
        self.device, self._predict, self._render = chosen.kind, engine.predict, engine.render

    def predict(self, photo: Photo) -> BilateralGrid:
        """Predict a photo's grid from its thumbnail (PAPER section 1).

        The thumbnail is taken to sRGB through the photo's profile first, so that the same scene
        gets the same grid in whatever colour space it was saved.

        Args:
            photo: Of any size.

        Returns:
            The grid.

        Raises:
            TypeError: For something else than a photo, such as a bare array.
            ValueError: If the thumbnail is not finite.
            BundleDamagedError: If the network's answer is not finite.
        """
        check_photo(photo)
        thumbnail = kernels.thumbnail(
            photo.pixels, self.bundle.manifest.input_size_px, threads=self._threads
        )
        if not np.isfinite(thumbnail).all():
            raise ValueError("pixels must be finite, received NaN or infinity")
        thumbnail = to_srgb(thumbnail, photo.icc_profile)
        style = only_style(self.blend)
        grids = self._predict(thumbnail, style)  # (styles or 1, 12, depth, rows, columns)
        blend = self.blend if style is None else self.blend[style : style + 1]
        return BilateralGrid(blended(grids, blend), self.bundle.guide)

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
            TypeError: For something else than a photo and a grid.
            ValueError: If ``strength`` is out of range, or ``in_place`` is asked for pixels that
                cannot be written.
        """
        check_photo(photo)
        if not isinstance(grid, BilateralGrid):
            raise TypeError(f"expected a BilateralGrid, received {type(grid).__name__}")
        check_strength(strength)
        if strength == 0:
            return photo if in_place else photo.with_pixels(photo.pixels.copy())
        grid = grid.with_strength(strength)
        if photo.is_greyscale:
            grid = neutral(grid)
        space = model_space(photo.icc_profile)
        out = photo.pixels if in_place else np.empty_like(photo.pixels)
        if space is None:
            self._render(photo.pixels, grid, out=out, threads=self._threads)
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
            self._render(
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
