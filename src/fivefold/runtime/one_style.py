"""The layers of a network that tell its styles apart, cut down to one style.

A network of several styles works out the same features for all of them, and then each style's grid
by outputs of its own: a last layer has so many times the outputs, one style's after the other's,
and a Reshape hands them out to an axis of styles, before which there are only axes of length one.
Whoever wants one style needs its outputs only; each is a sum of its own, so that its bits are the
same without the others.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, TypeAlias

from numpy.typing import NDArray

from fivefold.runtime.onnx_file import Graph, Node

Constants: TypeAlias = Mapping[str, NDArray[Any]]

_GRID_AXES = 5  # style, coefficient, depth, row, column
_AXES = (3, _GRID_AXES)  # with the numbers of a cell, and the cells, each in one axis or in several
_LAYERS = ("Conv", "Gemm")  # their weights' and bias's first axis is that of outputs
_ARITHMETIC = ("Add", "Sub", "Mul")
_OF_EACH_NUMBER = ("Relu", "Sigmoid")
_PRODUCT = "MatMul"  # of every style's matrices with one that is the same for all, on the left
_OF_GRIDS = (_PRODUCT, "Reshape", *_ARITHMETIC)  # what gives grids that a Reshape only lays anew


def styled_values(graph: Graph) -> frozenset[str]:
    """Names of the values that have a part for each style.

    Returns:
        None of them where there is one style, or where the network is of another build: then
        nothing can be left out.
    """
    shape = graph.outputs["grid"]
    if not shape or shape[0] < 2:
        return frozenset()
    styles = shape[0]
    # By name, whether the styles have an axis to themselves, or share that of outputs.
    has_own_axis = {"grid": True}
    of_grids = {node.outputs[0] for node in graph.nodes if node.operation in _OF_GRIDS}
    for node in reversed(graph.nodes):
        for own_axis in {has_own_axis[name] for name in node.outputs if name in has_own_axis}:
            before = _before(node, graph.constants, of_grids, styles, own_axis=own_axis)
            if before is None or any(has_own_axis.get(n, own) != own for n, own in before.items()):
                return frozenset()
            has_own_axis |= before
    known = frozenset(has_own_axis)
    takes_all = [node for node in graph.nodes if not known.isdisjoint(node.inputs)]
    is_whole = known.isdisjoint(graph.inputs) and not any(
        known.isdisjoint(node.outputs) for node in takes_all
    )
    return known if is_whole else frozenset()


def _before(
    node: Node, constants: Constants, of_grids: Container[str], styles: int, *, own_axis: bool
) -> dict[str, bool] | None:
    """What a node that gives a part for each style takes likewise; ``None`` if that is unknown."""
    takes = [name for name in node.inputs if name not in constants]
    given = [constants[name] for name in node.inputs if name in constants]
    if own_axis and node.operation in _ARITHMETIC:
        return dict.fromkeys(takes, True)
    if own_axis and node.operation == "Reshape" and len(given) == 1:
        fits = len(given[0]) in _AXES and given[0][_styles_axis(given[0])] == styles
        return {name: name in of_grids for name in takes} if fits else None
    if own_axis and node.operation == _PRODUCT and node.inputs[1] in takes:
        return {node.inputs[1]: True}
    if node.operation in _OF_EACH_NUMBER:
        return dict.fromkeys(takes, own_axis)
    fits = all(numbers.ndim > 0 and len(numbers) % styles == 0 for numbers in given)
    return {} if not own_axis and node.operation in _LAYERS and given and fits else None


def one_style(
    nodes: Sequence[Node], constants: Constants, style: int, styles: int
) -> tuple[list[Node], dict[str, NDArray[Any]]]:
    """Cut down the nodes that give :func:`styled_values`.

    Args:
        nodes: All of them, of one network.
        constants: What they take, and maybe others.
        style: Place of the style to keep.
        styles: How many there are.

    Returns:
        Nodes that give the same values of the one style, and their constants.
    """
    cut_nodes, cut_constants = [], {}
    for node in nodes:
        names = {name: f"{name} of {node.outputs[0]}" for name in node.inputs if name in constants}
        for name, new_name in names.items():
            cut_constants[new_name] = _cut(constants[name], node.operation, style, styles)
        cut_nodes.append(node._replace(inputs=tuple(names.get(n, n) for n in node.inputs)))
    return cut_nodes, cut_constants


def _cut(numbers: NDArray[Any], operation: str, style: int, styles: int) -> NDArray[Any]:
    if operation == "Reshape":
        shape = numbers.copy()
        shape[_styles_axis(shape)] = 1
        return shape
    if operation in _LAYERS:
        outputs = len(numbers) // styles
        return numbers[style * outputs : (style + 1) * outputs]
    if numbers.ndim == _GRID_AXES and len(numbers) == styles:
        return numbers[style : style + 1]
    return numbers


def _styles_axis(shape: NDArray[Any]) -> int:
    """The first axis that is not of length one."""
    return int((shape != 1).argmax())
