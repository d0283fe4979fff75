"""Photos are judged in usual light, and what is found fits them as they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from fivefold.kernels.grid import identity_coefficients
from fivefold.model.adaptation import Adaptation
from fivefold.model.enhancer_net import PRESETS, EnhancerNet, grown
from fivefold.model.excesses import few_pixels
from fivefold.photo.colour import LUMA, linear_to_srgb, srgb_to_linear

USUAL_GREY = 0.30  # its linear light is 2^-3.8


def picture(grey: float = USUAL_GREY, *, spread: float = 0.02) -> Tensor:
    """``(1, 3, 256, 256)``, colours around a grey."""
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 3, 256, 256, generator=random)
    return (grey + spread * noise).clamp(0.01, 1)


def exposed(photo: Tensor, stops: float) -> Tensor:
    colours = srgb_to_linear(photo.permute(0, 2, 3, 1).numpy()) * 2.0**stops
    return torch.from_numpy(linear_to_srgb(colours.clip(0, 1))).float().permute(0, 3, 1, 2)


def stops_of(photo: Tensor) -> float:
    luma = torch.einsum("c,nchw->nhw", torch.tensor(LUMA), photo)[..., None].repeat(1, 1, 1, 3)
    light = torch.from_numpy(srgb_to_linear(luma.numpy()))
    return torch.log2(light + 0.002).mean().item()


def network(*, adaptation: bool = True) -> EnhancerNet:
    torch.manual_seed(0)
    net = EnhancerNet(replace(PRESETS["small"], styles=("one", "two")))
    torch.nn.init.normal_(net.prediction.linear.weight, std=0.05)
    return grown(net, replace(net.config, adaptation=adaptation)).eval()


@pytest.mark.parametrize("stops", [-0.9, 0.0, 0.4])
def test_usual_light_stays(stops: float) -> None:
    """Within the leeway a photo without a cast is seen as it is, and its grids stay."""
    adaptation, photo = Adaptation(), exposed(picture(), stops)
    light = adaptation.judge(photo)
    assert light.brightening.item() == 1.0
    assert light.darkening.item() == 0.0
    torch.testing.assert_close(light.gains, torch.ones(1, 3), atol=2e-3, rtol=0)
    torch.testing.assert_close(adaptation(photo, light), photo, atol=2e-3, rtol=0)
    grid = torch.randn(2, 12, 8, 16, 16)
    still = light._replace(gains=torch.ones(1, 3))
    torch.testing.assert_close(adaptation.undo(grid, still), grid, atol=1e-5, rtol=0)


@pytest.mark.parametrize("stops", [-1.5, -2.0, -3.0])
def test_dark_photos_are_seen_as_if_exposed_by_more(stops: float) -> None:
    """What is too dark is seen a stop darker than usual, whatever it was."""
    adaptation, photo = Adaptation(), picture(spread=0.0)
    dark = exposed(photo, stops)
    seen = adaptation(dark, adaptation.judge(dark))
    torch.testing.assert_close(seen, exposed(photo, -1.0), atol=0.05, rtol=0)
    assert abs(stops_of(seen) + 4.8) < 0.4 * abs(stops_of(dark) + 4.8)


def test_bright_photos_are_seen_darker_and_white_stays() -> None:
    """Greys come down by 0.2 of what they are below white for each stop."""
    adaptation, photo = Adaptation(), picture(0.6, spread=0.0)
    photo[..., :16] = 1.0
    light = adaptation.judge(photo)
    stops = stops_of(photo) - (-3.8 + 0.5)
    assert light.darkening.item() == pytest.approx(0.2 * stops, abs=0.01)
    seen = adaptation(photo, light)
    assert seen[..., :16].eq(1).all()
    expected = 0.6 * (1 - light.darkening.item() * 0.4)
    torch.testing.assert_close(
        seen[..., 16:], torch.full_like(seen[..., 16:], expected), atol=1e-4, rtol=0
    )


def test_levelled_photos_are_equally_bright() -> None:
    """However a photo was exposed, it is compared with others at the same light."""
    adaptation, photo = Adaptation(), picture(0.35)
    levelled = []
    for stops in (-2.0, 0.0, 1.0):
        varied = exposed(photo, stops)
        levelled.append(adaptation.level(varied, adaptation.judge(varied)))
        assert stops_of(levelled[-1]) == pytest.approx(-3.2, abs=0.2)
    for one in (levelled[0], levelled[2]):
        torch.testing.assert_close(one, levelled[1], atol=0.04, rtol=0)


def test_black_stays_black() -> None:
    """However dark a photo is, its blacks are not lifted to grey, neither seen nor in the end."""
    adaptation, net = Adaptation(), network()
    photo = picture(0.05, spread=0.01)
    photo[..., :128] = 0.0
    light = adaptation.judge(photo)
    assert light.gains.min() > 1.5
    assert adaptation(photo, light)[..., :128].eq(0).all()
    grid = torch.from_numpy(identity_coefficients(8, 16, 16))[None]
    assert net.render(photo, adaptation.undo(grid, light))[..., :128].abs().max() < 1e-6


def test_a_quarter_of_a_cast_is_taken_away() -> None:
    """Ratios of the channels' light go a quarter of the way to one."""
    adaptation, photo = Adaptation(), picture(spread=0.0)
    colours = srgb_to_linear(photo.permute(0, 2, 3, 1).numpy()) * [1.3, 1.0, 1 / 1.3]
    tinted = torch.from_numpy(linear_to_srgb(colours)).float().permute(0, 3, 1, 2)
    seen = adaptation(tinted, adaptation.judge(tinted))
    red, _, blue = srgb_to_linear(seen[0, :, 0, 0].numpy()[None])[0]
    assert red / blue == pytest.approx((1.3 * 1.3) ** 0.75, rel=0.03)


