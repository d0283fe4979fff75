"""The network has exactly the paper's layers, shapes and number of parameters."""

import pytest
import torch
from torch import nn

from fivefold.model.enhancer_net import PRESETS, EnhancerNet

# Worked by hand from PAPER section 1: 3×3 kernels; b where nothing normalises, γ and β where
# batch normalisation does; the fusion has w, w′ and b; the guide M, b′, a, t and b.
GUIDE = 9 + 3 + 48 + 48 + 1
BY_HAND = {
    "small": {
        "low_level": (27 * 8 + 8) + (72 * 16 + 32) + (144 * 32 + 64) + (288 * 64 + 128),
        "local_path": (576 * 64 + 128) + (576 * 64 + 64),
        "global_path": 2 * (576 * 64 + 128)
        + (1024 * 256 + 512)
        + (256 * 128 + 256)
        + (128 * 64 + 64),
        "fusion": 64 * 64 + 64 * 64 + 64,
        "prediction": 64 * 96 + 96,
        "guide": GUIDE,
    },
    "paper": {
        "low_level": (27 * 16 + 16) + (144 * 32 + 64) + (288 * 64 + 128) + (576 * 128 + 256),
        "local_path": (1152 * 128 + 256) + (1152 * 128 + 128),
        "global_path": 2 * (1152 * 128 + 256)
        + (2048 * 512 + 1024)
        + (512 * 256 + 512)
        + (256 * 128 + 128),
        "fusion": 128 * 64 + 128 * 64 + 64,
        "prediction": 64 * 96 + 96,
        "guide": GUIDE,
    },
}
TOTALS = {"small": 491_085, "paper": 1_925_261}


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_parameters_are_those_counted_by_hand(preset: str) -> None:
    """Every part of both presets has the hand-worked number of parameters."""
    net = EnhancerNet(preset)
    counted = {
        name: sum(p.numel() for p in part.parameters()) for name, part in net.named_children()
    }
    assert counted == BY_HAND[preset]
    assert sum(counted.values()) == TOTALS[preset]


@pytest.mark.parametrize(("preset", "factor"), [("small", 1), ("paper", 2)])
def test_shapes_are_those_of_table_1(preset: str, factor: int) -> None:
    """Each layer's output has the shape of the paper's table; the enlarged model's is doubled."""
    net = EnhancerNet(preset).eval()
    shapes: dict[str, tuple[int, ...]] = {}

    def remember(name: str) -> object:
        return lambda _module, _inputs, output: shapes.update({name: tuple(output.shape[1:])})

    parts = {
        **{f"S{i + 1}": layer for i, layer in enumerate(net.low_level.layers)},
        **{f"L{i + 1}": layer for i, layer in enumerate(net.local_path.layers)},
        **{f"G{i + 1}": layer for i, layer in enumerate(net.global_path.convolutions)},
        **{f"G{i + 3}": layer for i, layer in enumerate(net.global_path.connected)},
        "F": net.fusion,
        "A": net.prediction,
    }
    for name, part in parts.items():
        part.register_forward_hook(remember(name))
    net.predict(torch.rand(1, 3, 256, 256))
    f = factor
    assert shapes == {
        "S1": (8 * f, 128, 128),
        "S2": (16 * f, 64, 64),
        "S3": (32 * f, 32, 32),
        "S4": (64 * f, 16, 16),
        "L1": (64 * f, 16, 16),
        "L2": (64 * f, 16, 16),
        "G1": (64 * f, 8, 8),
        "G2": (64 * f, 4, 4),
        "G3": (256 * f,),
        "G4": (128 * f,),
        "G5": (64 * f,),
        "F": (64, 16, 16),
        "A": (12, 8, 16, 16),
    }


def test_normalisation_is_where_the_paper_has_it() -> None:
    """Not on the first layer and not right before fusion; both paths end without σ."""
    net = EnhancerNet("small")

    def kinds(layer: nn.Module) -> list[type[nn.Module]]:
        return [type(part) for part in layer.children()]

    plain, normalised = [nn.Conv2d], [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert [kinds(layer) for layer in net.low_level.layers] == [
        [nn.Conv2d, nn.ReLU],
        normalised,
        normalised,
        normalised,
    ]
    assert [kinds(layer) for layer in net.local_path.layers] == [normalised, plain]
    assert [kinds(layer) for layer in net.global_path.convolutions] == [normalised, normalised]
    connected = [nn.Linear, nn.BatchNorm1d, nn.ReLU]
    assert [kinds(layer) for layer in net.global_path.connected] == [
        connected,
        connected,
        [nn.Linear],
    ]


def test_prediction_is_read_depth_fastest() -> None:
    """Channel d·c + z of the prediction is coefficient c at depth z (A_{dc+z} ↔ A_c[z])."""
    net = EnhancerNet("small").eval()
    fused = torch.rand(1, 64, 16, 16)
    flat = net.prediction.linear(fused)
    grid = net.prediction(fused)
    for coefficient, z in [(0, 0), (3, 7), (11, 2)]:
        assert torch.equal(grid[:, coefficient, z], flat[:, 8 * coefficient + z])


def test_unknown_preset_is_named() -> None:
    """A preset that does not exist is refused with the ones that do."""
    with pytest.raises(ValueError, match=r"\['paper', 'small'\], received 'large'"):
        EnhancerNet("large")
