"""A small bundle, made with ONNX's own helpers: tests of the runtime need no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from fivefold.kernels.grid import BilateralGrid, Guide
from fivefold.runtime import shortcut
from fivefold.runtime.bundle import write_bundle
from fivefold.runtime.enhancer import Enhancer

FACTS = {
    "name": "tiny",
    "preset": "small",
    "licence": "CC0-1.0, for tests",
    "card": "# Tiny\n\nBrightens by a quarter, and the more the brighter the photo's mean is.\n",
}
STYLES = ("consensus", "full", "a", "b", "c", "d", "e")


def make_network(
    coefficients: np.ndarray,
    per_mean: np.ndarray | None = None,
    input_name: str = "thumbnail",
    styles: int = 1,
    style_gain: float = 1.0,
) -> bytes:
    """An ONNX model of ``grid = coefficients + per_mean · mean(thumbnail)``, for all styles.

    Each style's coefficients are ``style_gain`` times those of the one before.
    """
    grid = np.stack([coefficients * style_gain**n for n in range(styles)]).astype(np.float32)
    per_mean = np.zeros_like(coefficients) if per_mean is None else per_mean
    slope = np.stack([per_mean] * styles).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", [input_name], ["mean"], keepdims=0),
            helper.make_node("Mul", ["slope", "mean"], ["varying"]),
            helper.make_node("Add", ["constant", "varying"], ["grid"]),
        ],
        "tiny",
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, [1, 3, 256, 256])],
        [helper.make_tensor_value_info("grid", TensorProto.FLOAT, list(grid.shape))],
        [numpy_helper.from_array(grid, "constant"), numpy_helper.from_array(slope, "slope")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def brightening() -> np.ndarray:
    """Coefficients that multiply every colour by 1.25."""
    return BilateralGrid.identity().coefficients * np.float32(1.25)


@pytest.fixture(scope="session")
def network() -> bytes:
    """A network that brightens by a quarter, and a little more for bright photos."""
    return make_network(brightening(), per_mean=BilateralGrid.identity().coefficients * 0.1)


@pytest.fixture(scope="session")
def bundle_path(tmp_path_factory: pytest.TempPathFactory, network: bytes) -> Path:
    """A valid bundle file."""
    path = tmp_path_factory.mktemp("bundle") / "tiny.fivefold"
    write_bundle(path, network=network, guide=Guide.identity(), **FACTS)
    return path


@pytest.fixture
def write_tiny(tmp_path: Path) -> Callable[..., Path]:
    """Write a bundle of the given network, for tests that need another one."""

    def write(network: bytes, name: str = "other") -> Path:
        path = tmp_path / f"{name}.fivefold"
        write_bundle(path, network=network, guide=Guide.identity(), **{**FACTS, "name": name})
        return path

    return write


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A tiny bundle with the styles of the one that comes with the package, in its place."""
    folder = tmp_path / "weights"
    folder.mkdir()
    slope = BilateralGrid.identity().coefficients * 0.1
    write_bundle(
        folder / "consensus.fivefold",
        network=make_network(brightening(), per_mean=slope, styles=len(STYLES)),
        guide=Guide.identity(),
        styles=STYLES,
        **FACTS,
    )
    monkeypatch.setattr("fivefold.runtime.enhancer._SHIPPED", folder)
    shortcut._default_enhancer.cache_clear()
    yield folder
    shortcut._default_enhancer.cache_clear()


@pytest.fixture(scope="session")
def enhancer(bundle_path: Path) -> Enhancer:
    """The tiny bundle, loaded."""
    return Enhancer.load(bundle_path)
