"""One network, several styles: trained from one, exported, and blended by weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from fivefold.errors import DataError, TrainingError
from fivefold.export.bundle import export_bundle, largest_difference, network_to_onnx
from fivefold.export.photo_graph import photo_graph
from fivefold.export.program import photo_program
from fivefold.model.enhancer_net import PRESETS, EnhancerNet, grown
from fivefold.model.weights import load_weights, save_weights
from fivefold.photo.image import Photo
from fivefold.runtime.compiled_network import CompiledNetwork
from fivefold.runtime.enhancer import Enhancer
from fivefold.train.config import Source, TrainConfig
from fivefold.train.loop import train

STYLES = ("mild", "bright")
CONFIG = TrainConfig(
    name="styles",
    preset="small",
    styles=STYLES,
    sources=(
        Source("styled", targets=("fivek_c",), style="mild"),
        Source("styled", targets=("expert_e",), style="bright"),
    ),
    learning_parts=("prediction",),
    frozen_statistics=True,
    held_out_folds=(0,),
    epochs=2,
    learning_rate=3e-3,
    final_learning_rate=3e-3,
)


@pytest.fixture(scope="module")
def one_style(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a network of one style, with statistics of its own."""
    torch.manual_seed(3)
    net = EnhancerNet(PRESETS["small"])
    torch.nn.init.normal_(net.prediction.linear.weight, std=0.05)
    net.train()
    net.predict(torch.rand(8, 3, 256, 256))
    path = tmp_path_factory.mktemp("one") / "weights.safetensors"
    save_weights(net.eval(), path)
    return path


def test_styles_begin_as_the_one_that_there_was(one_style: Path) -> None:
    """Made of one style, each of several predicts its grid."""
    net, _ = load_weights(one_style)
    several = grown(net, dataclasses.replace(net.config, styles=STYLES)).eval()
    thumbnail = torch.rand(2, 3, 256, 256)
    with torch.no_grad():
        before, after = net.predict(thumbnail), several.predict(thumbnail)
    assert after.shape == (4, *before.shape[1:])
    for style in range(2):
        torch.testing.assert_close(after.reshape(2, 2, *before.shape[1:])[:, style], before)


def test_styles_are_learned_apart_and_the_rest_stays(
    study_pack: Path, one_style: Path, tmp_path: Path
) -> None:
    """Only the parts named learn, statistics stay, and the styles differ by what they were shown.

    The bundle made of the run gives the first style unless told otherwise, and a blend's picture
    is the blend of the pictures, in exported models and programs too.
    """
    train(CONFIG, study_pack, tmp_path / "run", start_from=one_style)
    before, _ = load_weights(one_style)
    after, _ = load_weights(tmp_path / "run/weights.safetensors")
    assert after.config.styles == STYLES
    old, new = before.state_dict(), after.state_dict()
    changed = {name for name in new if new[name].shape != old[name].shape}
    changed |= {name for name in new.keys() - changed if not torch.equal(new[name], old[name])}
    assert changed == {"prediction.linear.weight", "prediction.linear.bias"}
    mild, bright = new["prediction.linear.weight"].chunk(2)
    assert not torch.equal(mild, bright)

    path = tmp_path / "two.fivefold"
    export_bundle(
        tmp_path / "run/weights.safetensors",
        path,
        name="two",
        preset="small",
        licence="none",
        card="a test",
    )
    enhancer = Enhancer.load(path)
    assert enhancer.styles == ["mild", "bright"]
    photo = Photo(np.random.default_rng(0).random((40, 60, 3), dtype=np.float32))
    pictures = {style: enhancer.in_style(style)(photo).pixels for style in STYLES}
    assert np.array_equal(enhancer(photo).pixels, pictures["mild"])
    assert pictures["bright"].mean() > pictures["mild"].mean() + 0.01
    grids = [enhancer.in_style(style).predict(photo).coefficients for style in STYLES]
    blended = Enhancer.load(path, expert="mild=0.5,bright=1.5").predict(photo).coefficients
    np.testing.assert_allclose(blended, 0.25 * grids[0] + 0.75 * grids[1], atol=1e-6)
    beyond = enhancer.in_style({"mild": -1, "bright": 2}).predict(photo).coefficients
    np.testing.assert_allclose(beyond, 2 * grids[1] - grids[0], atol=1e-5)
    expected = enhancer.in_style("mild=0.5,bright=0.5")(photo).pixels
    planes = {"photo": photo.pixels.transpose(2, 0, 1)[None]}
    whole = onnxruntime.InferenceSession(photo_graph(enhancer.bundle, "mild=1,bright=1"))
    (received,) = whole.run(["enhanced"], planes)
    np.testing.assert_allclose(received[0].transpose(1, 2, 0), expected, atol=1e-5)
    program = photo_program(after, "mild=1,bright=1").module()
    with torch.no_grad():
        received = program(torch.from_numpy(planes["photo"])).numpy()
    np.testing.assert_allclose(received[0].transpose(1, 2, 0), expected, atol=1e-5)

    with pytest.raises(ValueError, match="styles are mild, bright; there is no 'a'"):
        Enhancer.load(path, expert="a")


