"""A bundle's network as weights for PyTorch again: the same network, to be trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fivefold.errors import BundleDamagedError, BundleError, TrainingError
from fivefold.export.bundle import export_bundle, largest_difference
from fivefold.export.weights import export_weights, network_of_bundle, one_style
from fivefold.model.enhancer_net import PRESETS, EnhancerNet
from fivefold.model.weights import load_weights, save_weights
from fivefold.runtime.bundle import Bundle
from fivefold.runtime.enhancer import find_bundle
from fivefold.train.config import Source, TrainConfig
from fivefold.train.loop import train

STYLES = ("held", "full", "bright")


def trained(**options: object) -> EnhancerNet:
    """A small network whose normalisations and predictions have something to say."""
    torch.manual_seed(0)
    net = EnhancerNet(replace(PRESETS["small"], **options))  # type: ignore[arg-type]
    for name, module in net.named_modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            if "restraint" not in name:
                torch.nn.init.normal_(module.weight, 1.0, 0.3)
                torch.nn.init.normal_(module.bias, 0.0, 0.3)
            module.running_mean.normal_(0.0, 0.2)
            module.running_var.uniform_(0.5, 2.0)
    torch.nn.init.normal_(net.prediction.linear.weight, std=0.05)
    torch.nn.init.normal_(net.guide.slopes, 0.2, 0.05)
    if not net.config.uniform_knots:
        torch.nn.init.uniform_(net.guide.thresholds)
    if net.adaptation is not None:
        net.adaptation.follow(net.guide)
    return net.eval()


def as_bundle(net: EnhancerNet, folder: Path) -> Bundle:
    save_weights(net, folder / "w.safetensors")
    target = folder / "w.fivefold"
    export_bundle(
        folder / "w.safetensors", target, name="w", preset="small", licence="none", card="W."
    )
    return Bundle.read(target)


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> tuple[EnhancerNet, Bundle]:
    """The paper's kind of network, and a bundle of it."""
    net = trained()
    return net, as_bundle(net, tmp_path_factory.mktemp("paper"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> tuple[EnhancerNet, Bundle]:
    """One with all that is ours, and a bundle of it."""
    net = trained(
        uniform_knots=True, styles=STYLES, restraint=True, adaptation=True, white_point=True
    )
    return net, as_bundle(net, tmp_path_factory.mktemp("ours"))


@pytest.mark.parametrize("kind", ["paper", "ours"])
def test_the_network_of_a_bundle_is_the_one_that_was_exported(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """Sizes, styles, guide and every grid are those of the network before normalisations folded."""
    net, bundle = request.getfixturevalue(kind)
    back = network_of_bundle(bundle)
    assert back.config == net.config
    random = torch.Generator().manual_seed(1)
    thumbnails = torch.rand(3, 3, 256, 256, generator=random) ** 2
    with torch.no_grad():
        for call in ("predict", "guide"):
            received, expected = getattr(back, call)(thumbnails), getattr(net, call)(thumbnails)
            torch.testing.assert_close(received, expected, atol=1e-5, rtol=0)


def test_the_shipped_network_can_be_taken_up() -> None:
    """All of its styles, and one of them alone, which gives that style's grid."""
    bundle = Bundle.read(find_bundle(None))
    net = network_of_bundle(bundle)
    assert net.config.styles == bundle.manifest.styles
    thumbnail = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        all_styles = net.predict(thumbnail)
        alone = one_style(net, "full").predict(thumbnail)
        blend = one_style(net, "a=0.5,d=0.5").predict(thumbnail)
    torch.testing.assert_close(alone[0], all_styles[1], atol=1e-6, rtol=0)
    torch.testing.assert_close(blend[0], (all_styles[2] + all_styles[5]) / 2, atol=1e-6, rtol=0)


def test_a_style_that_is_held_back_cannot_be_had_alone(
    ours: tuple[EnhancerNet, Bundle], tmp_path: Path
) -> None:
    """What holds it back needs the others; the message names them."""
    net, bundle = ours
    for expert in ("held", "held=0.5,full=0.5"):
        with pytest.raises(ValueError, match=r"held is held back .* others are full, bright"):
            one_style(net, expert)
    with pytest.raises(ValueError, match="there is no 'dark'"):
        export_weights(bundle, tmp_path / "dark.safetensors", "dark")
    assert not (tmp_path / "dark.safetensors").exists()


def test_training_goes_on_from_them(
    paper: tuple[EnhancerNet, Bundle], study_pack: Path, tmp_path: Path
) -> None:
    """With frozen statistics only; after a small step the network is nearly the bundle's."""
    _, bundle = paper
    start = tmp_path / "start.safetensors"
    export_weights(bundle, start)
    config = TrainConfig(
        "on",
        (Source("fivek_pairs"),),
        preset="small",
        epochs=1,
        batch_size=2,
        learning_rate=1e-6,
        final_learning_rate=1e-6,
    )
    with pytest.raises(TrainingError, match=r"start\.safetensors: .* frozen_statistics must be"):
        train(config, study_pack, tmp_path / "refused", start_from=start)
    config = replace(config, frozen_statistics=True)
    train(config, study_pack, tmp_path / "run", start_from=start, show_progress=False)
    after, _ = load_weights(tmp_path / "run/weights.safetensors")
    assert 0 < largest_difference(after, bundle.network) < 0.1


def test_other_networks_are_refused(paper: tuple[EnhancerNet, Bundle], tmp_path: Path) -> None:
    """One with weights of other names, and one that is no network: in one line, nothing written."""
    _, bundle = paper
    other = replace(bundle, network=bundle.network.replace(b"net.fusion", b"net.fusiom"))
    with pytest.raises(BundleError, match=r"w\.fivefold: its network is not as fivefold exports"):
        export_weights(other, tmp_path / "other.safetensors")
    damaged = replace(bundle, network=bundle.network[:1000])
    with pytest.raises(BundleDamagedError, match=r"w\.fivefold: "):
        export_weights(damaged, tmp_path / "other.safetensors")
    assert not (tmp_path / "other.safetensors").exists()
    with pytest.raises(TrainingError, match="missing/w"):
        export_weights(bundle, tmp_path / "missing/w.safetensors")
