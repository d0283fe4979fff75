from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fivefold.errors import BundleError, DataError
from fivefold.evaluate.candidates import open_candidate
from fivefold.photo.image import Photo


@pytest.fixture
def photo() -> Photo:
    random = np.random.default_rng(0)
    return Photo(random.integers(30, 180, (48, 64, 3), dtype=np.uint8))


def test_a_bundle(bundle_path: Path, photo: Photo) -> None:
    """A bundle enhances as it does everywhere: this one brightens by a quarter and a little."""
    result = open_candidate(bundle_path)(photo)
    ratio = result.pixels.astype(float).sum() / photo.pixels.sum()
    assert 1.25 < ratio < 1.35


def test_weights_of_a_training_run(tmp_path: Path, photo: Photo) -> None:
    """A checkpoint gives what its network computes, rounded to 8 bits."""
    torch = pytest.importorskip("torch")
    from fivefold.model.enhancer_net import EnhancerNet
    from fivefold.model.weights import save_weights
    from fivefold.photo.resize import thumbnail

    torch.manual_seed(0)
    net = EnhancerNet("small").eval()
    path = tmp_path / "weights.safetensors"
    save_weights(net, path)
    result = open_candidate(path)(photo)
    small, full = (
        torch.from_numpy(np.moveaxis(a, 2, 0)[None].copy())
        for a in (thumbnail(photo.pixels), photo.pixels / np.float32(255))
    )
    with torch.no_grad():
        expected = net(small, full)[0].numpy()
    codes = np.clip(np.moveaxis(expected, 0, 2), 0, 1) * 255
    assert result.pixels.dtype == np.uint8
    np.testing.assert_allclose(result.pixels, codes, atol=0.51)


def test_depth_of_the_input_matters_little(tmp_path: Path, photo: Photo) -> None:
    """A 16-bit input gives the same 8-bit result, to one code."""
    pytest.importorskip("torch")
    from fivefold.model.enhancer_net import EnhancerNet
    from fivefold.model.weights import save_weights

    path = tmp_path / "weights.safetensors"
    save_weights(EnhancerNet("small").eval(), path)
    enhance = open_candidate(path)
    deep = Photo((photo.pixels * np.uint16(257)).astype(np.uint16))
    difference = enhance(deep).pixels.astype(int) - enhance(photo).pixels
    assert np.abs(difference).max() <= 1


def test_missing_models_are_told(tmp_path: Path) -> None:
    """Each kind with its own error."""
    with pytest.raises(DataError, match=r"none\.safetensors"):
        open_candidate(tmp_path / "none.safetensors")
    with pytest.raises(BundleError, match="none"):
        open_candidate(tmp_path / "none.fivefold")


def test_a_style_of_several(tmp_path: Path, photo: Photo) -> None:
    """The style that is asked for is scored, from weights as from the bundle made of them."""
    torch = pytest.importorskip("torch")
    from fivefold.export.bundle import export_bundle
    from fivefold.model.enhancer_net import PRESETS, EnhancerNet
    from fivefold.model.weights import save_weights

    torch.manual_seed(0)
    net = EnhancerNet(replace(PRESETS["small"], styles=("mild", "bright")))
    torch.nn.init.normal_(net.prediction.linear.weight, std=0.03)
    weights, bundle = tmp_path / "weights.safetensors", tmp_path / "two.fivefold"
    save_weights(net, weights)
    export_bundle(weights, bundle, name="two", preset="small", licence="none", card="Two.")
    results = {}
    for expert in (None, "mild", "bright", "mild=0.5,bright=0.5"):
        of_run, of_bundle = (open_candidate(model, expert)(photo) for model in (weights, bundle))
        results[expert] = of_run.pixels.astype(int)
        assert np.abs(results[expert] - of_bundle.pixels).max() <= 1
    assert np.array_equal(results[None], results["mild"])
    assert np.abs(results["mild"] - results["bright"]).mean() > 2
    assert np.abs(results["mild=0.5,bright=0.5"] - results["bright"]).mean() > 1
    for model in (weights, bundle):
        with pytest.raises(ValueError, match="mild, bright; there is no 'dark'"):
            open_candidate(model, "dark")
