"""``fivefold export`` for other programs; weights to bundles are in ``test_train.py``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from command import Result
from PIL import Image

from fivefold.cli import extras
from fivefold.export.grid_file import read_grid
from fivefold.kernels import reference
from fivefold.model.enhancer_net import EnhancerNet
from fivefold.model.weights import load_weights, save_weights
from fivefold.photo.files import read_photo
from fivefold.runtime.bundle import Bundle
from fivefold.runtime.enhancer import Enhancer

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    Image.fromarray(pixels).save("photo.png")
    Image.fromarray(pixels[..., 0]).save("grey.png")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    save_weights(EnhancerNet("small"), tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


def enhanced_by_onnx(path: str, size: tuple[int, int]) -> tuple[int, ...]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options)
    (enhanced,) = session.run(None, {"photo": np.zeros((1, 3, *size), np.float32)})
    return enhanced.shape


def test_the_network_of_a_bundle(fivefold: Run, bundle_path: Path) -> None:
    """Is taken out as it is."""
    assert fivefold("export", bundle_path, "-o", "net.onnx").code == 0
    assert Path("net.onnx").read_bytes() == Bundle.read(bundle_path).network


def test_the_whole_of_a_bundle(fivefold: Run, bundle_path: Path) -> None:
    """Runs in ONNX Runtime, photo in, photo out."""
    (record,) = fivefold("export", bundle_path, "-o", "whole.onnx", "--whole", "--json").records
    size = Path("whole.onnx").stat().st_size
    assert record == {"path": "whole.onnx", "size_bytes": size}
    assert enhanced_by_onnx("whole.onnx", (30, 41)) == (1, 3, 30, 41)


def test_the_whole_of_weights(fivefold: Run, weights: Path) -> None:
    """As ONNX and as a PyTorch program; an impossible name is a wrong command."""
    assert fivefold("export", weights, "-o", "whole.onnx", "--whole").code == 0
    assert enhanced_by_onnx("whole.onnx", (9, 300)) == (1, 3, 9, 300)
    assert fivefold("export", weights, "-o", "whole.pt2").out.startswith("whole.pt2: ")
    program = torch.export.load("whole.pt2").module()
    assert program(torch.zeros(1, 3, 31, 17)).shape == (1, 3, 31, 17)
    result = fivefold("export", weights, "-o", "Whole.onnx", "--whole")
    assert result.code == 2
    assert "name must be up to 64 lower-case letters" in result.err


@pytest.mark.parametrize("strength", ["1", "0.5", "-1"])
def test_the_grid_of_a_photo(fivefold: Run, bundle_path: Path, strength: str) -> None:
    """Rendering it gives what ``enhance`` gives, at any strength."""
    words = ("export", "photo.png", "-o", "photo.grid", "--bundle", bundle_path)
    assert fivefold(*words, "--strength", strength).out == "photo.grid: 0.1 MB\n"
    photo = read_photo("photo.png")
    expected = Enhancer.load(bundle_path)(photo, float(strength)).pixels.astype(int)
    received = reference.render(photo.pixels, read_grid("photo.grid"))
    assert np.abs(received - expected).max() <= 1


def test_the_grid_of_a_grey_photo_keeps_it_grey(fivefold: Run) -> None:
    """With the shipped model, whose grids are not neutral by themselves."""
    assert fivefold("export", "grey.png", "-o", "grey.grid").code == 0
    received = reference.render(read_photo("grey.png").pixels, read_grid("grey.grid"))
    assert np.ptp(received.astype(int), axis=2).max() == 0


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (
            ("x", "-o", "x.zip"),
            2,
            "-o must end in .fivefold, .onnx, .pt2, .safetensors or .grid, received x.zip",
        ),
        (("x", "-o", "x.pt2", "--whole"), 2, "--whole goes with -o OUT.onnx only"),
        (("x", "-o", "x.grid", "--strength", "3"), 2, "--strength must lie in -1.5 to 1.5"),
        (("none", "-o", "x.onnx"), 1, "none: neither a file nor a bundle"),
        (("photo.png", "-o", "x.onnx"), 1, "photo.png: not a fivefold bundle"),
        (("none.safetensors", "-o", "x.pt2"), 1, "none.safetensors: not usable as weights"),
        (("none.jpg", "-o", "x.grid"), 1, "none.jpg: no such file or directory"),
        (("photo.png", "-o", "none/x.grid"), 1, "none/x.grid: No such file or directory"),
    ],
)
def test_what_cannot_work_is_told(
    fivefold: Run, words: tuple[str, ...], code: int, reason: str
) -> None:
    """One line at the end that says what is wrong, and no file."""
    before = sorted(Path().iterdir())
    result = fivefold("export", *words)
    assert (result.code, result.out) == (code, "")
    assert reason in result.err.splitlines()[-1]
    assert sorted(Path().iterdir()) == before


def test_a_missing_extra_is_named(
    fivefold: Run, bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of a bundle needs onnx; its network alone needs nothing."""
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    reason = "fivefold: onnx is not installed; run: pip install 'fivefold[onnx]'\n"
    words = ("export", bundle_path, "-o", "x.onnx")
    assert fivefold(*words, "--whole") == Result(1, "", reason)
    assert fivefold(*words).code == 0


def test_the_weights_of_a_bundle(fivefold: Run, bundle_path: Path) -> None:
    """Are what PyTorch and ``train`` take; of one style where that is asked for."""
    assert fivefold("export", "consensus", "-o", "start.safetensors", "--expert", "full").code == 0
    net, facts = load_weights(Path("start.safetensors"))
    assert net.config.styles == ()
    assert facts["bundle"] == '"consensus"'
    assert "research" in facts["licence"]
    for source, words, code, reason in (
        ("consensus", ("--expert", "nobody"), 2, "there is no 'nobody'"),
        ("consensus", ("--expert", "consensus"), 2, "the others are full, a, b, c, d, e"),
        (bundle_path, (), 1, "is not as fivefold exports them"),
        ("photo.png", (), 1, "photo.png: not a fivefold bundle"),
    ):
        done = fivefold("export", source, "-o", "x.safetensors", *words)
        assert (done.code, done.out) == (code, "")
        assert reason in done.err.splitlines()[-1]
        assert not Path("x.safetensors").exists()