def share(net: EnhancerNet, thumbnail: torch.Tensor) -> torch.Tensor:
    """How far a network with one style goes."""
    assert net.restraint is not None
    if net.adaptation is None:
        return net.restraint.shares(thumbnail)
    light = net.adaptation.judge(thumbnail)
    seen, level = net.adaptation(thumbnail, light), net.adaptation.level(thumbnail, light)
    return net.restraint.shares(seen, level)


@pytest.mark.parametrize("adaptation", [False, True])
def test_the_restraint_learns_alone(
    study_pack: Path, one_style: Path, tmp_path: Path, adaptation: bool
) -> None:
    """It learns which photos to leave alone, and nothing else changes, statistics included."""
    table = tmp_path / "pictures.csv"
    random = np.random.default_rng(1)
    net, _ = load_weights(one_style)
    rows = ["photo,input,label"]
    for i in range(32):
        finished = i % 2
        levels = (0, 256) if finished else (20, 120)
        picture = random.integers(*levels, (64, 64, 3)).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / f"{i}.png")
        if not finished:
            photo = torch.from_numpy(picture).permute(2, 0, 1)[None] / 255
            with torch.no_grad():
                changed = net(torch.nn.functional.interpolate(photo, 256), photo)[0]
            picture = (changed.permute(1, 2, 0).clip(0, 1) * 255).byte().numpy()
        Image.fromarray(picture).save(tmp_path / f"{i}_label.png")
        rows.append(f"{i},{i}.png,{i}_label.png")
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    config = TrainConfig(
        name="restraint",
        preset="small",
        styles=("mild",),
        restraint=True,
        adaptation=adaptation,
        learning_parts=("restraint",),
        loss="rms",
        sources=(Source("table", index=str(table), style="mild"),),
        epochs=20,
        batch_size=16,
        learning_rate=1e-2,
        final_learning_rate=1e-2,
    )
    train(config, study_pack, tmp_path / "run", start_from=one_style)
    before, _ = load_weights(one_style)
    after, _ = load_weights(tmp_path / "run/weights.safetensors")
    new = after.state_dict()
    for name, values in before.state_dict().items():
        assert torch.equal(new[name], values), name
    assert after.restraint is not None
    wide, narrow = torch.rand(1, 3, 256, 256), 0.08 + 0.4 * torch.rand(1, 3, 256, 256)
    with torch.no_grad():
        assert share(after, wide) < share(after, narrow) - 0.1
    model = network_to_onnx(after)
    assert largest_difference(after, model) < 1e-5
    pytest.importorskip("fivefold._native")
    compiled = CompiledNetwork(model, threads=1)(wide.numpy())
    np.testing.assert_allclose(compiled, after.predict(wide).detach().numpy(), atol=1e-5)


def test_other_sizes_and_unknown_parts_are_refused(
    study_pack: Path, one_style: Path, tmp_path: Path
) -> None:
    """Weights of another preset cannot be gone on from; parts must be the network's."""
    other = dataclasses.replace(CONFIG, preset="paper")
    with pytest.raises(TrainingError, match="other sizes than paper"):
        train(other, study_pack, tmp_path / "run", start_from=one_style)
    file = tmp_path / "run.toml"
    file.write_text(
        'name = "x"\nlearning_parts = ["head"]\n[[sources]]\nkind = "styled"\n', encoding="utf-8"
    )
    with pytest.raises(DataError, match="learning_parts must be among low_level"):
        TrainConfig.read(file)


@pytest.mark.parametrize(
    ("styles", "known"),
    [('["mild", "bright"]', "mild, bright;"), ("[]", "of which there are none;")],
)
def test_a_style_that_the_run_does_not_have_is_refused(
    tmp_path: Path, styles: str, known: str
) -> None:
    """A source's misspelt style would teach the first one in silence; the line names the known."""
    file = tmp_path / "run.toml"
    file.write_text(
        f'name = "x"\nstyles = {styles}\n[[sources]]\nkind = "styled"\nstyle = "brigth"\n',
        encoding="utf-8",
    )
    with pytest.raises(DataError, match=rf"{known} received \['brigth'\]$"):
        TrainConfig.read(file)
