"""The compiled layers give what ONNX Runtime gives, and leave to it what they do not know."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from small_networks import SIDE, by_onnx_runtime, check_agreement, make_model, normal

from fivefold.cli import main
from fivefold.cli.model_option import load_enhancer
from fivefold.errors import BundleDamagedError
from fivefold.kernels import engine
from fivefold.runtime.bundle import Bundle
from fivefold.runtime.enhancer import Enhancer, find_bundle
from fivefold.runtime.network import Network
from fivefold.runtime.onnx_file import OnnxFileError, read_graph

if engine.NATIVE_MISSING is not None:
    pytest.skip(f"no compiled kernels: {engine.NATIVE_MISSING}", allow_module_level=True)

from fivefold import _native
from fivefold.runtime.compiled_network import CompiledNetwork
from fivefold.runtime.network_values import UnknownNetworkError


def convolution(
    outputs: int, channels: int = 3, kernel: int = 3, stride: int = 1, border: int = 1, **given: Any
) -> bytes:
    """A network that is one convolution."""
    usual = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [border] * 4}
    side = 1 + (SIDE + 2 * border - kernel) // stride
    return make_model(
        [helper.make_node("Conv", ["thumbnail", "w", "b"], ["grid"], **{**usual, **given})],
        {"w": normal(1, outputs, channels, kernel, kernel), "b": normal(2, outputs)},
        (1, outputs, side, side),
        channels=channels,
    )


@pytest.fixture(params=["portable", "neon", "avx2", "avx512"])
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each that this processor has."""
    _native.limit_instruction_set(request.param)
    try:
        if _native.instruction_set() != request.param:
            pytest.skip("this processor lacks it")
        yield request.param
    finally:
        _native.limit_instruction_set("avx512")


def test_the_shipped_network_agrees_with_onnx_runtime() -> None:
    """No coefficient of the shipped bundle's grid differs by more than 1e-5."""
    model = Bundle.read(find_bundle()).network
    compiled = CompiledNetwork(model, threads=2)
    random = np.random.default_rng(4)
    for power in (0.5, 1, 3):
        thumbnail = random.random((1, 3, 256, 256), dtype=np.float32) ** np.float32(power)
        difference = compiled(thumbnail) - by_onnx_runtime(model, thumbnail)
        assert np.abs(difference).max() < 1e-5


def test_the_file_need_not_stay_in_memory() -> None:
    """Nothing of the laid-out network refers to the file, nor does a command keep it."""
    model = Bundle.read(find_bundle()).network
    references = sys.getrefcount(model)
    compiled = CompiledNetwork(model, threads=1)
    assert sys.getrefcount(model) == references
    assert compiled(normal(4, 1, 3, 256, 256)).any()
    assert load_enhancer(None, None).bundle.network == b""


@settings(max_examples=25, deadline=None)
@given(
    outputs=st.integers(1, 70),
    channels=st.integers(1, 5),
    kernel=st.sampled_from([1, 2, 3, 5]),
    stride=st.integers(1, 3),
    border=st.integers(0, 2),
)
def test_convolutions(outputs: int, channels: int, kernel: int, stride: int, border: int) -> None:
    """Of any size, stride and border, they give what ONNX Runtime gives."""
    border = min(border, kernel - 1)
    check_agreement(convolution(outputs, channels, kernel, stride, border), channels)


def test_the_other_operations() -> None:
    """A vector added to every pixel, reshaped pictures and values used twice come out right."""
    nodes = [
        helper.make_node("Relu", ["thumbnail"], ["rectified"]),
        helper.make_node("Conv", ["rectified", "w"], ["local"], kernel_shape=[1, 1]),
        helper.make_node("Reshape", ["rectified", "flat"], ["vector"]),
        helper.make_node("Gemm", ["vector", "m"], ["global"], transB=1),
        helper.make_node("Unsqueeze", ["global", "axes"], ["one_pixel"]),
        helper.make_node("Add", ["local", "one_pixel"], ["mixed"]),
        helper.make_node("Relu", ["mixed"], ["shown"]),
        helper.make_node("Add", ["shown", "mixed"], ["twice"]),
        helper.make_node("Reshape", ["twice", "as_grid"], ["grid"]),
    ]
    constants = {
        "w": normal(5, 10, 3, 1, 1),
        "m": normal(6, 10, 3 * SIDE * SIDE),
        "flat": np.array([1, 3 * SIDE * SIDE]),
        "axes": np.array([2, 3]),
        "as_grid": np.array([1, 5, 2, SIDE, SIDE]),
    }
    check_agreement(make_model(nodes, constants, (1, 5, 2, SIDE, SIDE)))


