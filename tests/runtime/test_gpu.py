"""Enhancing on a GPU: the same photos as on the CPU, or a loud reason why not."""

from __future__ import annotations

import runpy
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import ImageCms

from fivefold import kernels
from fivefold.errors import DeviceError, MissingExtraError
from fivefold.kernels.grid import BilateralGrid
from fivefold.photo.image import FULL_SCALE, Photo, Pixels
from fivefold.runtime import device as devices
from fivefold.runtime.bundle import Bundle
from fivefold.runtime.device import Device, choose_device
from fivefold.runtime.enhancer import Enhancer, find_bundle
from fivefold.runtime.network import Network
from on_gpu import DEVICE, HAS_GPU, gpu, on_gpu_only
from tiny_bundle import bundle_path, network

__all__ = ["bundle_path", "gpu", "network"]

GPU = Device("cuda", "Test GPU")


@pytest.fixture(scope="module")
def engine(gpu: ModuleType, bundle_path: Path) -> object:
    from fivefold.runtime.gpu.engine import GpuEngine

    bundle = Bundle.read(bundle_path)
    return GpuEngine(bundle, Network(bundle), DEVICE)


@pytest.fixture
def gpu_enhancer(engine: object, bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> Enhancer:
    """An enhancer that took its GPU for one, whatever it is."""
    monkeypatch.setattr(devices, "choose_device", lambda _: GPU)
    monkeypatch.setattr("fivefold.runtime.gpu.engine.GpuEngine", lambda *_: engine)
    return Enhancer.load(bundle_path, device="cuda")


def some_pixels(height: int, width: int, dtype: type = np.uint8) -> Pixels:
    random = np.random.default_rng(height * width)
    scaled = random.random((height, width, 3)) * FULL_SCALE[np.dtype(dtype)]
    return scaled.astype(dtype)


def some_grid() -> BilateralGrid:
    start = BilateralGrid.identity(4, 3, 2)
    noise = np.random.default_rng(1).normal(0, 0.2, start.coefficients.shape)
    return BilateralGrid(start.coefficients + noise.astype(np.float32), start.guide)


def test_many_thumbnails_give_the_grids_of_each(gpu: ModuleType) -> None:
    """The shipped network in PyTorch predicts what the CPU's does, for any number at once."""
    from fivefold.runtime.gpu.network import TorchNetwork

    bundle = Bundle.read(find_bundle())
    on_cpu = Network(bundle)
    thumbnails = np.random.default_rng(0).random((3, 256, 256, 3), dtype=np.float32)
    planes = torch.from_numpy(np.ascontiguousarray(thumbnails.transpose(0, 3, 1, 2)))
    grids = TorchNetwork(bundle.network, DEVICE, source="a bundle")(planes).numpy()
    for grid, thumbnail in zip(grids, thumbnails, strict=True):
        np.testing.assert_allclose(grid, on_cpu(thumbnail), atol=1e-4)


def test_a_network_that_is_not_known_is_refused(gpu: ModuleType, network: bytes) -> None:
    """The message names the bundle and what it is about."""
    from fivefold.runtime.gpu.network import TorchNetwork

    with pytest.raises(DeviceError, match="a bundle: its network cannot run on a GPU: operation"):
        TorchNetwork(network.replace(b"Mul", b"Pow"), DEVICE, source="a bundle")


def test_what_gathers_is_done_together() -> None:
    """The first does not wait; those who come meanwhile are the next batch, up to the limit."""
    from fivefold.runtime.gpu.batching import Together

    batches: list[list[int]] = []
    busy, free = threading.Event(), threading.Event()

    def work(items: Sequence[int]) -> list[int]:
        batches.append(sorted(items))
        busy.set()
        assert free.wait(30)
        return [10 * item for item in items]

    together = Together(work, most=3)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(together, 0)
        assert busy.wait(30)
        others = [pool.submit(together, item) for item in range(1, 6)]
        while len(together._gathered) < 5:
            threading.Event().wait(0.001)
        free.set()
        assert [first.result(), *(other.result() for other in others)] == [0, 10, 20, 30, 40, 50]
    assert batches[0] == [0]
    assert [len(batch) for batch in batches] == [1, 3, 2]


def test_an_error_reaches_everybody_whose_work_it_was() -> None:
    """And the next one is worked on as if nothing had been."""
    from fivefold.runtime.gpu.batching import Together

    def work(items: Sequence[int]) -> list[int]:
        if 1 in items:
            raise MemoryError("too much")
        return list(items)

    together = Together(work, most=4)
    with pytest.raises(MemoryError, match="too much"):
        together(1)
    assert together(2) == 2


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_strips_are_the_cpus_photo(
    engine: object, monkeypatch: pytest.MonkeyPatch, dtype: type
) -> None:
    """A photo of more strips than there is memory for comes back whole, in place too."""
    from fivefold.runtime.gpu import strips

    pixels, grid = some_pixels(11, 40, dtype), some_grid()
    monkeypatch.setattr(strips, "STRIP_BYTES", 2 * pixels[0].nbytes)
    render = strips.StripRenderer(DEVICE)
    expected = kernels.render(pixels, grid).astype(np.float64)
    tolerance = 2e-6 if dtype is np.float32 else 1
    out = np.zeros((11, 80, 3), dtype)[:, 20:60]
    render(pixels, grid, out=out)
    assert np.abs(out - expected).max() <= tolerance
    render(pixels, grid, out=pixels)
    assert np.array_equal(pixels, out)


def test_a_strip_of_a_photo_is_rendered_where_it_lies(engine: object) -> None:
    """Rows of a photo that is itself rendered in strips get the rows' part of the grid."""
    from fivefold.runtime.gpu.strips import StripRenderer

    pixels, grid = some_pixels(3, 20, np.float32), some_grid()
    out = np.empty_like(pixels)
    StripRenderer(DEVICE)(pixels, grid, out=out, first_row=4, height_px=9, clip=False)
    expected = kernels.render(pixels, grid, first_row=4, height_px=9, clip=False)
    np.testing.assert_allclose(out, expected, atol=3e-6)


def test_an_error_leaves_no_strip_behind(engine: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed halfway is told, and the next photo is whole."""
    from fivefold.runtime.gpu import strips

    pixels, grid = some_pixels(6, 20), some_grid()
    monkeypatch.setattr(strips, "STRIP_BYTES", 2 * pixels[0].nbytes)
    render = strips.StripRenderer(DEVICE)
    real, calls = strips.render_pixels, iter([None, RuntimeError("failed")])

    def failing(*arguments: object, **where: object) -> None:
        if (error := next(calls)) is not None:
            raise error
        real(*arguments, **where)

    monkeypatch.setattr(strips, "render_pixels", failing)
    with pytest.raises(RuntimeError, match="failed"):
        render(pixels, grid, out=np.empty_like(pixels))
    monkeypatch.setattr(strips, "render_pixels", real)
    out = np.empty_like(pixels)
    render(pixels, grid, out=out)
    assert np.abs(out.astype(int) - kernels.render(pixels, grid)).max() <= 1


def photos() -> Iterator[Photo]:
    yield Photo(some_pixels(5, 30))
    yield Photo(some_pixels(4, 20, np.uint16), alpha=np.full((4, 20), 7, np.uint16))
    grey = np.repeat(some_pixels(4, 20)[..., :1], 3, axis=2)
    yield Photo(grey, is_greyscale=True)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield Photo(some_pixels(4, 20), icc_profile=profile)


@pytest.mark.parametrize("photo", list(photos()), ids=["8 bits", "16 bits", "grey", "profile"])
def test_the_enhancer_on_a_gpu_makes_the_cpus_photos(
    gpu_enhancer: Enhancer, bundle_path: Path, photo: Photo
) -> None:
    """Within one code, whatever the photo is like; alpha and profile stay."""
    assert gpu_enhancer.device == "cuda"
    expected, received = Enhancer.load(bundle_path)(photo, 0.8), gpu_enhancer(photo, 0.8)
    difference = np.abs(received.pixels.astype(int) - expected.pixels.astype(int))
    assert difference.max() <= (1 if photo.pixels.dtype == np.uint8 else 2)
    assert received.icc_profile == expected.icc_profile
    assert (received.alpha is None) == (photo.alpha is None)


def test_threads_share_the_gpu(gpu_enhancer: Enhancer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos of several threads do not mix."""
    if not HAS_GPU:  # the interpreter is for one thread
        from fivefold.runtime.gpu import strips

        one, real = threading.Lock(), strips.render_pixels

        def render_pixels(*arguments: object, **where: object) -> None:
            with one:
                real(*arguments, **where)

        monkeypatch.setattr(strips, "render_pixels", render_pixels)
    shown = [Photo(some_pixels(4, 10 + n)) for n in range(4)]
    expected = [gpu_enhancer(photo).pixels for photo in shown]
    with ThreadPoolExecutor(4) as pool:
        received = list(pool.map(gpu_enhancer, shown))
    for one, other in zip(received, expected, strict=True):
        assert np.array_equal(one.pixels, other)


@pytest.mark.parametrize("wrong", ["grids", "colours"])
def test_a_gpu_that_computes_something_else_is_refused(
    gpu: ModuleType, bundle_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """Both halves are compared with the CPU before the first photo."""
    from fivefold.runtime.gpu import engine as module

    bundle = Bundle.read(bundle_path)
    on_cpu = Network(bundle)
    if wrong == "colours":
        render = kernels.render
        monkeypatch.setattr(
            module.kernels, "render", lambda pixels, grid: 255 - render(pixels, grid)
        )
    more = 0.5 if wrong == "grids" else 0.0
    with pytest.raises(DeviceError, match=f"other {wrong} than the CPU"):
        module.GpuEngine(bundle, lambda thumbnail: on_cpu(thumbnail) + more, DEVICE)


def test_errors_of_the_gpu_are_one_line(engine: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little memory says what helps; of other errors the first line is told."""

    def fail(error: Exception) -> object:
        def failing(*_: object, **__: object) -> None:
            raise error

        return failing

    pixels, grid = some_pixels(2, 2), some_grid()
    monkeypatch.setattr(engine, "_render", fail(torch.OutOfMemoryError("a lot")))
    with pytest.raises(DeviceError, match="too little memory on the GPU: try fewer --jobs"):
        engine.render(pixels, grid, out=pixels)  # type: ignore[attr-defined]
    monkeypatch.setattr(engine, "_render", fail(RuntimeError("CUDA error: gone\nmore\nwords")))
    with pytest.raises(DeviceError, match=r"^cuda: CUDA error: gone$"):
        engine.render(pixels, grid, out=pixels)  # type: ignore[attr-defined]


@pytest.mark.skipif(HAS_GPU, reason="a GPU is here")
def test_without_a_gpu_it_is_told(bundle_path: Path) -> None:
    """Asked for a GPU, it is an error; ``auto`` takes the CPU, and knows why."""
    with pytest.raises(DeviceError, match=r"^cuda: "):
        Enhancer.load(bundle_path, device="cuda")
    assert Enhancer.load(bundle_path, device="auto").device == "cpu"
    chosen = choose_device("auto")
    assert (chosen.kind, chosen.reason[:6]) == ("cpu", "cuda: ")


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that installs it; ``auto`` keeps it as the reason."""
    monkeypatch.setattr(devices, "find_spec", lambda name: None if name == "triton" else name)
    with pytest.raises(MissingExtraError, match=r"Triton is not installed.*fivefold\[gpu\]"):
        choose_device("cuda")
    assert "Triton is not installed" in choose_device("auto").reason
    assert choose_device("cpu") == Device()


def test_an_unknown_device_is_refused(bundle_path: Path) -> None:
    """The message says what there is."""
    with pytest.raises(ValueError, match="cpu, cuda, auto, received 'tpu'"):
        Enhancer.load(bundle_path, device="tpu")


def test_the_benchmark_measures_every_kind_of_pixels(gpu: ModuleType) -> None:
    """What prints the GPU's figures runs; without a GPU it measures nothing, and says so."""
    path = Path(__file__).parents[2] / "benchmarks/gpu.py"
    module = runpy.run_path(str(path))
    figures = module["measure"](DEVICE, 2, 5, 1)
    assert len(figures) == 6
    assert all(row["ms"] > 0 for row in figures.values())


@on_gpu_only
def test_a_large_photo_on_a_real_gpu() -> None:
    """Many strips in flight at once give the CPU's photo."""
    photo = Photo(some_pixels(4000, 3000))
    expected, received = Enhancer.load()(photo), Enhancer.load(device="cuda")(photo)
    assert np.abs(received.pixels.astype(np.int16) - expected.pixels).max() <= 1
