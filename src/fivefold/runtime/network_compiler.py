"""Turns the nodes of a network into steps on the compiled layers of ``csrc/network_layers.cpp``.

Shapes are those of ONNX (one picture, channels, rows, columns); in memory the channels of a pixel
lie next to each other, and what a convolution gives lies in the border of zeros that the next one
needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from fivefold.runtime import network_operations as operations
from fivefold.runtime.network_memory import Shape, cropped
from fivefold.runtime.network_operations import Operation
from fivefold.runtime.network_values import Values, require
from fivefold.runtime.onnx_file import Node

_COMPILERS: dict[str, Callable[[Values, Node, bool], tuple[Operation, Shape]]] = {
    "Conv": operations.convolution,
    "Gemm": operations.connection,
    "Relu": operations.rectification,
    "Add": operations.arithmetic,
    "Sub": operations.arithmetic,
    "Mul": operations.arithmetic,
    "Concat": operations.row,
    "MatMul": operations.product,
    "Exp": operations.exponential,
    "Sigmoid": operations.sigmoid,
    "ReduceMean": operations.mean,
    "BatchNormalization": operations.normalisation,
    "Reshape": operations.new_shape,
    "Slice": operations.part,
    "Unsqueeze": operations.new_shape,
}


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

    def __init__(self, values: Values) -> None:
        """Go on from the values that are known."""
        self._values = values
        self.shapes = values.shapes

    def branch(self, constants: Mapping[str, NDArray[Any]]) -> Compiler:
        """Another that goes on from here, with constants of its own."""
        return Compiler(self._values.branch(constants))

    def step(self, node: Node, rectifies: bool) -> Step:
        """The step that a node becomes, its result held to 0 and above if it ``rectifies``.

        Raises:
            UnknownNetworkError: If anything about it is not as the paper's network needs it.
        """
        values = self._values
        require(node.operation in _COMPILERS, f"operation {node.operation!r}")
        require(len(node.outputs) == 1 and node.outputs[0] not in values.shapes, "its outputs")
        run, shape = _COMPILERS[node.operation](values, node, rectifies)
        takes, last_takes = values.add(node, shape)
        if node.operation != "Conv":
            run = _without_borders([values.borders.get(name, 0) for name in takes], run)
        return Step(takes, node.outputs[0], run, last_takes)


def _without_borders(borders: Sequence[int], run: Operation) -> Operation:
    if not any(borders):
        return run
    return lambda taken, memory: run([*map(cropped, taken, borders)], memory)
