"""A photo goes in, the network looks at it once, and the same kind of photo comes out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageCms

from fivefold.errors import BundleDamagedError, BundleError
from fivefold.kernels.grid import BilateralGrid
from fivefold.photo import colour, profile
from fivefold.photo.image import FULL_SCALE, Metadata, Photo
from fivefold.runtime.enhancer import Enhancer, find_bundle, shipped_bundles
from tiny_bundle import brightening, make_network


def photo_of(colour: tuple[float, float, float], dtype: str = "uint8", **facts: object) -> Photo:
    """A flat photo, its colour in 0…1."""
    scale = FULL_SCALE[np.dtype(dtype)]
    pixels = np.round(np.array(colour) * scale, 0 if scale > 1 else 6).astype(dtype)
    return Photo(np.broadcast_to(pixels, (20, 30, 3)).copy(), **facts)


def random_photo(dtype: str = "uint8", seed: int = 0, **facts: object) -> Photo:
    scale = FULL_SCALE[np.dtype(dtype)]
    pixels = np.random.default_rng(seed).uniform(0, scale, (41, 67, 3)).astype(dtype)
    return Photo(pixels, **facts)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_enhances_by_what_the_network_says(enhancer: Enhancer, dtype: str) -> None:
    """A flat 0.4 becomes 0.4 · (1.25 + 0.1 · 0.4), whatever the type of the pixels."""
    photo = photo_of((0.4, 0.4, 0.4), dtype)
    result = enhancer(photo)
    assert result.pixels.dtype == photo.pixels.dtype
    scale = FULL_SCALE[photo.pixels.dtype]
    expected = photo.pixels / scale * (1.25 + 0.1 * photo.pixels.mean() / scale)
    assert np.abs(result.pixels / scale - expected).max() < 1.01 / min(scale, 1000)


def test_everything_else_about_a_photo_is_kept(enhancer: Enhancer) -> None:
    """Alpha, profile, metadata and format come out as they went in; the original is untouched."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    alpha = np.random.default_rng(1).integers(0, 256, (41, 67), np.uint8)
    photo = random_photo(
        alpha=alpha, icc_profile=profile, metadata=Metadata(xmp=b"<x/>"), format="PNG"
    )
    before = photo.pixels.copy()
    result = enhancer(photo)
    assert np.array_equal(photo.pixels, before)
    assert not np.array_equal(result.pixels, before)
    assert result.alpha is alpha
    assert (result.icc_profile, result.metadata, result.format) == (
        profile,
        photo.metadata,
        "PNG",
    )


@pytest.mark.parametrize("strength", [-1.5, -1, -0.4, 0, 0.5, 1.0, 1.5])
def test_strength_is_linear(enhancer: Enhancer, strength: float) -> None:
    """Strength s lies s of the way from the photo to the model's result, on both sides of 0."""
    photo = photo_of((0.3, 0.4, 0.5), "float32")
    full = enhancer(photo).pixels
    expected = photo.pixels + strength * (full - photo.pixels)
    assert np.allclose(enhancer(photo, strength).pixels, expected, atol=1e-5)


def test_strength_0_gives_back_every_code(enhancer: Enhancer) -> None:
    """Strength 0 is the untouched photo, bit for bit, in an array of its own."""
    photo = random_photo("uint16")
    result = enhancer(photo, 0)
    assert np.array_equal(result.pixels, photo.pixels)
    assert not np.shares_memory(result.pixels, photo.pixels)


@pytest.mark.parametrize("strength", [1.6, -1.51, float("nan"), float("inf")])
def test_a_strength_out_of_range_is_a_mistake(enhancer: Enhancer, strength: float) -> None:
    """Beyond 1.5 either way nothing sensible comes out, so it is refused with the range."""
    with pytest.raises(ValueError, match=r"-1\.5…1\.5, received"):
        enhancer(random_photo(), strength)


