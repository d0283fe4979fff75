"""What is known of a network's values before it runs: shapes, constants, and where they lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from copy import copy
from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fivefold.runtime.network_memory import Array, Shape
from fivefold.runtime.onnx_file import Graph, Node

_VERSIONS = range(13, 26)  # of ONNX's operations, in which those that are known mean the same
_WITH_MEMORY = ("Add", "Sub", "Mul", "MatMul")
_VIEWS = ("Reshape", "Unsqueeze", "Slice")
_MOST_NUMBERS = 1 << 24  # of a value on the way; the paper's networks have a sixteenth of it


class UnknownNetworkError(ValueError):
    """The network has something that only ONNX Runtime can run."""


class Values:
    """The values of a network, as far as they are worked out by then.

    Attributes:
        shapes: Of the values known so far.
        threads: How many an operation may use.
        borders: Of values that convolutions give: the zeros that they leave around them.
        wanted_borders: Of values: the zeros that the next convolutions need around them.
    """

    def __init__(self, graph: Graph, threads: int) -> None:
        """Begin with what the network takes."""
        require(graph.version in _VERSIONS, f"version {graph.version} of the operations")
        for shape in graph.inputs.values():
            _check_size(shape)
        self.shapes = dict(graph.inputs)
        self.threads = threads
        self.borders: dict[str, int] = {}
        self.wanted_borders: dict[str, int] = {}
        self._constants: Mapping[str, NDArray[Any]] = graph.constants
        self._uses_left = Counter(name for node in graph.nodes for name in node.inputs)
        self._uses_left.update(graph.outputs.keys())
        self._memory_of: dict[str, str] = {}  # of a value: the first that lies where it does
        for node in graph.nodes:
            for name in node.inputs[:1] if node.operation == "Conv" else ():
                wanted = max(border_of(node), self.wanted_borders.get(name, 0))
                self.wanted_borders[name] = wanted
        self.wanted_borders |= dict.fromkeys(graph.outputs, 0)

    def branch(self, constants: Mapping[str, NDArray[Any]]) -> Self:
        """The same values, for others to follow, with constants of their own."""
        other = copy(self)
        other.shapes = dict(self.shapes)
        other.borders = dict(self.borders)
        other._constants = constants
        other._uses_left = self._uses_left.copy()
        other._memory_of = dict(self._memory_of)
        return other

    def add(self, node: Node, shape: Shape) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Take note of the value that a node gives.

        Returns:
            Names of the values that the node takes, and those of them that no later one takes.
        """
        _check_size(shape)
        takes = tuple(name for name in node.inputs if name in self.shapes)
        (gives,) = node.outputs
        self.shapes[gives] = shape
        if node.operation in _WITH_MEMORY:
            self._memory_of.setdefault(gives, gives)
        elif node.operation in _VIEWS and takes[0] in self._memory_of:
            self._memory_of[gives] = self._memory_of[takes[0]]
        self._uses_left.subtract(takes)
        return takes, tuple({name for name in takes if not self._uses_left[name]})

    def overwrites(self, name: str, gives: str) -> bool:
        """Whether a step may write what it gives over a value: nothing else needs its memory."""
        memory = self._memory_of.get(name)
        if memory is None:
            return False
        shared = [other for other, its in self._memory_of.items() if its == memory]
        if sum(self._uses_left[other] for other in shared) != 1:
            return False
        self._memory_of[gives] = memory
        return True

    def shape(self, node: Node, place: int) -> Shape:
        """The shape of what a node takes in a place."""
        name = node.inputs[place] if place < len(node.inputs) else ""
        require(name in self.shapes, f"the inputs of a {node.operation}")
        return self.shapes[name]

    def constant(self, node: Node, place: int, kind: type = np.float32) -> NDArray[Any]:
        """The constant that a node takes in a place."""
        name = node.inputs[place] if place < len(node.inputs) else ""
        require(name in self._constants, f"the constants of a {node.operation}")
        numbers = self._constants[name]
        require(numbers.dtype == kind and 0 not in numbers.shape, f"constant {name!r}")
        # Models are packed without gaps, so that numbers may lie between words; and the file itself
        # need not stay in memory.
        return numbers.copy()

    def bias(self, node: Node, outputs: int) -> Array:
        """What a layer adds to each of its outputs."""
        if len(node.inputs) < 3:
            return np.zeros(outputs, np.float32)
        bias: Array = self.constant(node, 2)
        require(bias.shape == (outputs,), "a bias")
        return bias


def require(is_so: bool, what: str) -> None:
    """Refuse a network where something is not as the paper's networks have it.

    Raises:
        UnknownNetworkError: If it is not so.
    """
    if not is_so:
        raise UnknownNetworkError(f"not a network of the paper's kind: {what}")


def border_of(node: Node) -> int:
    """The zeros that a convolution needs on all sides, or -1."""
    return same(node.attributes.get("pads", (0,)))


def same(numbers: object) -> int:
    """The one number that a setting has for all sides, or -1."""
    if not isinstance(numbers, tuple) or len(set(numbers)) != 1:
        return -1
    return int(numbers[0])


def _check_size(shape: Shape) -> None:
    require(len(shape) > 0 and 0 < prod(shape) <= _MOST_NUMBERS, "the size of a value")