def restraint(**given: Any) -> bytes:
    """A network that moves its thumbnail towards a constant, the further the brighter it is."""
    mean = {"keepdims": 0, **given.get("mean", {})}
    normalisation = given.get("normalisation", {})
    nodes = [
        helper.make_node("Conv", ["thumbnail", "w", "b"], ["excess"], strides=[4, 4]),
        helper.make_node("Relu", ["excess"], ["above"]),
        helper.make_node("ReduceMean", ["above", "axes"], ["measures"], **mean),
        helper.make_node(
            "BatchNormalization", ["measures", "one", "b", "b", "v"], ["even"], **normalisation
        ),
        helper.make_node("Gemm", ["even", "m", "c"], ["judgement"], transB=1),
        helper.make_node("Sigmoid", ["judgement"], ["share"]),
        helper.make_node("Reshape", ["share", "as_factor"], ["factor"]),
        helper.make_node("Sub", ["thumbnail", "goal"], ["away"]),
        helper.make_node("Mul", ["factor", "away"], ["less"]),
        helper.make_node("Add", ["goal", "less"], ["grid"]),
    ]
    constants = {
        "w": normal(1, 7, 3, 1, 1),
        "b": normal(2, 7),
        "one": normal(3, 7),
        "v": np.abs(normal(4, 7)),
        "m": normal(5, 3, 7),
        "c": np.array([30, 0, -3], np.float32),
        "goal": normal(6, 3, 1, 1),
        "axes": given.get("axes", np.array([2, 3])),
        "as_factor": np.array([1, 3, 1, 1]),
    }
    return make_model(nodes, constants, (1, 3, SIDE, SIDE))


def test_operations_of_the_restraint() -> None:
    """Means, normalisation, sigmoid and arithmetic with constants are those of ONNX Runtime."""
    check_agreement(restraint())


@pytest.mark.parametrize(
    "given",
    [
        {"axes": np.array([1, 2])},
        {"mean": {"keepdims": 1}},
        {"mean": {"noop_with_empty_axes": 1}},
        {"normalisation": {"training_mode": 1}},
    ],
    ids=lambda given: next(iter(given)),
)
def test_other_settings_of_the_restraint_are_refused(given: dict[str, Any]) -> None:
    """What would be something else is left to ONNX Runtime."""
    with pytest.raises(UnknownNetworkError):
        CompiledNetwork(restraint(**given), threads=1)


def product(first: tuple[int, ...], second: tuple[int, ...]) -> bytes:
    """A network that mixes rows of its thumbnail, takes powers of e, and mixes columns."""
    nodes = [
        helper.make_node("Reshape", ["thumbnail", "as_one"], ["one"]),
        helper.make_node("Add", ["one", "nothing"], ["with_memory"]),
        helper.make_node("MatMul", ["c", "with_memory"], ["mixed"]),
        helper.make_node("Exp", ["mixed"], ["other"]),
        helper.make_node("MatMul", ["other", "m"], ["grid"]),
    ]
    constants = {
        "as_one": np.array(first),
        "nothing": np.zeros(1, np.float32),
        "c": normal(1, *second),
        "m": normal(2, first[-1], 4),
    }
    shape = (*np.broadcast_shapes(first[:-2], second[:-2]), second[-2], 4)
    return make_model(nodes, constants, shape)


