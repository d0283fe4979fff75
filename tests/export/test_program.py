"""The exported PyTorch program computes what the network and the reference compute."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from fivefold.errors import TrainingError
from fivefold.export import program as module
from fivefold.export.program import LARGEST_DIFFERENCE, area_thumbnail, export_program
from fivefold.kernels import reference
from fivefold.kernels.grid import BilateralGrid
from fivefold.model.enhancer_net import EnhancerNet
from fivefold.model.weights import save_weights
from fivefold.photo.resize import thumbnail

SIZES_PX = [(2, 2), (3, 400), (256, 256), (301, 177), (512, 384)]


@pytest.fixture(scope="module")
def net() -> EnhancerNet:
    """A network that does something: its weights are not those of the start."""
    torch.manual_seed(3)
    net = EnhancerNet("small").eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return net


@pytest.fixture(scope="module")
def weights(net: EnhancerNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    save_weights(net, path)
    return path


@pytest.fixture(scope="module")
def exported(weights: Path) -> Path:
    path = weights.with_name("whole.pt2")
    assert export_program(weights, path) == path.stat().st_size
    return path


@pytest.fixture
def _exported_before(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the seconds that tracing takes where a test is about something else."""
    program = torch.export.load(exported)
    monkeypatch.setattr(module, "photo_program", lambda *_: program)


def test_the_loaded_program_equals_the_reference(net: EnhancerNet, exported: Path) -> None:
    """Within 1e-5 of the float64 reference with the network's grid, at five sizes."""
    enhance = torch.export.load(exported).module()
    for size in SIZES_PX:
        pixels = np.random.default_rng(sum(size)).random((*size, 3), np.float32)
        small = torch.from_numpy(thumbnail(pixels)).permute(2, 0, 1)[None]
        photo = torch.from_numpy(pixels).permute(2, 0, 1)[None]
        with torch.no_grad():
            coefficients = net.predict(small)[0].numpy()
            received = enhance(photo)[0].permute(1, 2, 0).numpy()
        expected = reference.render(pixels, BilateralGrid(coefficients, net.guide.as_plain()))
        assert np.abs(expected - pixels).mean() > 0.01
        assert np.abs(received - expected).max() <= LARGEST_DIFFERENCE, size


@pytest.mark.parametrize("size", [(1, 1), (5, 700), (256, 256), (399, 257)])
def test_the_thumbnail_is_the_one_of_training(size: tuple[int, int]) -> None:
    """Within 1e-6 of the home of that definition, enlarged ones too."""
    pixels = np.random.default_rng(0).random((*size, 3), np.float32)
    received = area_thumbnail(torch.from_numpy(pixels).permute(2, 0, 1)[None])
    difference = received[0].permute(1, 2, 0).numpy() - thumbnail(pixels)
    assert np.abs(difference).max() <= 1e-6


def test_the_program_runs_without_fivefold(exported: Path) -> None:
    """Another program needs PyTorch alone."""
    code = (
        "import sys, torch\n"
        "enhance = torch.export.load(sys.argv[1]).module()\n"
        "assert enhance(torch.rand(1, 3, 50, 71)).shape == (1, 3, 50, 71)\n"
        "assert not any(name.startswith('fivefold.') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, exported], check=True, timeout=300)


@pytest.mark.usefixtures("_exported_before")
def test_a_program_that_computes_something_else_is_not_written(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison is made for every export; nothing is left when it fails."""
    monkeypatch.setattr(module, "LARGEST_DIFFERENCE", -1.0)
    with pytest.raises(TrainingError, match="the exported program differs by"):
        export_program(weights, tmp_path / "whole.pt2")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_exported_before")
def test_a_folder_that_is_missing_is_told(weights: Path, tmp_path: Path) -> None:
    """As our own error, with the file's name."""
    with pytest.raises(TrainingError, match=r"none/whole\.pt2: No such file"):
        export_program(weights, tmp_path / "none/whole.pt2")
