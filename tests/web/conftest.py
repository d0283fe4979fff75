"""Two small bundles with different looks, a running service, and a browser to visit it with."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from fivefold.kernels.grid import BilateralGrid, Guide
from fivefold.runtime.bundle import write_bundle
from fivefold.runtime.enhancer import Enhancer
from tiny_bundle import FACTS, brightening, make_network

pytest.importorskip("starlette", reason="the web extra is not installed")


def make_look(seed: int, gain: float, warmth: float) -> tuple[bytes, Guide]:
    """A network and guide that change colours differently in every place and tone.

    The grid is a fixed one plus a part that grows with the mean of the thumbnail, so that a photo
    sent in another size, or another photo, shows.
    """
    random = np.random.default_rng(seed)
    identity = BilateralGrid.identity().coefficients
    coefficients = identity * gain + random.normal(0, 0.02, identity.shape)
    depth = np.linspace(0.08, -0.02, identity.shape[1])[:, None, None]
    for channel, tilt in enumerate((warmth, 0.0, -warmth)):
        coefficients[4 * channel + 3] += depth + tilt
    grid = coefficients[None].astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["thumbnail"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["slope", "mean"], ["varying"]),
            helper.make_node("Add", ["constant", "varying"], ["grid"]),
        ],
        "look",
        [helper.make_tensor_value_info("thumbnail", TensorProto.FLOAT, [1, 3, 256, 256])],
        [helper.make_tensor_value_info("grid", TensorProto.FLOAT, list(grid.shape))],
        [
            numpy_helper.from_array(grid, "constant"),
            numpy_helper.from_array((0.2 * identity[None]).astype(np.float32), "slope"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    start = Guide.identity()
    guide = Guide(
        matrix=start.matrix + random.normal(0, 0.05, (3, 3)).astype(np.float32),
        matrix_bias=random.normal(0, 0.02, 3).astype(np.float32),
        slopes=start.slopes + random.normal(0, 0.05, (3, 16)).astype(np.float32),
        thresholds=start.thresholds + random.normal(0, 0.01, (3, 16)).astype(np.float32),
        bias=0.01,
    )
    return model.SerializeToString(), guide


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two bundle files: ``consensus`` and ``a``."""
    folder = tmp_path_factory.mktemp("bundles")
    looks = {"consensus": (1, 1.1, 0.01), "a": (2, 0.85, 0.05)}
    for name, (seed, gain, warmth) in looks.items():
        network, guide = make_look(seed, gain, warmth)
        write_bundle(
            folder / f"{name}.fivefold",
            name=name,
            preset="small",
            licence="CC0-1.0, for tests",
            network=network,
            guide=guide,
            card=f"# {name}\n\nFor tests.\n",
        )
    return [folder / f"{name}.fivefold" for name in looks]


@pytest.fixture(scope="session")
def experts(bundles: list[Path]) -> dict[str, Enhancer]:
    """The bundles, ready to enhance."""
    return {path.stem: Enhancer.load(path, threads=1) for path in bundles}


@pytest.fixture(scope="session")
def styled(tmp_path_factory: pytest.TempPathFactory) -> Enhancer:
    """A bundle of three styles, consensus, a and b, the darker the later they come."""
    path = tmp_path_factory.mktemp("styled") / "styled.fivefold"
    styles = ("consensus", "a", "b")
    network = make_network(brightening(), styles=len(styles), style_gain=0.8)
    write_bundle(path, network=network, guide=Guide.identity(), styles=styles, **FACTS)
    return Enhancer.load(path, threads=1)


def picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Pixels with every kind of content: a smooth ramp, edges, noise, black and white."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    ramp = np.stack([x / width, y / height, (x + y) / (width + height)], -1)
    waves = 0.15 * np.sin(x / 23.0)[..., None] * np.cos(y / 17.0)[..., None]
    noise = random.normal(0, 0.05, (height, width, 3))
    pixels = np.clip(ramp + waves + noise, 0, 1)
    pixels[: height // 10, : width // 10] = 0
    pixels[: height // 10, -(width // 10) :] = 1
    return np.rint(255 * pixels).astype(np.uint8)


@contextlib.contextmanager
def hosted(experts: dict[str, Enhancer], **limits: Any) -> Iterator[str]:
    """The service in a thread of this process; gives its address."""
    from fivefold.web.app import create_app
    from fivefold.web.serve import make_server
    from fivefold.web.settings import Settings

    server = make_server(create_app(experts, Settings(**{"workers": 2, **limits})))
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture(scope="session")
def single(experts: dict[str, Enhancer]) -> Iterator[str]:
    """The address of a service with one expert."""
    with hosted({"consensus": experts["consensus"]}) as address:
        yield address


@pytest.fixture(scope="session")
def service(experts: dict[str, Enhancer]) -> Iterator[str]:
    """The address of a service with both experts and the usual limits."""
    with hosted(experts) as address:
        yield address


def encoded(pixels: np.ndarray, file_format: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture's file, written by Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, file_format, **options)
    return buffer.getvalue()


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A service process and the address that it printed."""
    command = [sys.executable, "-m", "fivefold", "serve", "--no-open", *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "DISPLAY": ""}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "http://" in line, line
        address = line.split(" at ")[1].split(" (")[0]
        wait_for(address)
        yield address, process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr is not None:
            process.stderr.close()


def wait_for(address: str, timeout_s: float = 15) -> None:
    """Return once something listens at an address."""
    host, _, port = address.split("//")[1].split("/")[0].partition(":")
    end_s = time.monotonic() + timeout_s
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium; the tests of the page are skipped where it is missing."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = os.environ.get("FIVEFOLD_CHROMIUM") or shutil.which("chromium")
    if executable is None:
        pytest.skip("chromium is not installed")
    from tests.web.chromium import Chromium

    chromium = Chromium(executable)
    yield chromium
    with chromium.within(60):
        chromium.stop()
