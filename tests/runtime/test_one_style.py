"""One style of several is what it is among all, for less."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from small_networks import SIDE, check_agreement, make_model, normal

from fivefold.kernels import engine
from fivefold.runtime.bundle import Bundle
from fivefold.runtime.enhancer import find_bundle
from fivefold.runtime.one_style import styled_values
from fivefold.runtime.onnx_file import read_graph

if engine.NATIVE_MISSING is not None:
    pytest.skip(f"no compiled kernels: {engine.NATIVE_MISSING}", allow_module_level=True)

from fivefold.runtime.compiled_network import CompiledNetwork
from fivefold.runtime.network_values import UnknownNetworkError


def styled(*, shares: str = "Sigmoid", of_all: bool = False) -> bytes:
    """A network of three styles, built like ours: grids, and a share of each to move it by.

    Args:
        shares: What makes a share of a number.
        of_all: Whether each grid also gets something of all others.
    """
    nodes = [
        helper.make_node("Conv", ["thumbnail", "w", "b"], ["features"], kernel_shape=[1, 1]),
        helper.make_node("Conv", ["features", "w_grids", "b_grids"], ["side_by_side"]),
        helper.make_node("Reshape", ["side_by_side", "as_grids"], ["grids"]),
        helper.make_node("ReduceMean", ["features", "axes"], ["mean"], keepdims=0),
        helper.make_node("Gemm", ["mean", "m", "c"], ["judgement"], transB=1),
        helper.make_node(shares, ["judgement"], ["share"]),
        helper.make_node("Reshape", ["share", "as_factors"], ["factors"]),
        helper.make_node("Sub", ["grids", "goals"], ["away"]),
        helper.make_node("Mul", ["factors", "away"], ["less"]),
        helper.make_node("Add", ["less", "goals"], ["moved"]),
    ]
    if of_all:
        nodes += [
            helper.make_node("ReduceMean", ["side_by_side", "axes"], ["of_all"], keepdims=0),
            helper.make_node("Gemm", ["of_all", "m_all"], ["number"], transB=1),
            helper.make_node("Add", ["moved", "number"], ["grid"]),
        ]
    else:
        nodes[-1].output[0] = "grid"
    constants = {
        "w": normal(1, 8, 3, 1, 1),
        "b": normal(2, 8),
        "w_grids": normal(3, 3 * 24, 8, 1, 1),
        "b_grids": normal(4, 3 * 24),
        "as_grids": np.array([3, 12, 2, SIDE, SIDE]),
        "axes": np.array([2, 3]),
        "m": normal(5, 3, 8),
        "c": np.array([3, 0, -2], np.float32),
        "as_factors": np.array([3, 1, 1, 1, 1]),
        "goals": normal(6, 3, 12, 1, 1, 1),
        "m_all": normal(7, 1, 3 * 24),
    }
    return make_model(nodes, constants, (3, 12, 2, SIDE, SIDE))


@pytest.mark.parametrize(
    ("model", "is_cut"),
    [(styled(), True), (styled(shares="Relu"), True), (styled(of_all=True), False)],
    ids=["sigmoid", "relu", "of all"],
)
def test_one_style_of_several(model: bytes, is_cut: bool) -> None:
    """A style alone is what it is among all, bit for bit, also where all have to be worked out."""
    check_agreement(model)
    network = CompiledNetwork(model, threads=1)
    thumbnail = normal(8, 1, 3, SIDE, SIDE)
    whole = network(thumbnail)
    for _ in range(2):  # the second time in memory that the first left
        for style in range(3):
            assert np.array_equal(network(thumbnail, style), whole[style : style + 1])
    assert np.array_equal(network(thumbnail), whole)
    assert bool(styled_values(read_graph(model))) == is_cut
    for style in (-1, 3):
        with pytest.raises(ValueError, match=f"style must lie in 0…2, received {style}"):
            network(thumbnail, style)


def test_one_style_of_the_shipped_network() -> None:
    """Other styles' outputs are left out, and the bits of the one are the same."""
    model = Bundle.read(find_bundle()).network
    assert styled_values(read_graph(model))
    network = CompiledNetwork(model, threads=2)
    thumbnail = normal(9, 1, 3, 256, 256)
    whole = network(thumbnail)
    for style in range(len(whole)):
        assert np.array_equal(network(thumbnail, style), whole[style : style + 1])


@pytest.mark.parametrize("shape", [(), (0, 12, 2, SIDE, SIDE), (-3, 12, 2, SIDE, SIDE), (1 << 40,)])
def test_a_damaged_shape_is_refused(shape: tuple[int, ...]) -> None:
    """No axis, no style, fewer or far too many: the one error, whatever the file states."""
    model = make_model(
        [helper.make_node("Conv", ["thumbnail", "w"], ["grid"])],
        {"w": normal(1, 3, 3, 1, 1)},
        shape,
    )
    with pytest.raises(UnknownNetworkError):
        CompiledNetwork(model, threads=1)
