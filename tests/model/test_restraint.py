"""The restraint holds the first style back, by the colours alone, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fivefold.model.enhancer_net import PRESETS, EnhancerNet, grown
from fivefold.model.excesses import few_pixels
from fivefold.model.restraint import Restraint

STYLES = ("consensus", "full", "bright")


def network(seed: int = 0) -> EnhancerNet:
    torch.manual_seed(seed)
    net = EnhancerNet(replace(PRESETS["small"], styles=("consensus", "bright")))
    torch.nn.init.normal_(net.prediction.linear.weight, std=0.05)
    return net.eval()


def restrained(net: EnhancerNet) -> EnhancerNet:
    return grown(net, replace(net.config, styles=STYLES, restraint=True)).eval()


@torch.no_grad()
def test_only_the_first_style_is_held_back() -> None:
    """Its grid lies on the way from the identity; the others' are those that there were."""
    net, thumbnail = network(), torch.rand(2, 3, 256, 256)
    before = net.predict(thumbnail).unflatten(0, (2, 2))
    larger = restrained(net)
    after = larger.predict(thumbnail).unflatten(0, (2, 3))
    torch.testing.assert_close(after[:, 1], before[:, 0], atol=1e-6, rtol=0)
    torch.testing.assert_close(after[:, 2], before[:, 1], atol=1e-6, rtol=0)
    assert larger.restraint is not None
    shares = larger.restraint.shares(few_pixels(thumbnail))
    assert shares[:, 1:].eq(1).all()
    share = shares[:, :1, None, None, None]
    assert ((share > 0.3) & (share < 1)).all()
    identity = torch.eye(3, 4).reshape(12, 1, 1, 1)
    expected = (1 - share) * identity + share * before[:, 0]
    torch.testing.assert_close(after[:, 0], expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_statistics_are_means_of_excesses() -> None:
    """On a picture of two colours, every measure is what it is by hand."""
    restraint = Restraint().eval()
    restraint.judgement = torch.nn.Identity()
    thumbnail = torch.zeros(1, 3, 256, 256)
    thumbnail[:, :, :, :64] = torch.tensor([0.8, 0.5, 0.1])[:, None, None]
    logits = torch.logit(restraint.shares(thumbnail), eps=1e-9)
    assert logits.shape == (1, 4 * (17 + 4) + 6 * 5)
    luma = 0.2126 * 0.8 + 0.7152 * 0.5 + 0.0722 * 0.1
    measures = logits[0]  # the normalisation has seen nothing yet
    assert measures[0].item() == pytest.approx((luma - 0.02) / 0.98 / 4, abs=1e-4)
    assert measures[17].item() == pytest.approx(3 / 4, abs=1e-4)
    assert measures[84].item() == pytest.approx((0.8 - 0.5) / 4, abs=1e-4)
    assert measures[86].item() == pytest.approx((0.8 - 0.5 - 0.12) / 0.88 / 4, abs=1e-4)


def test_growing_loses_nothing() -> None:
    """Neither a style nor the restraint may be left out, nor styles be added to a restraint."""
    net = network()
    for config in (
        replace(net.config, styles=("consensus",)),
        replace(net.config, depth=4),
    ):
        with pytest.raises(ValueError, match="cannot grow"):
            grown(net, config)
    larger = restrained(net)
    with pytest.raises(ValueError, match="cannot grow"):
        grown(larger, replace(larger.config, restraint=False))
    with pytest.raises(ValueError, match="made for its styles"):
        grown(larger, replace(larger.config, styles=(*STYLES, "d")))
    same = grown(larger, larger.config)
    for name, values in larger.state_dict().items():
        assert torch.equal(same.state_dict()[name], values)
