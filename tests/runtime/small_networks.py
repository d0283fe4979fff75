"""Networks that are made up for tests, and what ONNX Runtime makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SIDE = 16  # of the thumbnails here: small networks are as good as large ones


def make_model(
    nodes: list[Any],
    constants: dict[str, np.ndarray],
    output: tuple[int, ...],
    *,
    channels: int = 3,
    side: int = SIDE,
    version: int = 18,
) -> bytes:
    """An ONNX file from ``thumbnail`` to ``grid``."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("thumbnail", TensorProto.FLOAT, [1, channels, side, side])],
        [helper.make_tensor_value_info("grid", TensorProto.FLOAT, list(output))],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = helper.make_opsetid("", version)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, shape).astype(np.float32)


def by_onnx_runtime(model: bytes, thumbnail: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (grid,) = session.run(["grid"], {"thumbnail": thumbnail})
    return np.asarray(grid)


def check_agreement(model: bytes, channels: int = 3) -> None:
    """The compiled layers give what ONNX Runtime gives."""
    thumbnail = normal(3, 1, channels, SIDE, SIDE)
    expected = by_onnx_runtime(model, thumbnail)
    from fivefold.runtime.compiled_network import CompiledNetwork

    received = CompiledNetwork(model, threads=2)(thumbnail)
    assert received.shape == expected.shape
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-5)
