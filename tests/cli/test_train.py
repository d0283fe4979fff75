"""``fivefold train`` and ``fivefold export``: from pairs to a file that enhances photos."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command import Result
from PIL import Image

from fivefold.cli import extras
from fivefold.runtime.bundle import Bundle

Run = Callable[..., Result]

CONFIG = """\
name = "mine"
preset = "small"
held_out_split = "upe"
epochs = 1

[[sources]]
kind = "set"
targets = ["expert_e"]
"""


@pytest.fixture
def weights(fivefold: Run, study_pack: Path, tmp_path: Path) -> Path:
    """Weights that the command trained."""
    (tmp_path / "mine.toml").write_text(CONFIG)
    result = fivefold("train", tmp_path / "mine.toml", "--data", study_pack, "--run", "run")
    assert result.code == 0
    return tmp_path / "run/weights.safetensors"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_training_again_on_the_same_folder_tells_the_same(
    fivefold: Run, study_pack: Path, weights: Path, tmp_path: Path
) -> None:
    """A run that is done says what it came to, for people and for programs."""
    words = ("train", tmp_path / "mine.toml", "--data", study_pack, "--run", "run")
    result = fivefold(*words)
    assert result.code == 0
    assert "run/weights.safetensors: 1 epochs, 2 steps" in result.out
    assert "held-out: PSNR " in result.out
    (record,) = fivefold(*words, "--json").records
    assert record["weights"] == "run/weights.safetensors"
    assert record["steps"] == 2
    assert {"training", "held_out", "learning_rate"} <= set(record)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("train", "missing.toml", "--data", "x", "--run", "r"), "missing.toml: no such file, and"),
        (("train", "broken.toml", "--data", "x", "--run", "r"), "broken.toml: unknown key epoch"),
        (("train", "good.toml", "--data", "nowhere", "--run", "r"), "nowhere: no such file or"),
        (("train", "combined", "--data", "nowhere", "--run", "r"), "nowhere: no such file or"),
        (("train", "good.toml", "--data", "pack", "--run", "good.toml"), "good.toml: File exists"),
        (("export", "none.safetensors", "-o", "x.fivefold"), "none.safetensors: not usable"),
        (("export", "none.safetensors", "-o", "x.onnx"), "none.safetensors: not usable"),
    ],
)
def test_what_cannot_work_is_one_line(
    fivefold: Run, study_pack: Path, tmp_path: Path, words: tuple[str, ...], reason: str
) -> None:
    """Exit code 1 and one line that names the file."""
    assert study_pack == tmp_path / "pack"
    (tmp_path / "good.toml").write_text(CONFIG)
    (tmp_path / "broken.toml").write_text(CONFIG.replace("epochs", "epoch"))
    result = fivefold(*words)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"fivefold: {reason}")
    assert len(result.err.splitlines()) == 1


def test_exported_bundle_enhances_photos(fivefold: Run, weights: Path, tmp_path: Path) -> None:
    """The bundle carries its facts and can be used at once."""
    Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(tmp_path / "photo.png")
    result = fivefold("export", weights, "-o", "mine.fivefold", "--licence", "CC0-1.0", "--json")
    assert result.code == 0
    assert result.records[0]["size_bytes"] == (tmp_path / "mine.fivefold").stat().st_size
    bundle = Bundle.read(tmp_path / "mine.fivefold")
    assert (bundle.manifest.name, bundle.manifest.licence) == ("mine", "CC0-1.0")
    assert bundle.manifest.preset == "small"
    assert bundle.manifest.training["training"]["name"] == "mine"
    assert "sources of the kind set" in bundle.card
    assert fivefold("enhance", "photo.png", "--bundle", "mine.fivefold").code == 0


def test_own_card_and_name_are_taken(fivefold: Run, weights: Path, tmp_path: Path) -> None:
    """The model card is the file that was given; a card that cannot be read is named."""
    (tmp_path / "card.md").write_text("# How it came about\n")
    words = ("export", weights, "-o", "x.fivefold", "--name", "ours", "--card")
    assert fivefold(*words, "card.md").code == 0
    bundle = Bundle.read(tmp_path / "x.fivefold")
    assert (bundle.manifest.name, bundle.card) == ("ours", "# How it came about\n")
    result = fivefold(*words, "none.md")
    assert (result.code, result.err) == (1, "fivefold: none.md: No such file or directory\n")


def test_network_alone_is_onnx(fivefold: Run, weights: Path, tmp_path: Path) -> None:
    """A file ending in .onnx gets the network from thumbnail to grid."""
    onnxruntime = pytest.importorskip("onnxruntime")
    assert fivefold("export", weights, "-o", "net.onnx").code == 0
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    (grid,) = session.run(None, {"thumbnail": np.zeros((1, 3, 256, 256), np.float32)})
    assert grid.shape == (1, 12, 8, 16, 16)


@pytest.mark.parametrize(
    "words",
    [
        ("export", "w.safetensors", "-o", "x.zip"),
        ("train", "x.toml", "--data", "d", "--run", "r", "--workers", "-1"),
    ],
)
def test_wrong_arguments_are_usage_errors(fivefold: Run, words: tuple[str, ...]) -> None:
    """Exit code 2."""
    result = fivefold(*words)
    assert result.code == 2
    assert result.err.startswith("usage: fivefold")


def test_missing_extra_is_named(fivefold: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyTorch the verbs say how to install it, in one line."""
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    for words in (
        ("train", "x.toml", "--data", "d", "--run", "r"),
        ("export", "w.safetensors", "-o", "x.onnx"),
    ):
        expected = "fivefold: PyTorch is not installed; run: pip install 'fivefold[train]'\n"
        assert fivefold(*words) == Result(1, "", expected)
    result = fivefold("reproduce", "d", "-o", "x")
    assert "pip install 'fivefold[reproduce]'" in result.err


def test_config_says_what_the_documentation_says() -> None:
    """Every key of a configuration, and every kind of source, is told in docs/training.md."""
    import dataclasses

    from fivefold.train.config import KINDS, Source, TrainConfig

    text = (Path(__file__).parents[2] / "docs/training.md").read_text()
    keys = [field.name for kind in (TrainConfig, Source) for field in dataclasses.fields(kind)]
    for word in (*keys, *KINDS):
        assert f"`{word}`" in text, word
    assert '`"small"`' in text