@pytest.mark.parametrize(
    ("first", "second"),
    [((1, 3, SIDE, SIDE), (SIDE, SIDE)), ((3, SIDE, SIDE), (2, 1, 5, SIDE)), ((48, SIDE), (7, 48))],
    ids=str,
)
def test_products_and_powers(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    """Products of stacks of matrices, and powers of e, are those of ONNX Runtime."""
    check_agreement(product(first, second))


def row(axis: int) -> bytes:
    """A network that puts two products of its thumbnail in a row."""
    nodes = [
        helper.make_node("Reshape", ["thumbnail", "as_rows"], ["rows"]),
        helper.make_node("MatMul", ["c", "rows"], ["one"]),
        helper.make_node("Exp", ["one"], ["other"]),
        helper.make_node("Concat", ["one", "other"], ["grid"], axis=axis),
    ]
    constants = {"as_rows": np.array([3, SIDE * SIDE]), "c": normal(1, 1, 3)}
    return make_model(nodes, constants, (1, 2 * SIDE * SIDE) if axis else (2, SIDE * SIDE))


def test_values_in_a_row() -> None:
    """They come one after the other; along the first axis is left to ONNX Runtime."""
    check_agreement(row(1))
    with pytest.raises(UnknownNetworkError):
        CompiledNetwork(row(0), threads=1)


def test_a_value_is_laid_out_apart_from_itself() -> None:
    """Arithmetic and the 1×1 convolution that follows each have memory of their own."""
    nodes = [
        helper.make_node("Sub", ["level", "thumbnail"], ["below"]),
        helper.make_node("Conv", ["below", "w"], ["mixed"], kernel_shape=[1, 1]),
        helper.make_node("Mul", ["mixed", "below"], ["grid"]),
    ]
    constants = {"level": np.array(0.7, np.float32), "w": normal(1, 3, 3, 1, 1)}
    check_agreement(make_model(nodes, constants, (1, 3, SIDE, SIDE)))


def test_what_is_needed_again_is_not_written_over() -> None:
    """Neither a value, nor what another shape of it is needed for later."""
    nodes = [
        helper.make_node("Mul", ["thumbnail", "half"], ["first"]),
        helper.make_node("Reshape", ["first", "as_rows"], ["rows"]),
        helper.make_node("Sub", ["first", "half"], ["second"]),
        helper.make_node("Relu", ["second"], ["third"]),
        helper.make_node("Mul", ["third", "half"], ["fourth"]),
        helper.make_node("MatMul", ["c", "rows"], ["mixed"]),
        helper.make_node("Reshape", ["mixed", "as_one"], ["factor"]),
        helper.make_node("Add", ["fourth", "factor"], ["fifth"]),
        helper.make_node("Mul", ["fifth", "second"], ["grid"]),
    ]
    constants = {
        "half": np.array(0.5, np.float32),
        "as_rows": np.array([1, 3, SIDE * SIDE]),
        "as_one": np.array([1, 1, SIDE, SIDE]),
        "c": normal(1, 1, 3),
    }
    check_agreement(make_model(nodes, constants, (1, 3, SIDE, SIDE)))


def test_layers_that_share_what_they_take() -> None:
    """Results come out right that go into borders of several widths, a Relu, a sum or all these."""

    def conv(takes: str, gives: str, kernel: int) -> Any:
        pads = [kernel // 2] * 4
        inputs = [takes, f"w{kernel}", "b"]
        return helper.make_node("Conv", inputs, [gives], kernel_shape=[kernel] * 2, pads=pads)

    nodes = [
        conv("thumbnail", "first", 3),
        helper.make_node("Relu", ["first"], ["rectified"]),
        conv("rectified", "narrow", 1),
        conv("rectified", "wide", 5),
        conv("wide", "wider", 5),
        helper.make_node("Relu", ["wider"], ["wider_rectified"]),
        helper.make_node("Relu", ["wide"], ["wide_rectified"]),
        helper.make_node("Add", ["narrow", "wide_rectified"], ["sum"]),
        helper.make_node("Add", ["sum", "wider_rectified"], ["all"]),
        conv("all", "last", 3),
        helper.make_node("Add", ["last", "rectified"], ["grid"]),
    ]
    constants = {f"w{k}": normal(k, 3, 3, k, k) for k in (1, 3, 5)} | {"b": normal(2, 3)}
    check_agreement(make_model(nodes, constants, (1, 3, SIDE, SIDE)))


def test_calls_leave_nothing_of_their_pictures_behind() -> None:
    """Results are the same whatever came before, and by however many threads at a time."""
    network = CompiledNetwork(Bundle.read(find_bundle()).network, threads=1)
    thumbnails = [normal(seed, 1, 3, 256, 256) for seed in range(6)]
    first = [network(thumbnail) for thumbnail in thumbnails]
    kept = [grid.copy() for grid in first]
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(network, thumbnails * 3))
    for grid, expected in zip(again, kept * 3, strict=True):
        assert np.array_equal(grid, expected)
    for grid, expected in zip(first, kept, strict=True):
        assert np.array_equal(grid, expected)  # later calls did not write over it


def test_a_result_may_be_used_further() -> None:
    """What the network gives is not rectified, or given a border, for another's sake."""
    nodes = [
        helper.make_node("Conv", ["thumbnail", "w"], ["grid"], kernel_shape=[3, 3], pads=[1] * 4),
        helper.make_node("Relu", ["grid"], ["rectified"]),
        helper.make_node("Conv", ["grid", "w"], ["unused"], kernel_shape=[3, 3], pads=[1] * 4),
    ]
    check_agreement(make_model(nodes, {"w": normal(1, 3, 3, 3, 3)}, (1, 3, SIDE, SIDE)))


def test_what_is_not_finite_is_not_rectified_away(instruction_set: str) -> None:
    """A weight that is not a number shows in the result, on every instruction set."""
    nodes = [
        helper.make_node("Conv", ["thumbnail", "w"], ["grown"], kernel_shape=[1, 1]),
        helper.make_node("Relu", ["grown"], ["grid"]),
    ]
    for outputs in (3, 16):
        weights = normal(1, outputs, 3, 1, 1)
        weights[1] = np.nan
        model = make_model(nodes, {"w": weights}, (1, outputs, SIDE, SIDE))
        grid = CompiledNetwork(model, threads=1)(normal(3, 1, 3, SIDE, SIDE))
        assert np.isnan(grid[:, 1]).all()
        assert (grid[:, 2:] >= 0).all()


def test_every_instruction_set_gives_the_same_bits(instruction_set: str) -> None:
    """Whatever the width of the registers and the number of threads, the sums are the same."""
    model = Bundle.read(find_bundle()).network
    thumbnail = normal(7, 1, 3, 256, 256)
    received = CompiledNetwork(model, threads=1)(thumbnail)
    _native.limit_instruction_set("avx512")
    assert np.array_equal(received, CompiledNetwork(model, threads=3)(thumbnail))


@pytest.mark.parametrize(
    "model",
    [
        convolution(4, dilations=[2, 2]),
        convolution(4, auto_pad="SAME_UPPER", pads=[0, 0, 0, 0]),
        convolution(4, pads=[1, 1, 0, 0]),
        make_model([helper.make_node("Tanh", ["thumbnail"], ["grid"])], {}, (1, 3, SIDE, SIDE)),
        make_model(
            [helper.make_node("Relu", ["thumbnail"], ["grid"])], {}, (1, 3, SIDE, SIDE), version=11
        ),
    ],
    ids=["dilated", "padded by name", "uneven border", "tanh", "old operations"],
)
def test_other_networks_are_left_to_onnx_runtime(model: bytes) -> None:
    """What is not known to be the same is not run here."""
    with pytest.raises(UnknownNetworkError):
        CompiledNetwork(model, threads=1)


@pytest.mark.parametrize("shape", [(4, 3, 3, 2), (4, 2, 3, 3)])
def test_weights_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    """Neither kernels that are not square nor other channels than the picture's."""
    node = helper.make_node("Conv", ["thumbnail", "w"], ["grid"], pads=[1, 1, 1, 1])
    model = make_model([node], {"w": normal(8, *shape)}, (1, 4, SIDE, SIDE))
    with pytest.raises(UnknownNetworkError):
        CompiledNetwork(model, threads=1)


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 10_000), change=st.integers(1, 255), cut=st.booleans())
def test_damaged_files_are_refused_or_read(at: int, change: int, cut: bool) -> None:
    """A changed byte, or an end too early, raises the one error or gives another network."""
    content = bytearray(convolution(4))
    at %= len(content)
    content[at] = content[at] ^ change
    damaged = bytes(content[:at] if cut else content)
    with contextlib.suppress(UnknownNetworkError):
        network = CompiledNetwork(damaged, threads=1)
        assert network(np.zeros(network.input_shape, np.float32)).shape == network.output_shape