def test_a_bare_array_is_a_mistake_of_type(enhancer: Enhancer) -> None:
    """Arrays instead of photos and grids raise a TypeError with what was expected and received."""
    photo = photo_of((0.4, 0.4, 0.4))
    with pytest.raises(TypeError, match="expected a Photo, received ndarray"):
        enhancer.predict(photo.pixels)
    with pytest.raises(TypeError, match="expected a Photo, received ndarray"):
        enhancer(photo.pixels)
    grid = enhancer.predict(photo)
    with pytest.raises(TypeError, match="expected a Photo, received ndarray"):
        enhancer.render(photo.pixels, grid)
    with pytest.raises(TypeError, match="expected a BilateralGrid, received ndarray"):
        enhancer.render(photo, grid.coefficients)


def test_what_is_printed_fits_in_a_line(enhancer: Enhancer) -> None:
    """Photos and grids show shape, type and what else there is, and no numbers."""
    photo = photo_of((0.4, 0.4, 0.4), "uint16", format="TIFF", icc_profile=b"a profile")
    assert repr(photo) == "<Photo (20, 30, 3) uint16, TIFF, with a profile>"
    grey = photo_of((0.4, 0.4, 0.4), is_greyscale=True, alpha=np.zeros((20, 30), np.uint8))
    assert repr(grey) == "<Photo (20, 30, 3) uint8, greyscale, with alpha, no profile>"
    grid = enhancer.predict(photo)
    assert repr(grid) == "<BilateralGrid (12, 8, 16, 16) float32, <Guide of 16 uniform knots>>"


def test_in_place_writes_over_the_photo(enhancer: Enhancer) -> None:
    """In place, the same array holds the same result as otherwise."""
    photo = random_photo()
    grid = enhancer.predict(photo)
    expected = enhancer.render(photo, grid).pixels
    result = enhancer.render(photo, grid, in_place=True)
    assert result.pixels is photo.pixels
    assert np.array_equal(photo.pixels, expected)


@pytest.mark.parametrize("strength", [-1.0, 0.7, 1.5])
def test_a_greyscale_photo_stays_neutral(write_tiny: Callable[..., Path], strength: float) -> None:
    """Three equal channels come out, with the luminance that the colour result would have."""
    coefficients = brightening()
    coefficients[3], coefficients[7], coefficients[11] = 0.10, -0.05, 0.02  # a colour cast
    tinting = Enhancer.load(write_tiny(make_network(coefficients)))
    grey = photo_of((0.4, 0.4, 0.4), "float32")
    coloured = tinting(grey, strength).pixels[0, 0]
    result = tinting(Photo(grey.pixels, is_greyscale=True), strength).pixels
    assert np.ptp(coloured) > 0.05
    assert np.ptp(result, axis=2).max() == 0
    assert result[0, 0, 0] == pytest.approx(coloured @ [0.2126, 0.7152, 0.0722], abs=1e-5)


@pytest.mark.parametrize("in_place", [False, True])
def test_the_result_does_not_depend_on_the_colour_space(enhancer: Enhancer, in_place: bool) -> None:
    """The same scene in sRGB, or in linear light with its profile, gets the same look."""
    linear_profile = profile.build_rgb(
        profile.SRGB_COLORANTS, profile.parametric_curve(1.0), "linear sRGB"
    )
    srgb = np.random.default_rng(2).uniform(0.2, 0.7, (400, 500, 3)).astype(np.float32)
    linear = Photo(colour.srgb_to_linear(srgb).astype(np.float32), icc_profile=linear_profile)
    expected = enhancer(Photo(srgb)).pixels
    grid = enhancer.predict(linear)
    assert np.abs(grid.coefficients - enhancer.predict(Photo(srgb)).coefficients).max() < 0.01
    result = enhancer.render(linear, grid, in_place=in_place)
    assert (result.pixels is linear.pixels) == in_place
    assert result.icc_profile == linear_profile
    assert np.abs(colour.linear_to_srgb(result.pixels) - expected).max() < 0.01
    assert np.abs(result.pixels - expected).max() > 0.1  # so it was not taken for sRGB


