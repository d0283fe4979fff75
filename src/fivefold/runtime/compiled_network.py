"""The bundle's network run by the compiled layers of ``csrc/network_layers.cpp``.

The ONNX file of the bundle stays what defines the network; it is read node by node. A network of
other operations than the paper's is left to ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fivefold.runtime.network_compiler import Compiler, Step
from fivefold.runtime.network_memory import Array, Memory
from fivefold.runtime.network_values import UnknownNetworkError, Values
from fivefold.runtime.one_style import one_style, styled_values
from fivefold.runtime.onnx_file import Graph, Node, OnnxFileError, read_graph


class CompiledNetwork:
    """A network that may be called from several threads at once; results do not depend on them.

    Attributes:
        input_shape: Shape of what it takes, ``thumbnail``.
        output_shape: Shape of what it gives, ``grid``.
    """

    def __init__(self, model: bytes, *, threads: int) -> None:
        """Lay out the weights as the compiled layers take them.

        Args:
            model: An ONNX file with one input, ``thumbnail``, and one output, ``grid``.
            threads: How many threads one call may use.

        Raises:
            ImportError: If the compiled kernels are missing.
            UnknownNetworkError: If anything in the file is not as the paper's network needs it.
        """
        try:
            graph = read_graph(model)
        except OnnxFileError as error:
            raise UnknownNetworkError(str(error)) from error
        if [*graph.inputs] != ["thumbnail"] or [*graph.outputs] != ["grid"]:
            raise UnknownNetworkError("it must take a thumbnail and give a grid")
        self.input_shape = graph.inputs["thumbnail"]
        styled = styled_values(graph)
        layers = [*_layers(graph)]
        self._last_layers = [one for one in layers if not styled.isdisjoint(one[0].outputs)]
        compiler = Compiler(Values(graph, threads))
        self._trunk = _Part([compiler.step(*one) for one in layers if one not in self._last_layers])
        # What is laid out when it is asked for must not keep the whole file.
        self._constants = {
            name: graph.constants[name].copy()
            for node, _ in self._last_layers
            for name in node.inputs
            if name in graph.constants
        }
        self._compiler = compiler.branch(self._constants)
        last = compiler.branch(self._constants)
        head = _Part([last.step(*layer) for layer in self._last_layers])
        self._heads: dict[int | None, _Part] = {None: head}
        self.output_shape = last.shapes.get("grid", ())
        if self.output_shape != graph.outputs["grid"]:
            raise UnknownNetworkError("it gives another shape than it states")

    def __call__(self, thumbnail: Array, style: int | None = None) -> Array:
        """Run the network; what it gives need not be contiguous.

        Args:
            thumbnail: Of ``input_shape``.
            style: Place of the only style that is wanted, 0 for the first.

        Returns:
            An array of ``output_shape``, or its part ``[style : style + 1]``, bit for bit.

        Raises:
            ValueError: If there is no such style.
        """
        styles = self.output_shape[0]
        if style is not None and not 0 <= style < styles:
            raise ValueError(f"style must lie in 0…{styles - 1}, received {style}")
        if style is not None and not self._last_layers:
            return self(thumbnail)[style : style + 1]
        head = self._heads[None] if style is None else self._head(style)
        values = {"thumbnail": thumbnail}
        with self._trunk.memory() as first, head.memory() as second:
            self._trunk.run(values, first)
            head.run(values, second)
            return values["grid"].copy(order="K")

    def _head(self, style: int) -> _Part:
        """The last layers for one style, laid out when it is first asked for."""
        if style not in self._heads:
            nodes = [node for node, _ in self._last_layers]
            nodes, constants = one_style(nodes, self._constants, style, self.output_shape[0])
            compiler = self._compiler.branch(constants)
            rectifies = [rectifies for _, rectifies in self._last_layers]
            self._heads[style] = _Part([*map(compiler.step, nodes, rectifies)])
        return self._heads[style]


class _Part:
    """Some steps of the network, and the memory that one call leaves to the next."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._spare_memory: list[Memory] = []

    @contextmanager
    def memory(self) -> Iterator[Memory]:
        """Memory that nobody else uses meanwhile."""
        try:
            memory = self._spare_memory.pop()
        except IndexError:  # the others are in use, by calls in other threads
            memory = {}
        yield memory
        self._spare_memory.append(memory)

    def run(self, values: dict[str, Array], memory: Memory) -> None:
        """Work out values from others, and let go of those that are needed no longer."""
        for step in self._steps:
            taken = [values[name] for name in step.takes]
            for name in step.last_takes:
                del values[name]
            values[step.gives] = step.run(taken, memory)


def _layers(graph: Graph) -> Iterator[tuple[Node, bool]]:
    """The nodes, and whether they rectify: those do whose result goes into a Relu and nowhere else.

    Such a Relu is left out.
    """
    takers: dict[tuple[str, ...], list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            takers.setdefault((name,), []).append(node)
    left_out: list[Node] = []
    for node in graph.nodes:
        if node in left_out:
            continue
        takes_it = takers.get(node.outputs, [])
        if (
            node.operation in ("Conv", "Gemm")
            and [(taker.operation, taker.inputs) for taker in takes_it] == [("Relu", node.outputs)]
            and graph.outputs.keys().isdisjoint(node.outputs)
        ):
            left_out += takes_it
            yield node._replace(outputs=takes_it[0].outputs), True
        else:
            yield node, False
