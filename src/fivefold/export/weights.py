"""A bundle's network as weights for PyTorch again: to go on training from, and to build on.

A bundle holds the network as it is used, each normalisation folded into the layer before it. Here
the layers get back what they had been given, and normalisations that change nothing but add the
shift. Whoever trains on must leave their statistics as they are, since a batch's own would undo
what was folded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fivefold.errors import BundleDamagedError, BundleError, TrainingError
from fivefold.export.bundle import LARGEST_DIFFERENCE, largest_difference
from fivefold.kernels.grid import COEFFICIENTS
from fivefold.model.enhancer_net import EnhancerNet, EnhancerNetConfig
from fivefold.model.weights import FOLDED, save_weights
from fivefold.runtime.blend import Blend, blend_weights
from fivefold.runtime.bundle import Bundle
from fivefold.runtime.onnx_file import OnnxFileError, read_graph

_NETWORK = "net."  # what fivefold's own exports put before the names of all weights
_SHIFT = "_bias"  # and after that of a layer's weights, for the shift of its normalisation

Constants = Mapping[str, NDArray[Any]]


def network_of_bundle(bundle: Bundle) -> EnhancerNet:
    """The network of a bundle that fivefold exported, ready to enhance.

    Raises:
        BundleDamagedError: If the network is damaged.
        BundleError: If it is another program's, or gives something else than the bundle's.
    """
    try:
        graph = read_graph(bundle.network)
    except OnnxFileError as error:
        raise BundleDamagedError(f"{bundle.source}: {error}") from error
    constants = {
        name.removeprefix(_NETWORK): value
        for name, value in graph.constants.items()
        if name.startswith(_NETWORK)
    }
    try:
        _, _, depth, _, _ = graph.outputs["grid"]
        net = EnhancerNet(_config(constants, depth, bundle))
        net.load_state_dict(_state(net, constants, bundle), strict=True)
    except (KeyError, ValueError, RuntimeError) as error:
        raise BundleError(
            f"{bundle.source}: its network is not as fivefold exports them, and cannot be taken up"
        ) from error
    net.eval()
    difference = largest_difference(net, bundle.network)
    if not difference <= LARGEST_DIFFERENCE:
        raise BundleError(
            f"{bundle.source}: its network differs from the one taken up by {difference:.2g}, "
            f"more than {LARGEST_DIFFERENCE:g}"
        )
    return net


def one_style(net: EnhancerNet, expert: str | Blend) -> EnhancerNet:
    """A network of a single style, one of another network's or a blend of them.

    Args:
        net: A network of several styles.
        expert: Which.

    Raises:
        ValueError: If it does not have the style, or holds it back on photos that look finished,
            which a style alone is not.
    """
    names = net.config.style_names
    shares = torch.from_numpy(blend_weights(expert, names))
    if net.config.restraint and shares[0] != 0:
        raise ValueError(
            f"{names[0]} is held back on photos that look finished, which needs all styles; "
            f"the others are {', '.join(names[1:])}"
        )
    alone = EnhancerNet(replace(net.config, styles=(), restraint=False))
    state = {name: value for name, value in net.state_dict().items() if name in alone.state_dict()}
    for name in ("prediction.linear.weight", "prediction.linear.bias"):
        predictions = state[name].unflatten(0, (net.config.grids, COEFFICIENTS * net.config.depth))
        state[name] = torch.tensordot(shares, predictions, 1)
    alone.load_state_dict(state)
    return alone.eval()


def export_weights(bundle: Bundle, target: Path, expert: str | Blend | None = None) -> int:
    """Write a bundle's network as a run's weights.

    Args:
        bundle: One that fivefold exported.
        target: The ``.safetensors`` file; replaced whole.
        expert: A style or blend, for a network of that one alone; all of them without it.

    Returns:
        The file's size in bytes.

    Raises:
        BundleError: If the network cannot be taken up.
        TrainingError: If the file cannot be written.
        ValueError: If it does not have the style, or the style cannot be had alone.
    """
    net = network_of_bundle(bundle)
    if expert is not None:
        net = one_style(net, expert)
    manifest = bundle.manifest
    facts = {"bundle": manifest.name, "licence": manifest.licence, FOLDED: True}
    try:
        save_weights(net, target, {name: json.dumps(fact) for name, fact in facts.items()})
        return target.stat().st_size
    except OSError as error:
        raise TrainingError(f"{target}: {error.strerror or error}") from error


def _config(constants: Constants, depth: int, bundle: Bundle) -> EnhancerNetConfig:
    """The sizes, read off the weights."""

    def widths(part: str) -> tuple[int, ...]:
        layers = sum(
            name.startswith(f"{part}.") for name in constants if name.endswith(".0.weight")
        )
        return tuple(len(constants[f"{part}.{i}.0.weight"]) for i in range(layers))

    return EnhancerNetConfig(
        low_level=widths("low_level.layers"),
        local=widths("local_path.layers"),
        global_convolutions=widths("global_path.convolutions"),
        global_connected=widths("global_path.connected"),
        fusion=len(constants["fusion.of_local.weight"]),
        depth=depth,
        uniform_knots=bundle.guide.has_uniform_knots,
        styles=bundle.manifest.styles,
        restraint="restraint.offsets" in constants,
        adaptation="adaptation.offsets" in constants,
        white_point="white_point.spread" in constants,
    )


def _state(net: EnhancerNet, constants: Constants, bundle: Bundle) -> dict[str, torch.Tensor]:
    state = net.state_dict()
    for name in ("matrix", "matrix_bias", "slopes", "thresholds", "bias"):
        state[f"guide.{name}"] = torch.from_numpy(np.array(getattr(bundle.guide, name), np.float32))
    for name, value in constants.items():
        if name in state:
            state[name] = torch.from_numpy(value.copy())
    for name, module in net.named_modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and f"{name}.weight" in state:
            layer, _ = name.rsplit(".", 1)
            state[f"{name}.weight"] = torch.ones(module.num_features)
            state[f"{name}.running_mean"] = torch.zeros(module.num_features)
            state[f"{name}.running_var"] = torch.full((module.num_features,), 1 - module.eps)
            shift = constants[f"{layer}.0.weight{_SHIFT}"]
            state[f"{name}.bias"] = torch.from_numpy(shift.copy())
    return state
