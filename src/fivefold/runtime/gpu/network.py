"""The bundle's network in PyTorch, for any number of thumbnails at once.

The ONNX file of the bundle stays what defines the network. It is written for one thumbnail;
``vmap`` makes it one for many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from fivefold.errors import DeviceError
from fivefold.runtime.onnx_file import Graph, Node, OnnxFileError, read_graph

Operation = Callable[..., Tensor]


class TorchNetwork:
    """From thumbnails to grids, in float32 on one device; one call at a time."""

    def __init__(self, model: bytes, device: torch.device, *, source: str) -> None:
        """Read a model and put its weights on the device.

        Args:
            model: An ONNX file with the input ``thumbnail`` and the output ``grid``.
            device: Where to run.
            source: Names the bundle in messages.

        Raises:
            DeviceError: If the network has something that is not known here.
        """
        try:
            graph = read_graph(model)
            self._operations = [(node, _operation(node, graph)) for node in graph.nodes]
        except OnnxFileError as error:
            raise DeviceError(f"{source}: its network cannot run on a GPU: {error}") from error
        self._device = device
        self._constants = {
            name: torch.from_numpy(numbers.copy()).to(device)
            for name, numbers in graph.constants.items()
        }
        self._run_many = torch.func.vmap(self._run)

    @torch.inference_mode()
    def __call__(self, thumbnails: Tensor) -> Tensor:
        """Predict the coefficients of several photos' grids.

        Args:
            thumbnails: ``(N, 3, 256, 256)`` sRGB in 0…1.

        Returns:
            ``(N, styles, 12, depth, height, width)``, on the CPU.
        """
        # TensorFloat-32 keeps 10 bits, of which one sees 8 at the most.
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            grids: Tensor = self._run_many(thumbnails.to(self._device))
        return grids.cpu()

    def _run(self, thumbnail: Tensor) -> Tensor:
        values = {**self._constants, "thumbnail": thumbnail[None]}
        for node, operation in self._operations:
            values[node.outputs[0]] = operation(*(values[name] for name in node.inputs))
        return values["grid"]


def _operation(node: Node, graph: Graph) -> Operation:
    """What a node does to its inputs.

    Raises:
        OnnxFileError: If that is not known.
    """
    makers: dict[str, Callable[[Node, Graph], Operation]] = {
        "Add": lambda *_: torch.add,
        "BatchNormalization": _normalisation,
        "Concat": _row,
        "Conv": _convolution,
        "Exp": lambda *_: torch.exp,
        "Gemm": _connection,
        "MatMul": lambda *_: torch.matmul,
        "Mul": lambda *_: torch.mul,
        "ReduceMean": _mean,
        "Relu": lambda *_: torch.relu,
        "Reshape": _new_shape,
        "Sigmoid": lambda *_: torch.sigmoid,
        "Slice": _part,
        "Sub": lambda *_: torch.sub,
        "Unsqueeze": _new_axes,
    }
    if node.operation not in makers:
        raise OnnxFileError(f"operation {node.operation!r}")
    return makers[node.operation](node, graph)


def _convolution(node: Node, _: Graph) -> Operation:
    given = {"group": 1, "auto_pad": b"NOTSET", **node.attributes}
    pads = _sides(given.get("pads", (0, 0, 0, 0)), 4)
    strides = _sides(given.get("strides", (1, 1)), 2)
    _require(
        given["group"] == 1
        and given["auto_pad"] == b"NOTSET"
        and pads[:2] == pads[2:]
        and _sides(given.get("dilations", (1, 1)), 2) == [1, 1],
        "settings of a convolution",
    )

    def run(picture: Tensor, weights: Tensor, bias: Tensor | None = None) -> Tensor:
        return functional.conv2d(picture, weights, bias, strides, pads[:2])

    return run


def _row(node: Node, _: Graph) -> Operation:
    axis = node.attributes.get("axis")
    _require(isinstance(axis, int), "settings of a Concat")
    assert isinstance(axis, int)
    return lambda *values: torch.cat(values, axis)


def _connection(node: Node, _: Graph) -> Operation:
    given = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0, **node.attributes}
    _require(given == {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}, "settings of a Gemm")
    return functional.linear


def _mean(node: Node, graph: Graph) -> Operation:
    given = {"keepdims": 1, "noop_with_empty_axes": 0, **node.attributes}
    _require(given == {"keepdims": 0, "noop_with_empty_axes": 0}, "settings of a mean")
    if len(node.inputs) == 1:
        return torch.mean
    axes = _constant(node, graph)
    return lambda value, _: value.mean(axes)


def _normalisation(node: Node, _: Graph) -> Operation:
    given = {"epsilon": 1e-5, "training_mode": 0, **node.attributes}
    epsilon = given["epsilon"]
    _require(
        given["training_mode"] == 0 and isinstance(epsilon, float), "settings of a normalisation"
    )
    assert isinstance(epsilon, float)

    def run(value: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        return functional.batch_norm(value, mean, variance, scale, shift, eps=epsilon)

    return run


def _new_shape(node: Node, graph: Graph) -> Operation:
    shape = _constant(node, graph)
    _require(math.prod(shape) > 0, "a shape that is not known beforehand")
    return lambda value, _: value.reshape(shape)


def _new_axes(node: Node, graph: Graph) -> Operation:
    axes = sorted(_constant(node, graph))
    _require(axes[0] >= 0, "axes that are counted from the end")

    def run(value: Tensor, _: Tensor) -> Tensor:
        for axis in axes:
            value = value.unsqueeze(axis)
        return value

    return run


def _part(node: Node, graph: Graph) -> Operation:
    _require(len(node.inputs) == 5, "the inputs of a Slice")
    starts, stops, axes, steps = (_constant(node, graph, place) for place in range(1, 5))
    _require(min(*axes, *starts) >= 0 and min(steps) > 0, "the settings of a Slice")

    def run(value: Tensor, *_: Tensor) -> Tensor:
        wanted = [slice(None)] * value.dim()
        for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
            wanted[axis] = slice(start, stop, step)
        return value[tuple(wanted)]

    return run


def _constant(node: Node, graph: Graph, place: int = 1) -> list[int]:
    name = node.inputs[place] if len(node.inputs) > place else ""
    _require(name in graph.constants and graph.constants[name].size > 0, f"a {node.operation}")
    return [int(number) for number in graph.constants[name]]


def _sides(numbers: object, count: int) -> list[int]:
    _require(isinstance(numbers, Sequence) and len(numbers) == count, "settings of a convolution")
    assert isinstance(numbers, Sequence)
    return [int(number) for number in numbers]


def _require(is_so: bool, what: str) -> None:
    if not is_so:
        raise OnnxFileError(what)
