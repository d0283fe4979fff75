"""Turns the nodes of a network into steps on the compiled layers of ``csrc/network_layers.cpp``.

Shapes are those of ONNX (one picture, channels, rows, columns); in memory the channels of a pixel
lie next to each other, and what a convolution gives lies in the border of zeros that the next one
needs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fivefold.runtime.network_memory import (
    AS_ONNX,
    Array,
    Memory,
    Shape,
    bordered,
    cropped,
    inside,
)
from fivefold.runtime.onnx_file import Graph, Node

_BLOCK = 16  # of output channels, as csrc/network_layers.h has it
_VERSIONS = range(13, 26)  # of ONNX's operations, in which those below mean the same
_WITH_MEMORY = ("Add", "Sub", "Mul", "MatMul")
_VIEWS = ("Reshape", "Unsqueeze", "Slice")
_MOST_NUMBERS = 1 << 24  # of a value on the way; the paper's networks have a sixteenth of it

Operation: TypeAlias = Callable[[list[Array], Memory], Array]


class UnknownNetworkError(ValueError):
    """The network has something that only ONNX Runtime can run."""


class Step(NamedTuple):
    """One operation.

    Attributes:
        takes: Names of the values that it takes.
        gives: Name of the value that it gives.
        run: Works the one out from the others.
        last_takes: Those of what it takes that no later step takes.
    """

    takes: tuple[str, ...]
    gives: str
    run: Operation
    last_takes: tuple[str, ...]


class Compiler:
    """Turns nodes into steps one after the other, checking that every shape fits.

    Attributes:
        shapes: Of the values known so far.
    """

    def __init__(self, graph: Graph, threads: int) -> None:
        """Begin with what the network takes; steps may use ``threads`` threads."""
        _require(graph.version in _VERSIONS, f"version {graph.version} of the operations")
        for shape in graph.inputs.values():
            _check_size(shape)
        self.shapes = dict(graph.inputs)
        self._constants: Mapping[str, NDArray[Any]] = graph.constants
        self._threads = threads
        self._uses_left = Counter(name for node in graph.nodes for name in node.inputs)
        self._uses_left.update(graph.outputs.keys())
        self._memory_of: dict[str, str] = {}  # of a value: the first that lies where it does
        self._borders: dict[str, int] = {}  # that convolutions leave around what they give
        self._wanted_borders: dict[str, int] = {}
        for node in graph.nodes:
            for name in node.inputs[:1] if node.operation == "Conv" else ():
                wanted = max(_border(node), self._wanted_borders.get(name, 0))
                self._wanted_borders[name] = wanted
        self._wanted_borders |= dict.fromkeys(graph.outputs, 0)

    def branch(self, constants: Mapping[str, NDArray[Any]]) -> Compiler:
        """Another that goes on from here, with constants of its own."""
        other = copy(self)
        other.shapes = dict(self.shapes)
        other._constants = constants
        other._uses_left = self._uses_left.copy()
        other._memory_of = dict(self._memory_of)
        other._borders = dict(self._borders)
        return other

    def step(self, node: Node, rectifies: bool) -> Step:
        """The step that a node becomes, its result held to 0 and above if it ``rectifies``.

        Raises:
            UnknownNetworkError: If anything about it is not as the paper's network needs it.
        """
        compilers = {
            "Conv": self._convolution,
            "Gemm": self._connection,
            "Relu": self._rectification,
            "Add": self._arithmetic,
            "Sub": self._arithmetic,
            "Mul": self._arithmetic,
            "Concat": self._row,
            "MatMul": self._product,
            "Exp": self._exponential,
            "Sigmoid": self._sigmoid,
            "ReduceMean": self._mean,
            "BatchNormalization": self._normalisation,
            "Reshape": self._new_shape,
            "Slice": self._part,
            "Unsqueeze": self._new_shape,
        }
        _require(node.operation in compilers, f"operation {node.operation!r}")
        _require(len(node.outputs) == 1 and node.outputs[0] not in self.shapes, "its outputs")
        takes = tuple(name for name in node.inputs if name in self.shapes)
        run, shape = compilers[node.operation](node, rectifies)
        _check_size(shape)
        self.shapes[node.outputs[0]] = shape
        if node.operation in _WITH_MEMORY:
            self._memory_of.setdefault(node.outputs[0], node.outputs[0])
        elif node.operation in _VIEWS and takes[0] in self._memory_of:
            self._memory_of[node.outputs[0]] = self._memory_of[takes[0]]
        self._uses_left.subtract(takes)
        last_takes = tuple({name for name in takes if not self._uses_left[name]})
        if node.operation != "Conv" and any(self._borders.get(name) for name in takes):
            run = self._without_borders(takes, run)
        return Step(takes, node.outputs[0], run, last_takes)

    def _overwrites(self, name: str, gives: str) -> bool:
        """Whether a step may write what it gives over a value: nothing else needs its memory."""
        memory = self._memory_of.get(name)
        if memory is None:
            return False
        shared = [other for other, its in self._memory_of.items() if its == memory]
        if sum(self._uses_left[other] for other in shared) != 1:
            return False
        self._memory_of[gives] = memory
        return True

    def _without_borders(self, takes: Sequence[str], run: Operation) -> Operation:
        borders = [self._borders.get(name, 0) for name in takes]
        return lambda taken, memory: run([*map(cropped, taken, borders)], memory)

    def _convolution(self, node: Node, rectifies: bool) -> tuple[Operation, Shape]:
        from fivefold._native import convolve, pack_weights

        shape, weights = self._shape(node, 0), self._constant(node, 1)
        _require(len(shape) == 4, "a convolution of no picture")
        one, channels, height, width = shape
        _require(weights.ndim == 4 and weights.shape[1] == channels and one == 1, "a convolution")
        outputs, _, kernel, _ = weights.shape
        bias = self._bias(node, outputs)
        given = node.attributes
        border = _border(node)
        stride = _same(given.get("strides", (1,)))
        _require(
            _same(given.get("dilations", (1,))) == 1
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
        threads = self._threads  # what runs later must not hold the whole file through this object
        lay = self._laying(node.inputs[0], border)
        (gives,) = node.outputs
        around = self._borders[gives] = self._wanted_borders.get(gives, 0)

        def run(taken: list[Array], memory: Memory) -> Array:
            result = bordered(memory, gives, (rows, columns, outputs), around)
            picture, within = lay(taken.pop(), memory), inside(result, around)
            convolve(picture, packed, bias, within, stride, rectifies, threads)
            return result.transpose(2, 0, 1)[None]

        return run, (1, outputs, rows, columns)

    def _laying(self, name: str, border: int) -> Callable[[Array, Memory], Array]:
        """How a picture becomes rows, columns and channels within a border of zeros."""
        _, channels, height, width = self.shapes[name]
        lies_in = self._borders.get(name, 0)
        if name in self._borders and lies_in >= border:
            return lambda picture, _: cropped(picture, lies_in - border)[0].transpose(1, 2, 0)

        def lay(picture: Array, memory: Memory) -> Array:
            rows: Array = cropped(picture, lies_in)[0].transpose(1, 2, 0)
            if border == 0 and rows.strides[1:] == (channels * rows.itemsize, rows.itemsize):
                return rows
            laid = bordered(memory, name, (height, width, channels), border)
            inside(laid, border)[:] = rows
            return laid

        return lay

    def _connection(self, node: Node, rectifies: bool) -> tuple[Operation, Shape]:
        from fivefold._native import connect

        shape, weights = self._shape(node, 0), self._constant(node, 1)
        given = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0, **node.attributes}
        plain = given == {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}
        _require(plain and weights.ndim == 2 and shape == (1, weights.shape[1]), "a connection")
        outputs = len(weights)
        bias = self._bias(node, outputs)

        def run(taken: list[Array], _: Memory) -> Array:
            output = np.empty(outputs, np.float32)
            connect(np.ascontiguousarray(taken[0][0]), weights, bias, output, rectifies)
            return output[None]

        return run, (1, outputs)

    def _rectification(self, node: Node, _: bool) -> tuple[Operation, Shape]:
        in_place = self._overwrites(node.inputs[0], node.outputs[0])

        def run(taken: list[Array], _: Memory) -> Array:
            rectified: Array = np.maximum(taken[0], 0, out=taken[0] if in_place else None)
            return rectified

        return run, self._shape(node, 0)

    def _arithmetic(self, node: Node, _: bool) -> tuple[Operation, Shape]:
        apply = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply}[node.operation]
        constants, shapes = self._operands(node)
        try:
            shape = np.broadcast_shapes(*shapes)
        except ValueError as error:
            raise UnknownNetworkError("arithmetic of other shapes") from error

        # The first operand of the result's shape, and whether the result may be written over it.
        like = next((place for place, given in enumerate(shapes) if given == shape), None)
        name = "" if like is None else node.inputs[like]
        in_place = self._overwrites(name, node.outputs[0])
        key = (node.outputs[0], AS_ONNX)

        def run(taken: list[Array], memory: Memory) -> Array:
            values = iter(taken)
            first, second = (next(values) if c is None else c for c in constants)
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

    def _product(self, node: Node, _: bool) -> tuple[Operation, Shape]:
        constants, (left, right) = self._operands(node)
        _require(
            min(len(left), len(right)) >= 2 and left[-1] == right[-2], "a product of other shapes"
        )
        try:
            shape = (*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1])
        except ValueError as error:
            raise UnknownNetworkError("products of other shapes") from error
        key = (node.outputs[0], AS_ONNX)

        def run(taken: list[Array], memory: Memory) -> Array:
            values = iter(taken)
            first, second = (next(values) if c is None else c for c in constants)
            if key not in memory:
                memory[key] = np.empty(shape, np.float32)
            product: Array = np.matmul(first, second, out=memory[key])
            return product

        return run, shape

    def _operands(self, node: Node) -> tuple[list[Array | None], list[Shape]]:
        """Of two operands, the constants, with ``None`` for what is worked out, and the shapes."""
        _require(len(node.inputs) == 2, f"the inputs of a {node.operation}")
        constants = [
            None if name in self.shapes else self._constant(node, place)
            for place, name in enumerate(node.inputs)
        ]
        shapes = [
            self._shape(node, place) if constant is None else constant.shape
            for place, constant in enumerate(constants)
        ]
        return constants, shapes

    def _row(self, node: Node, _: bool) -> tuple[Operation, Shape]:
        shapes = [self._shape(node, place) for place in range(len(node.inputs))]
        _require(
            node.attributes == {"axis": 1}
            and {(len(shape), shape[:1]) for shape in shapes} == {(2, (1,))}
            and len({*node.inputs}) == len(node.inputs),
            "what is put in a row",
        )

        def run(taken: list[Array], _: Memory) -> Array:
            return np.concatenate(taken, axis=1)

        return run, (1, sum(shape[1] for shape in shapes))

    def _exponential(self, node: Node, _: bool) -> tuple[Operation, Shape]:
        def run(taken: list[Array], _: Memory) -> Array:
            powers: Array = np.exp(taken[0])
            return powers

        return run, self._shape(node, 0)

    def _sigmoid(self, node: Node, _: bool) -> tuple[Operation, Shape]:
        def run(taken: list[Array], _: Memory) -> Array:
            halves = np.tanh(taken[0].astype(np.float64) / 2)  # which cannot overflow, unlike exp
            return (0.5 + 0.5 * halves).astype(np.float32)

        return run, self._shape(node, 0)

    def _mean(self, node: Node, _: bool) -> tuple[Operation, Shape]:
        shape, axes = self._shape(node, 0), self._constant(node, 1, np.int64).tolist()
        given = {"keepdims": 1, "noop_with_empty_axes": 0, **node.attributes}
        _require(
            len(shape) == 4
            and axes in ([2, 3], [-2, -1])
            and given == {"keepdims": 0, "noop_with_empty_axes": 0},
            "a mean's settings",
        )
        # First over rows, whose pixels lie next to each other: many short sums are exact enough.
        return lambda taken, _: taken[0].mean(2).mean(2), shape[:2]

    def _normalisation(self, node: Node, _: bool) -> tuple[Operation, Shape]:
        shape = self._shape(node, 0)
        given = {"epsilon": 1e-5, "momentum": 0.9, "training_mode": 0, **node.attributes}
        epsilon = float(given.pop("epsilon"))  # type: ignore[arg-type]
        scale, shift, mean, variance = (
            self._constant(node, place).astype(np.float64) for place in range(1, 5)
        )
        _require(
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

    def _new_shape(self, node: Node, _: bool) -> tuple[Operation, Shape]:
        before, numbers = self._shape(node, 0), self._constant(node, 1, np.int64).tolist()
        if node.operation == "Reshape":
            shape = tuple(numbers)
            _require(min(shape, default=0) > 0, "a shape that is not known beforehand")
        else:
            _require(numbers == [*range(len(before), len(before) + len(numbers))], "new axes")
            shape = before + (1,) * len(numbers)
        _require(prod(shape) == prod(before), "a new shape")
        return lambda taken, _: taken[0].reshape(shape), shape

    def _part(self, node: Node, _: bool) -> tuple[Operation, Shape]:
        shape = self._shape(node, 0)
        settings = [self._constant(node, place, np.int64).tolist() for place in range(1, 5)]
        wanted = [slice(None)] * len(shape)
        for start, stop, axis, step in zip(*settings, strict=True):
            _require(0 <= axis < len(shape) and step > 0, "the settings of a Slice")
            wanted[axis] = slice(start, stop, step)
        part = tuple(wanted)
        lengths = (len(range(length)[s]) for length, s in zip(shape, part, strict=True))
        return lambda taken, _: taken[0][part], tuple(lengths)

    def _shape(self, node: Node, place: int) -> Shape:
        name = node.inputs[place] if place < len(node.inputs) else ""
        _require(name in self.shapes, f"the inputs of a {node.operation}")
        return self.shapes[name]

    def _constant(self, node: Node, place: int, kind: type = np.float32) -> NDArray[Any]:
        name = node.inputs[place] if place < len(node.inputs) else ""
        _require(name in self._constants, f"the constants of a {node.operation}")
        numbers = self._constants[name]
        _require(numbers.dtype == kind and 0 not in numbers.shape, f"constant {name!r}")
        # Models are packed without gaps, so that numbers may lie between words; and the file itself
        # need not stay in memory.
        return numbers.copy()

    def _bias(self, node: Node, outputs: int) -> Array:
        if len(node.inputs) < 3:
            return np.zeros(outputs, np.float32)
        bias: Array = self._constant(node, 2)
        _require(bias.shape == (outputs,), "a bias")
        return bias


def _require(is_so: bool, what: str) -> None:
    if not is_so:
        raise UnknownNetworkError(f"not a network of the paper's kind: {what}")


def _check_size(shape: Shape) -> None:
    _require(len(shape) > 0 and 0 < prod(shape) <= _MOST_NUMBERS, "the size of a value")


def _border(node: Node) -> int:
    return _same(node.attributes.get("pads", (0,)))


def _same(numbers: object) -> int:
    """The one number that a setting has for all sides, or -1."""
    if not isinstance(numbers, tuple) or len(set(numbers)) != 1:
        return -1
    return int(numbers[0])
