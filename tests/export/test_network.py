"""The exported network says nothing of the machine, and all that run it agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fivefold.export.bundle import largest_difference, network_to_onnx
from fivefold.kernels import engine
from fivefold.model.enhancer_net import PRESETS, EnhancerNet
from fivefold.runtime.gpu.network import TorchNetwork
from fivefold.runtime.one_style import styled_values
from fivefold.runtime.onnx_file import read_graph

STYLES = ("consensus", "full", "bright")


@pytest.fixture(scope="module")
def net() -> EnhancerNet:
    """A network with all that is ours, and predictions that differ."""
    torch.manual_seed(0)
    config = replace(
        PRESETS["small"],
        uniform_knots=True,
        styles=STYLES,
        restraint=True,
        adaptation=True,
        white_point=True,
    )
    made = EnhancerNet(config)
    torch.nn.init.normal_(made.prediction.linear.weight, std=0.05)
    return made.eval()


@pytest.fixture(scope="module")
def model(net: EnhancerNet) -> bytes:
    return network_to_onnx(net)


def thumbnails() -> torch.Tensor:
    """``(4, 3, 256, 256)``: very dark, dark and tinted, usual, and bright."""
    random = torch.Generator().manual_seed(1)
    levels = torch.tensor([0.04, 0.12, 0.35, 0.95]).reshape(4, 1, 1, 1)
    tint = torch.tensor([1.0, 0.8, 0.7]).reshape(1, 3, 1, 1)
    return levels * tint * torch.rand(4, 3, 256, 256, generator=random) ** 0.3


def test_no_paths_are_in_it(model: bytes) -> None:
    """Neither file names nor lines of source go into a bundle."""
    assert b".py" not in model
    assert b"Error" not in model
    assert b"return " not in model


def test_onnx_runtime_agrees(net: EnhancerNet, model: bytes) -> None:
    """What is exported is the network."""
    assert largest_difference(net, model) < 1e-5


@torch.no_grad()
def test_compiled_layers_agree(net: EnhancerNet, model: bytes) -> None:
    """They run it, whatever the light, and a style alone is what it is among all."""
    if engine.NATIVE_MISSING is not None:
        pytest.skip(f"no compiled kernels: {engine.NATIVE_MISSING}")
    from fivefold.runtime.compiled_network import CompiledNetwork

    assert styled_values(read_graph(model))
    network = CompiledNetwork(model, threads=2)
    for thumbnail in thumbnails()[:, None]:
        whole = network(thumbnail.numpy())
        np.testing.assert_allclose(whole, net.predict(thumbnail).numpy(), atol=2e-5)
        for style in range(len(STYLES)):
            alone = network(thumbnail.numpy(), style)
            assert np.array_equal(alone, whole[style : style + 1])


@torch.no_grad()
def test_pytorch_agrees_for_many_at_once(net: EnhancerNet, model: bytes) -> None:
    """As GPUs run it."""
    network = TorchNetwork(model, torch.device("cpu"), source="made up")
    received = network(thumbnails())
    expected = net.predict(thumbnails()).unflatten(0, (4, len(STYLES)))
    torch.testing.assert_close(received, expected, atol=2e-5, rtol=0)
