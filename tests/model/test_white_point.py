"""What is white stays white, and all that is darker stays what the network makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fivefold.model.enhancer_net import PRESETS, EnhancerNet, grown
from fivefold.model.slicing import apply_affine
from fivefold.model.white_point import WhitePoint


def of_white(grid: torch.Tensor) -> torch.Tensor:
    """What the brightest transforms make of white, ``(N, 3, rows, columns)``."""
    return apply_affine(grid[:, :, -1], torch.ones(len(grid), 3, *grid.shape[3:]))


@pytest.fixture
def grid() -> torch.Tensor:
    """Transforms near the identity, of which some leave white too dark and some too bright."""
    random = torch.Generator().manual_seed(0)
    near = torch.eye(3, 4).reshape(12, 1, 1, 1)
    return near + 0.1 * torch.randn(2, 12, 8, 16, 16, generator=random)


def test_white_becomes_no_darker(grid: torch.Tensor) -> None:
    """Channels of white that would be below 1 become 1; those above stay."""
    before, after = of_white(grid), of_white(WhitePoint()(grid))
    assert (before < 0.9).any()
    assert (before > 1.1).any()
    torch.testing.assert_close(after, before.clamp(min=1), atol=1e-5, rtol=0)


def test_only_the_brightest_depths_change(grid: torch.Tensor) -> None:
    """The one below the brightest loses half of the tint and stays as bright; the others stay."""
    after = WhitePoint()(grid)
    assert torch.equal(after[:, :, :-2], grid[:, :, :-2])
    missing = (1 - of_white(grid)).clamp(min=0)
    change = (after - grid)[:, :, -2].unflatten(1, (3, 4))
    assert change[:, :, :3].abs().max() == 0
    tint = missing - missing.mean(1, keepdim=True)
    torch.testing.assert_close(change[:, :, 3], tint / 2, atol=1e-6, rtol=0)


def test_a_grid_that_keeps_white_is_left_alone() -> None:
    """The identity is one, so that no strength and no restraint is in its way."""
    identity = torch.eye(3, 4).reshape(1, 12, 1, 1, 1).repeat(1, 1, 8, 16, 16)
    assert torch.equal(WhitePoint()(identity), identity)


@torch.no_grad()
def test_a_network_with_it_keeps_white(grid: torch.Tensor) -> None:
    """Grown from one without, it makes white of white in every style; it cannot be lost again."""
    torch.manual_seed(0)
    net = EnhancerNet(replace(PRESETS["small"], styles=("a", "b"), uniform_knots=True)).eval()
    torch.nn.init.normal_(net.prediction.linear.weight, std=0.05)
    larger = grown(net, replace(net.config, white_point=True)).eval()
    thumbnail = torch.ones(1, 3, 256, 256)
    white = torch.ones(2, 3, 40, 60)
    assert net.render(white, net.predict(thumbnail)).min() < 0.95
    assert larger.render(white, larger.predict(thumbnail)).min() > 0.999
    with pytest.raises(ValueError, match="cannot grow"):
        grown(larger, net.config)