def test_constants_share_the_memory_of_the_file() -> None:
    """Reading a file takes no second copy of its weights."""
    content = convolution(4)
    weights = read_graph(content).constants["w"]
    assert np.shares_memory(weights, np.frombuffer(content, np.uint8))
    with pytest.raises(OnnxFileError, match="expected one graph"):
        read_graph(b"")


def test_a_bundle_says_what_it_runs_on(
    bundle_path: Path, write_tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shipped bundle runs compiled; others, and all without compiled kernels, do not."""
    assert Network(Bundle.read(find_bundle())).engine_name == "native"
    assert Network(Bundle.read(bundle_path)).engine_name == "onnxruntime"
    with pytest.raises(BundleDamagedError, match="must give 'grid'"):
        Enhancer.load(write_tiny(convolution_of_thumbnail()))
    monkeypatch.setitem(sys.modules, "fivefold._native", None)
    assert Network(Bundle.read(find_bundle())).engine_name == "onnxruntime"


def test_verifying_a_bundle(
    write_tiny: Callable[..., Path],
    bundle_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command compares both engines where there are two, and fails where they differ."""
    assert main(["info", "consensus", "--verify", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["network_engine"] == "native"
    assert 0 < facts["largest_difference"] < 1e-5
    assert main(["info", str(bundle_path), "--verify", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["network_engine"], facts["largest_difference"]) == ("onnxruntime", None)
    right = CompiledNetwork.__call__
    monkeypatch.setattr(CompiledNetwork, "__call__", lambda self, x: right(self, x) + 0.01)
    assert main(["info", "consensus", "--verify"]) == 1
    assert "differ by more than" in capsys.readouterr().err


def convolution_of_thumbnail() -> bytes:
    """A network that takes what it must, but gives a picture."""
    node = helper.make_node("Conv", ["thumbnail", "w"], ["grid"], pads=[1, 1, 1, 1])
    return make_model([node], {"w": normal(9, 12, 3, 3, 3)}, (1, 12, 256, 256), side=256)
