"""What each operation of a network becomes on the compiled layers of ``csrc/network_layers.cpp``.

Each function looks at a node once, checks that it means what the paper's networks mean by it, and
returns what works its value out, as often as it is called, and the value's shape.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TypeAlias

import numpy as np

from fivefold.runtime.network_memory import (
    AS_ONNX,
    Array,
    Memory,
    Shape,
    bordered,
    cropped,
    inside,
)
from fivefold.runtime.network_values import UnknownNetworkError, Values, border_of, require, same
from fivefold.runtime.onnx_file import Node

_BLOCK = 16  # of output channels, as csrc/network_layers.h has it

Operation: TypeAlias = Callable[[list[Array], Memory], Array]


def convolution(values: Values, node: Node, rectifies: bool) -> tuple[Operation, Shape]:
    """A convolution of a picture, with its border of zeros and its stride."""
    from fivefold._native import convolve, pack_weights

    shape, weights = values.shape(node, 0), values.constant(node, 1)
    require(len(shape) == 4, "a convolution of no picture")
    one, channels, height, width = shape
    require(weights.ndim == 4 and weights.shape[1] == channels and one == 1, "a convolution")
    outputs, _, kernel, _ = weights.shape
    bias = values.bias(node, outputs)
    given = node.attributes
    border = border_of(node)
    stride = same(given.get("strides", (1,)))
    require(
        same(given.get("dilations", (1,))) == 1
        and given.get("group", 1) == 1
        and given.get("auto_pad", b"NOTSET") == b"NOTSET"
        and weights.shape[2:] == (kernel, kernel)
        and 0 <= border < kernel <= min(height, width) + 2 * border
        and stride > 0,
        "a convolution's settings",
    )
    packed = np.empty((-(-outputs // _BLOCK), kernel, kernel, channels, _BLOCK), np.float32)
    pack_weights(weights, packed)
    rows, columns = (1 + (side + 2 * border - kernel) // stride for side in (height, width))
    threads = values.threads  # what runs later must not hold the whole file through this object
    lay = _laying(values, node.inputs[0], border)
    (gives,) = node.outputs
    around = values.borders[gives] = values.wanted_borders.get(gives, 0)

    def run(taken: list[Array], memory: Memory) -> Array:
        result = bordered(memory, gives, (rows, columns, outputs), around)
        picture, within = lay(taken.pop(), memory), inside(result, around)
        convolve(picture, packed, bias, within, stride, rectifies, threads)
        return result.transpose(2, 0, 1)[None]

    return run, (1, outputs, rows, columns)


def _laying(values: Values, name: str, border: int) -> Callable[[Array, Memory], Array]:
    """How a picture becomes rows, columns and channels within a border of zeros."""
    _, channels, height, width = values.shapes[name]
    lies_in = values.borders.get(name, 0)
    if name in values.borders and lies_in >= border:
        return lambda picture, _: cropped(picture, lies_in - border)[0].transpose(1, 2, 0)

    def lay(picture: Array, memory: Memory) -> Array:
        rows: Array = cropped(picture, lies_in)[0].transpose(1, 2, 0)
        if border == 0 and rows.strides[1:] == (channels * rows.itemsize, rows.itemsize):
            return rows
        laid = bordered(memory, name, (height, width, channels), border)
        inside(laid, border)[:] = rows
        return laid

    return lay


def connection(values: Values, node: Node, rectifies: bool) -> tuple[Operation, Shape]:
    """A fully connected layer."""
    from fivefold._native import connect

    shape, weights = values.shape(node, 0), values.constant(node, 1)
    given = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0, **node.attributes}
    plain = given == {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}
    require(plain and weights.ndim == 2 and shape == (1, weights.shape[1]), "a connection")
    outputs = len(weights)
    bias = values.bias(node, outputs)

    def run(taken: list[Array], _: Memory) -> Array:
        output = np.empty(outputs, np.float32)
        connect(np.ascontiguousarray(taken[0][0]), weights, bias, output, rectifies)
        return output[None]

    return run, (1, outputs)


def rectification(values: Values, node: Node, _: bool) -> tuple[Operation, Shape]:
    """What is above zero, written over what it takes where nothing else needs that."""
    in_place = values.overwrites(node.inputs[0], node.outputs[0])

    def run(taken: list[Array], _: Memory) -> Array:
        rectified: Array = np.maximum(taken[0], 0, out=taken[0] if in_place else None)
        return rectified

    return run, values.shape(node, 0)


def arithmetic(values: Values, node: Node, _: bool) -> tuple[Operation, Shape]:
    """A sum, difference or product of two values, or of one and a constant, number by number."""
    apply = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply}[node.operation]
    constants, shapes = _operands(values, node)
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError as error:
        raise UnknownNetworkError("arithmetic of other shapes") from error

    # The first operand of the result's shape, and whether the result may be written over it.
    like = next((place for place, given in enumerate(shapes) if given == shape), None)
    name = "" if like is None else node.inputs[like]
    in_place = values.overwrites(name, node.outputs[0])
    key = (node.outputs[0], AS_ONNX)

    def run(taken: list[Array], memory: Memory) -> Array:
        rest = iter(taken)
        first, second = (next(rest) if c is None else c for c in constants)
        out: Array | None = None
        if in_place:
            out = (first, second)[like or 0]
        elif like is not None:
            if key not in memory:
                memory[key] = np.empty_like((first, second)[like])
            out = memory[key]
        result: Array = apply(first, second, out=out)
        return result

    return run, shape


def product(values: Values, node: Node, _: bool) -> tuple[Operation, Shape]:
    """A product of matrices, of one pair or of many."""
    constants, (left, right) = _operands(values, node)
    require(min(len(left), len(right)) >= 2 and left[-1] == right[-2], "a product of other shapes")
    try:
        shape = (*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1])
    except ValueError as error:
        raise UnknownNetworkError("products of other shapes") from error
    key = (node.outputs[0], AS_ONNX)

    def run(taken: list[Array], memory: Memory) -> Array:
        rest = iter(taken)
        first, second = (next(rest) if c is None else c for c in constants)
        if key not in memory:
            memory[key] = np.empty(shape, np.float32)
        product: Array = np.matmul(first, second, out=memory[key])
        return product

    return run, shape


def _operands(values: Values, node: Node) -> tuple[list[Array | None], list[Shape]]:
    """Of two operands, the constants, with ``None`` for what is worked out, and the shapes."""
    require(len(node.inputs) == 2, f"the inputs of a {node.operation}")
    constants = [
        None if name in values.shapes else values.constant(node, place)
        for place, name in enumerate(node.inputs)
    ]
    shapes = [
        values.shape(node, place) if constant is None else constant.shape
        for place, constant in enumerate(constants)
    ]
    return constants, shapes


def row(values: Values, node: Node, _: bool) -> tuple[Operation, Shape]:
    """Rows of numbers put one after the other."""
    shapes = [values.shape(node, place) for place in range(len(node.inputs))]
    require(
        node.attributes == {"axis": 1}
        and {(len(shape), shape[:1]) for shape in shapes} == {(2, (1,))}
        and len({*node.inputs}) == len(node.inputs),
        "what is put in a row",
    )

    def run(taken: list[Array], _: Memory) -> Array:
        return np.concatenate(taken, axis=1)

    return run, (1, sum(shape[1] for shape in shapes))


def exponential(values: Values, node: Node, _: bool) -> tuple[Operation, Shape]:
    """E to the power of each number."""

    def run(taken: list[Array], _: Memory) -> Array:
        powers: Array = np.exp(taken[0])
        return powers

    return run, values.shape(node, 0)


def sigmoid(values: Values, node: Node, _: bool) -> tuple[Operation, Shape]:
    """The logistic function of each number."""

    def run(taken: list[Array], _: Memory) -> Array:
        halves = np.tanh(taken[0].astype(np.float64) / 2)  # which cannot overflow, unlike exp
        return (0.5 + 0.5 * halves).astype(np.float32)

    return run, values.shape(node, 0)


def mean(values: Values, node: Node, _: bool) -> tuple[Operation, Shape]:
    """The mean over rows and columns."""
    shape, axes = values.shape(node, 0), values.constant(node, 1, np.int64).tolist()
    given = {"keepdims": 1, "noop_with_empty_axes": 0, **node.attributes}
    require(
        len(shape) == 4
        and axes in ([2, 3], [-2, -1])
        and given == {"keepdims": 0, "noop_with_empty_axes": 0},
        "a mean's settings",
    )
    # First over rows, whose pixels lie next to each other: many short sums are exact enough.
    return lambda taken, _: taken[0].mean(2).mean(2), shape[:2]


def normalisation(values: Values, node: Node, _: bool) -> tuple[Operation, Shape]:
    """Batch normalisation by the statistics that training left."""
    shape = values.shape(node, 0)
    given = {"epsilon": 1e-5, "momentum": 0.9, "training_mode": 0, **node.attributes}
    epsilon = float(given.pop("epsilon"))  # type: ignore[arg-type]
    scale, shift, mean, variance = (
        values.constant(node, place).astype(np.float64) for place in range(1, 5)
    )
    require(
        len(shape) == 2
        and given.keys() == {"momentum", "training_mode"}
        and given["training_mode"] == 0
        and {part.shape for part in (scale, shift, mean, variance)} == {shape[1:]}
        and bool((variance + epsilon > 0).all()),
        "a normalisation's settings",
    )
    factor = (scale / np.sqrt(variance + epsilon)).astype(np.float32)
    offset = (shift - mean * factor).astype(np.float32)
    return lambda taken, _: taken[0] * factor + offset, shape


def new_shape(values: Values, node: Node, _: bool) -> tuple[Operation, Shape]:
    """The same numbers in another shape, or with axes of length one added."""
    before, numbers = values.shape(node, 0), values.constant(node, 1, np.int64).tolist()
    if node.operation == "Reshape":
        shape = tuple(numbers)
        require(min(shape, default=0) > 0, "a shape that is not known beforehand")
    else:
        require(numbers == [*range(len(before), len(before) + len(numbers))], "new axes")
        shape = before + (1,) * len(numbers)
    require(prod(shape) == prod(before), "a new shape")
    return lambda taken, _: taken[0].reshape(shape), shape


def part(values: Values, node: Node, _: bool) -> tuple[Operation, Shape]:
    """A part of a value, cut out along its axes."""
    shape = values.shape(node, 0)
    settings = [values.constant(node, place, np.int64).tolist() for place in range(1, 5)]
    wanted = [slice(None)] * len(shape)
    for start, stop, axis, step in zip(*settings, strict=True):
        require(0 <= axis < len(shape) and step > 0, "the settings of a Slice")
        wanted[axis] = slice(start, stop, step)
    part = tuple(wanted)
    lengths = (len(range(length)[s]) for length, s in zip(shape, part, strict=True))
    return lambda taken, _: taken[0][part], tuple(lengths)