def test_colours_outside_srgb_survive(write_tiny: Callable[..., Path]) -> None:
    """A network that changes nothing gives a wide-gamut photo back, to 1e-3 at 16 bits."""
    wide = profile.build_rgb(
        [[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]],
        profile.parametric_curve(2.2),
        "Adobe's primaries",
    )
    unchanging = Enhancer.load(write_tiny(make_network(BilateralGrid.identity().coefficients)))
    for dtype in ("uint8", "uint16"):
        photo = random_photo(dtype, icc_profile=wide)
        result = unchanging(photo).pixels.astype(int)
        assert np.abs(result - photo.pixels).max() <= (0 if dtype == "uint8" else 65)


def test_pixels_that_are_not_finite_are_refused(enhancer: Enhancer) -> None:
    """A NaN would reach the network and spoil the whole photo."""
    photo = random_photo("float32")
    photo.pixels[3, 4, 1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        enhancer(photo)


def test_one_pixel_and_a_thread_are_enough(bundle_path: Path) -> None:
    """The smallest photo works, and the result does not depend on the number of threads."""
    one, four = (Enhancer.load(bundle_path, threads=n) for n in (1, 4))
    assert one(Photo(np.full((1, 1, 3), 100, np.uint8))).pixels.shape == (1, 1, 3)
    assert np.array_equal(one(random_photo()).pixels, four(random_photo()).pixels)
    with pytest.raises(ValueError, match="threads"):
        Enhancer.load(bundle_path, threads=0)


def test_threads_may_share_an_enhancer(enhancer: Enhancer) -> None:
    """Eight threads at once get what each would have got alone."""
    photos = [random_photo(seed=seed) for seed in range(16)]
    expected = [enhancer(photo).pixels for photo in photos]
    start = threading.Barrier(8, timeout=30)

    def work(index: int) -> np.ndarray:
        if index < 8:
            start.wait()
        return enhancer(photos[index]).pixels

    with ThreadPoolExecutor(8) as pool:
        for result, single in zip(pool.map(work, range(16)), expected, strict=True):
            assert np.array_equal(result, single)


def test_a_grid_may_come_from_another_photo(enhancer: Enhancer) -> None:
    """`predict` and `render` are apart, so that one look can serve several photos."""
    grid = enhancer.predict(photo_of((0.9, 0.9, 0.9)))
    assert isinstance(grid, BilateralGrid)
    assert enhancer.render(random_photo(), grid).pixels.shape == (41, 67, 3)


@pytest.mark.parametrize(
    "network",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no protobuf at all", id="nonsense"),
        pytest.param(make_network(brightening(), input_name="other"), id="wrong input"),
        pytest.param(make_network(np.zeros((11, 8, 16, 16))), id="too few coefficients"),
    ],
)
def test_a_network_of_another_kind_is_damage(
    write_tiny: Callable[..., Path], network: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """What ONNX Runtime refuses or what has another interface is told in one line, once."""
    path = write_tiny(network)
    with pytest.raises(BundleDamagedError) as caught:
        Enhancer.load(path)
    assert str(caught.value).startswith(f"{path}: network.onnx")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_network_without_a_finite_answer_is_damage(write_tiny: Callable[..., Path]) -> None:
    """NaN in the grid never becomes a picture."""
    coefficients = brightening()
    coefficients[0, 0, 0, 0] = np.nan
    with pytest.raises(BundleDamagedError, match="not finite"):
        Enhancer.load(write_tiny(make_network(coefficients)))(random_photo())


def test_bundles_are_found_by_path_and_by_name(shipped: Path, bundle_path: Path) -> None:
    """A shipped name, its absence (the default) and a path all load; another name says what is."""
    assert shipped_bundles() == ["consensus"]
    assert find_bundle() == find_bundle("consensus") == shipped / "consensus.fivefold"
    assert find_bundle(bundle_path) == bundle_path
    assert Enhancer.load().bundle.manifest.name == "tiny"
    with pytest.raises(BundleError, match=r"nothing: neither a file nor .*consensus"):
        Enhancer.load("nothing")
    with pytest.raises(BundleError, match=r"missing\.fivefold: No such file"):
        Enhancer.load("missing.fivefold")
