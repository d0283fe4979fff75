"""Table 1, the dimensions of every layer, taken from the modules themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fivefold.model.enhancer_net import THUMBNAIL_SIZE_PX, EnhancerNet

_PARTS = {
    "low_level": "S, low-level features",
    "local_path": "L, local path",
    "global_path": "G, global path",
    "fusion": "F, fusion",
    "prediction": "A, prediction",
}


@dataclass(frozen=True)
class Layer:
    """A row of Table 1.

    Attributes:
        part: The part of the network that it belongs to.
        kind: What it computes, with its kernel and stride.
        output: Rows × columns × channels, or features.
        parameters: That are learned, those of its normalisation included.
    """

    part: str
    kind: str
    output: str
    parameters: int


def layer_table(preset: str) -> list[Layer]:
    """Every layer that has weights, in the order in which a photo passes them.

    Args:
        preset: A key of :data:`fivefold.model.enhancer_net.PRESETS`.
    """
    net = EnhancerNet(preset).eval()
    names = {module: name for name, module in net.named_modules()}
    layers: list[Layer] = []

    def note(module: nn.Module, _: Any, output: Tensor) -> None:
        parameters = sum(p.numel() for p in module.parameters())
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            last = layers.pop()
            layers.append(
                Layer(last.part, f"{last.kind}, norm", last.output, last.parameters + parameters)
            )
            return
        part = _PARTS[names[module].split(".")[0]]
        layers.append(Layer(part, _kind_of(module), _size_of(output), parameters))

    hooks = [
        module.register_forward_hook(note)
        for module in net.modules()
        if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    with torch.no_grad():
        grid = net.predict(torch.zeros(1, 3, THUMBNAIL_SIZE_PX, THUMBNAIL_SIZE_PX))
    for hook in hooks:
        hook.remove()
    _, coefficients, depth, rows, columns = grid.shape
    layers.append(
        Layer("bilateral grid", "read as a grid", f"{rows}×{columns}×{depth}×{coefficients}", 0)
    )
    guide = sum(p.numel() for p in net.guide.parameters())
    layers.append(Layer("g, guide", "mix of channels and 3 curves", "H×W×1", guide))
    return layers


def _kind_of(module: nn.Module) -> str:
    if isinstance(module, nn.Conv2d):
        rows, columns = module.kernel_size
        stride = f", stride {module.stride[0]}" if module.stride[0] > 1 else ""
        return f"convolution {rows}×{columns}{stride}"
    return "fully connected"


def _size_of(output: Tensor) -> str:
    if output.ndim == 2:
        return str(output.shape[1])
    _, channels, rows, columns = output.shape
    return f"{rows}×{columns}×{channels}"