@torch.no_grad()
def test_undone_transforms_are_exact_where_depth_does_not_matter() -> None:
    """Rendering a photo with the undone grid is rendering the adapted one with the grid."""
    adaptation, net = Adaptation(), network()
    photo = picture(0.1, spread=0.01)
    photo[:, 0] *= 0.8
    light = adaptation.judge(photo)
    assert light.gains.min() > 1.02
    grid = torch.randn(12, generator=torch.Generator().manual_seed(0)).reshape(1, 12, 1, 1, 1)
    grid = grid.repeat(1, 1, 8, 16, 16)
    expected = net.render(adaptation(photo, light), grid)
    received = net.render(photo, adaptation.undo(grid, light))
    torch.testing.assert_close(received, expected, atol=1e-5, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("grey", [0.08, 0.12, 0.7, 0.9])
def test_undone_grids_are_read_where_the_adapted_photo_lies(grey: float) -> None:
    """The same holds nearly where the transforms change along the guide, as a curve does."""
    adaptation, net = Adaptation(), network()
    photo = picture(grey, spread=0.01)
    light = adaptation.judge(photo)
    bend = torch.linspace(0, 0.4, 8)[None, None, :, None, None]
    grid = torch.from_numpy(identity_coefficients(8, 16, 16))[None] + bend
    expected = net.render(adaptation(photo, light), grid)
    received = net.render(photo, adaptation.undo(grid, light))
    moved_gains_only = adaptation.undo(grid, light._replace(brightening=torch.ones(1, 1)))
    error = (received - expected).abs().mean()
    assert error < 0.02
    if grey < 0.3:
        assert error < 0.3 * (net.render(photo, moved_gains_only) - expected).abs().mean()


@torch.no_grad()
def test_grids_of_several_photos_and_styles_stay_apart() -> None:
    """A photo's grids are those that it has alone."""
    net = network()
    photos = torch.cat([picture(0.06), picture(), picture(0.9)])
    together = net.predict(photos)
    alone = torch.cat([net.predict(photo[None]) for photo in photos])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)
    without = network(adaptation=False).predict(photos)
    assert (together[2:4] - without[2:4]).abs().max() < 0.02
    assert (together[:2] - without[:2]).abs().max() > 0.1


@torch.no_grad()
def test_it_follows_the_guide() -> None:
    """Depths are as bright as the network's own guide says, not as at the start."""
    net = network(adaptation=False)
    net.guide.slopes[:, 0] = 0.5
    adapted = grown(net, replace(net.config, adaptation=True))
    assert adapted.adaptation is not None
    centres = (torch.arange(8) + 0.5) / 8
    expected = (2 * centres).clamp(max=1)
    torch.testing.assert_close(adapted.adaptation.brightnesses, expected, atol=2e-3, rtol=0)


@torch.no_grad()
def test_mixed_precision_does_not_touch_it() -> None:
    """Light is judged alike whatever the network's layers calculate in."""
    adaptation, photo = Adaptation(), picture(0.07)
    expected = adaptation.judge(photo)
    with torch.autocast("cpu", torch.bfloat16):
        received = adaptation.judge(photo)
        grid = adaptation.undo(torch.ones(1, 12, 8, 16, 16, dtype=torch.bfloat16), received)
    for one, other in zip(received, expected, strict=True):
        assert torch.equal(one, other)
    assert grid.dtype == torch.float32


def test_adaptation_is_not_lost() -> None:
    """A network that judges in usual light cannot grow into one that does not."""
    net = network()
    with pytest.raises(ValueError, match="cannot grow"):
        grown(net, replace(net.config, adaptation=False))


@torch.no_grad()
def test_the_restraint_sees_both_views() -> None:
    """It judges the photo in usual light and levelled, in this order."""
    net = network(adaptation=False)
    both = grown(net, replace(net.config, adaptation=True, restraint=True)).eval()
    assert both.adaptation is not None
    assert both.restraint is not None
    photo = picture(0.1)
    few = few_pixels(photo)
    light = both.adaptation.judge(few)
    views = few_pixels(both.adaptation(photo, light)), both.adaptation.level(few, light)
    share = both.restraint.shares(*views)[0, 0]
    free = grown(net, replace(net.config, adaptation=True)).eval().predict(photo)[0]
    identity = torch.from_numpy(identity_coefficients(1, 1, 1))
    expected = identity + share * (free - identity)
    torch.testing.assert_close(both.predict(photo)[0], expected, atol=1e-5, rtol=0)
    assert both.restraint.shares(views[1], views[0])[0, 0] != share


def test_a_restraint_is_made_for_what_it_sees() -> None:
    """Adaptation cannot be added beneath a restraint that has learned without."""
    net = network(adaptation=False)
    restrained = grown(net, replace(net.config, restraint=True))
    with pytest.raises(ValueError, match="made for its styles and its adaptation"):
        grown(restrained, replace(restrained.config, adaptation=True))
