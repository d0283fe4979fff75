"""What an ONNX file holds, as far as small networks go: nodes, constants, inputs and outputs.

An ONNX file is one message in Protocol Buffers' encoding. ONNX Runtime reads all of it, but takes
longer to start than a photo takes to be enhanced; the ``onnx`` package is larger still. The
numbers of the fields below are those of ``onnx.proto``.

Source: ONNX's IR specification, version 4 and later; Protocol Buffers' encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_FLOAT, _INT64 = 1, 7  # TensorProto.DataType
_STORED_TYPES: dict[int, np.dtype[Any]] = {_FLOAT: np.dtype("<f4"), _INT64: np.dtype("<i8")}
_MOST_NODES = 1000
_MOST_SIDES = 8

_Place = tuple[int, int]  # where a field's bytes begin and end


class OnnxFileError(ValueError):
    """The file is damaged, or holds something that is not read here."""


class Node(NamedTuple):
    """One operation.

    Attributes:
        operation: ``"Conv"``, ``"Relu"``, …, of ONNX's own set.
        inputs: Names of the values that it takes.
        outputs: Names of the values that it gives.
        attributes: Numbers, bytes and lists of whole numbers, by name.
    """

    operation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, int | float | bytes | tuple[int, ...]]


class Graph(NamedTuple):
    """One network.

    Attributes:
        version: Of ONNX's operations.
        nodes: In an order in which they can be run.
        constants: Weights and other numbers by name; they share the file's memory.
        inputs: Shapes of what it takes, ``float32``, by name.
        outputs: Shapes of what it gives, ``float32``, by name.
    """

    version: int
    nodes: list[Node]
    constants: dict[str, NDArray[Any]]
    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]


def read_graph(content: bytes) -> Graph:
    """Read a model.

    Args:
        content: The file; it is not copied.

    Raises:
        OnnxFileError: If it is damaged, or holds what small networks do without: operations that
            are not ONNX's own, subgraphs, weights in other files, numbers other than float32 and
            int64, sizes that are not known beforehand.
    """
    version, graphs = 0, []
    for number, value in _fields(content, (0, len(content))):
        if number == 7:
            graphs.append(_place(value))
        elif number == 8:
            imported = dict(_fields(content, _place(value)))
            domain = _text(content, imported.get(1, (0, 0)))
            if domain not in ("", "ai.onnx"):
                continue  # a node that uses it is refused below
            version = _number(imported.get(2, 0))
    if len(graphs) != 1:
        raise OnnxFileError(f"expected one graph, found {len(graphs)}")
    graph = Graph(version, [], {}, {}, {})
    for number, value in _fields(content, graphs[0]):
        if number == 1:
            graph.nodes.append(_node(content, _place(value)))
            if len(graph.nodes) > _MOST_NODES:
                raise OnnxFileError(f"more than {_MOST_NODES} nodes")
        elif number == 5:
            name, numbers = _tensor(content, _place(value))
            graph.constants[name] = numbers
        elif number in (11, 12):
            name, shape = _value_info(content, _place(value))
            (graph.inputs if number == 11 else graph.outputs)[name] = shape
        elif number == 15:
            raise OnnxFileError("sparse weights")
    return graph


def _node(content: bytes, place: _Place) -> Node:
    inputs, outputs, operation = [], [], ""
    attributes: dict[str, int | float | bytes | tuple[int, ...]] = {}
    for number, value in _fields(content, place):
        if number == 1:
            inputs.append(_text(content, value))
        elif number == 2:
            outputs.append(_text(content, value))
        elif number == 4:
            operation = _text(content, value)
        elif number == 5:
            name, setting = _attribute(content, _place(value))
            attributes[name] = setting
        elif number == 7 and _text(content, value) not in ("", "ai.onnx"):
            raise OnnxFileError(f"an operation of {_text(content, value)}")
    return Node(operation, tuple(inputs), tuple(outputs), attributes)


def _attribute(content: bytes, place: _Place) -> tuple[str, int | float | bytes | tuple[int, ...]]:
    name = ""
    setting: int | float | bytes | None = None
    numbers: list[int] = []
    for number, value in _fields(content, place):
        if number == 1:
            name = _text(content, value)
        elif number == 2:
            setting = float(np.frombuffer(content, "<f4", 1, _place(value)[0])[0])
        elif number == 3:
            setting = _number(value)
        elif number == 4:
            start, end = _place(value)
            setting = content[start:end]
        elif number == 8:
            numbers += _numbers(content, value)
        elif number in (5, 6, 7, 9, 10, 11, 14, 15, 21, 22, 23):
            raise OnnxFileError(f"attribute {name!r} of a kind that is not read")
    return name, tuple(numbers) if setting is None else setting


def _tensor(content: bytes, place: _Place) -> tuple[str, NDArray[Any]]:
    name, kind, raw = "", 0, None
    shape: list[int] = []
    for number, value in _fields(content, place):
        if number == 1:
            shape += _numbers(content, value)
        elif number == 2:
            kind = _number(value)
        elif number == 8:
            name = _text(content, value)
        elif number == 9:
            raw = _place(value)
        elif number in (3, 4, 5, 6, 7, 10, 11, 13, 14):
            raise OnnxFileError(f"constant {name!r} is not stored as raw bytes")
    if (
        kind not in _STORED_TYPES
        or raw is None
        or len(shape) > _MOST_SIDES
        or min(shape, default=0) < 0
    ):
        raise OnnxFileError(f"constant {name!r} has a type or shape that is not read")
    stored = _STORED_TYPES[kind]
    count = prod(shape)
    if raw[1] - raw[0] != count * stored.itemsize:
        raise OnnxFileError(f"constant {name!r} has another size than it states")
    numbers = np.frombuffer(content, stored, count, raw[0]) if count else np.empty(0, stored)
    return name, numbers.reshape(shape)


def _value_info(content: bytes, place: _Place) -> tuple[str, tuple[int, ...]]:
    whole = dict(_fields(content, place))
    name = _text(content, whole.get(1, (0, 0)))
    kind = dict(_fields(content, _place(whole.get(2, (0, 0)))))
    tensor = dict(_fields(content, _place(kind.get(1, (0, 0)))))
    if _number(tensor.get(1, 0)) != _FLOAT:
        raise OnnxFileError(f"{name!r} is not float32")
    sides = []
    for number, value in _fields(content, _place(tensor.get(2, (0, 0)))):
        if number == 1:
            side = dict(_fields(content, _place(value)))
            sides.append(_number(side.get(1, 0)))
    return name, tuple(sides)


def _fields(content: bytes, place: _Place) -> Iterator[tuple[int, int | _Place]]:
    """Number and value of each field of a message: a whole number, or where its bytes lie."""
    at, end = place
    while at < end:
        key, at = _varint(content, at, end)
        kind = key & 7
        if kind == 0:
            value, at = _varint(content, at, end)
            yield key >> 3, value
            continue
        if kind == 2:
            length, at = _varint(content, at, end)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise OnnxFileError("damaged")
        if length > end - at:
            raise OnnxFileError("truncated")
        yield key >> 3, (at, at + length)
        at += length


def _varint(content: bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 64:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise OnnxFileError("truncated")


def _numbers(content: bytes, value: int | _Place) -> list[int]:
    """A repeated whole number: one of them, or all of them packed."""
    if isinstance(value, int):
        return [_signed(value)]
    at, end = value
    found = []
    while at < end:
        number, at = _varint(content, at, end)
        found.append(_signed(number))
    return found


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _number(value: int | _Place) -> int:
    if not isinstance(value, int):
        raise OnnxFileError("damaged")
    return _signed(value)


def _place(value: int | _Place) -> _Place:
    if isinstance(value, int):
        raise OnnxFileError("damaged")
    return value


def _text(content: bytes, value: int | _Place) -> str:
    start, end = _place(value)
    return content[start:end].decode("utf-8", "replace")
