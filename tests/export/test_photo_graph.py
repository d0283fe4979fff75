"""The whole system as one ONNX model computes what the reference computes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from tests.kernels.conftest import make_grid

from fivefold.errors import BundleDamagedError, BundleError
from fivefold.export import photo_graph as module
from fivefold.export.photo_graph import LARGEST_DIFFERENCE, photo_graph
from fivefold.kernels import reference
from fivefold.photo.image import Photo
from fivefold.runtime.bundle import Bundle
from fivefold.runtime.enhancer import Enhancer, find_bundle
from tiny_bundle import bundle_path, make_network, network

__all__ = ["bundle_path", "network"]

SIZES_PX = [(1, 1), (2, 3), (7, 301), (256, 256), (257, 511), (333, 200), (480, 640)]


def session_of(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def run(session: onnxruntime.InferenceSession, pixels: np.ndarray, **inputs: float) -> np.ndarray:
    feeds = {"photo": pixels.transpose(2, 0, 1)[None]}
    feeds |= {name: np.array(value, np.float32) for name, value in inputs.items()}
    (enhanced,) = session.run(["enhanced"], feeds)
    return enhanced[0].transpose(1, 2, 0)


@pytest.fixture(scope="module")
def shipped_graph() -> onnxruntime.InferenceSession:
    return session_of(photo_graph(Bundle.read(find_bundle()), "full"))  # noise is held back else


@pytest.fixture(scope="module")
def enhancer() -> Enhancer:
    return Enhancer.load(expert="full")


@pytest.mark.parametrize("size", SIZES_PX)
def test_the_shipped_model_as_a_graph_equals_the_reference(
    shipped_graph: onnxruntime.InferenceSession, enhancer: Enhancer, size: tuple[int, int]
) -> None:
    """Within 1e-5 of the float64 reference at every size, odd and tiny ones too."""
    pixels = np.random.default_rng(sum(size)).random((*size, 3), np.float32)
    expected = reference.render(pixels, enhancer.predict(Photo(pixels)))
    assert np.abs(expected - pixels).mean() > 0.01
    assert np.abs(run(shipped_graph, pixels) - expected).max() <= LARGEST_DIFFERENCE


@pytest.mark.parametrize("seed", range(3))
def test_any_guide_and_grid_are_taken(bundle_path: Path, seed: int) -> None:
    """Random curves and a grid of 5 × 9 × 7 cells, all of them far from the trained ones."""
    random = np.random.default_rng(seed)
    grid = make_grid(random, (5, 9, 7))
    bundle = dataclasses.replace(
        Bundle.read(bundle_path), network=make_network(grid.coefficients), guide=grid.guide
    )
    pixels = random.random((61, 83, 3), np.float32)
    expected = reference.render(pixels, grid)
    received = run(session_of(photo_graph(bundle)), pixels)
    assert np.abs(received - expected).max() <= LARGEST_DIFFERENCE


@pytest.mark.parametrize("strength", [-0.5, 0.0, 0.4, 1.0, 1.5])
def test_strength_may_be_given(
    shipped_graph: onnxruntime.InferenceSession, enhancer: Enhancer, strength: float
) -> None:
    """0 leaves the photo as it is, bit for bit; others are what ``render`` makes of them."""
    pixels = np.random.default_rng(5).random((40, 50, 3), np.float32)
    grid = enhancer.predict(Photo(pixels)).with_strength(strength)
    received = run(shipped_graph, pixels, strength=strength)
    assert np.abs(received - reference.render(pixels, grid)).max() <= LARGEST_DIFFERENCE
    if strength == 0:
        assert np.array_equal(received, pixels)


def test_only_stock_operators_are_used(bundle_path: Path) -> None:
    """One operator set, ONNX's own of version 20, and no functions or data files beside it."""
    model = onnx.load_model_from_string(photo_graph(Bundle.read(bundle_path)))
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 20)]
    assert {node.domain for node in model.graph.node} == {""}
    assert not model.functions
    assert [i.name for i in model.graph.input] == ["photo", "strength"]
    sides = model.graph.input[0].type.tensor_type.shape.dim[2:]
    assert [side.dim_param for side in sides] == ["height", "width"]
    assert {p.key: p.value for p in model.metadata_props}["licence"] == "CC0-1.0, for tests"


def test_a_graph_that_computes_something_else_is_not_returned(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trial against the reference is made for every export, and its failure is told."""
    monkeypatch.setattr(module, "LARGEST_DIFFERENCE", -1.0)
    with pytest.raises(BundleError, match="the exported model differs by"):
        photo_graph(Bundle.read(bundle_path))


def test_a_network_that_onnx_cannot_read_is_told(bundle_path: Path) -> None:
    """In one line that names the bundle."""
    bundle = dataclasses.replace(Bundle.read(bundle_path), network=b"no network")
    with pytest.raises(BundleDamagedError, match=r"tiny\.fivefold: the network cannot be taken"):
        photo_graph(bundle)
