"""``--expert``: one of a bundle's styles, or a blend, wherever a model is chosen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from command_line import Command
from fivefold.kernels.grid import BilateralGrid, Guide
from fivefold.photo.files import read_photo
from fivefold.runtime.bundle import write_bundle
from tiny_bundle import FACTS


@pytest.fixture(scope="module")
def two_styles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose style ``same`` changes nothing, and whose ``half`` halves every colour."""
    identity = BilateralGrid.identity().coefficients
    grids = np.stack([identity, identity * np.float32(0.5)])
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["thumbnail"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["nothing", "mean"], ["zeros"]),
            helper.make_node("Add", ["constant", "zeros"], ["grid"]),
        ],
        "two",
        [helper.make_tensor_value_info("thumbnail", TensorProto.FLOAT, [1, 3, 256, 256])],
        [helper.make_tensor_value_info("grid", TensorProto.FLOAT, list(grids.shape))],
        [
            numpy_helper.from_array(grids, "constant"),
            numpy_helper.from_array(np.zeros_like(grids), "nothing"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = tmp_path_factory.mktemp("styles") / "two.fivefold"
    write_bundle(
        path,
        network=model.SerializeToString(),
        guide=Guide.identity(),
        styles=["same", "half"],
        **{**FACTS, "name": "two"},
    )
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A plain grey photo."""
    path = tmp_path / "photos/photo.png"
    path.parent.mkdir()
    Image.fromarray(np.full((30, 40, 3), 200, np.uint8)).save(path)
    return path


@pytest.mark.parametrize(
    ("expert", "code"),
    [(None, 200), ("same", 200), ("half", 100), ("same=1,half=1", 150), ("half=1.5,same=-.5", 50)],
)
def test_a_style_or_a_blend_is_given(
    fivefold: Command, photo: Path, two_styles: Path, expert: str | None, code: int
) -> None:
    """Without a word the first style; weights count relative to their sum, beyond it too."""
    words = [] if expert is None else [f"--expert={expert}"]
    done = fivefold("enhance", photo, "--bundle", two_styles, *words)
    assert done.code == 0
    result = read_photo(photo.with_name("photo_enhanced.png"))
    assert np.abs(result.pixels.astype(int) - code).max() <= 1


def test_the_note_names_a_style_that_is_not_the_default(
    fivefold: Command, photo: Path, two_styles: Path
) -> None:
    """The XMP note says which style or blend it was, and for the default only the bundle."""
    for words, name in (
        ([], b'Model="two"'),
        (["--expert", "half"], b'Model="two (half 1)"'),
        (["--expert", "half=1,same=3"], b'Model="two (same 0.75, half 0.25)"'),
    ):
        fivefold("enhance", photo, "--bundle", two_styles, *words)
        assert name in photo.with_name("photo_enhanced.png").read_bytes()


def test_a_style_that_is_not_there_is_named_with_those_that_are(
    fivefold: Command, photo: Path, two_styles: Path
) -> None:
    """One line and no result; what is no blend at all is a matter of usage."""
    done = fivefold("enhance", photo, "--bundle", two_styles, "--expert", "z")
    assert done.code == 1
    assert "the styles are same, half; there is no 'z'" in done.err
    assert fivefold("enhance", photo, "--bundle", two_styles, "--expert", "a=b").code == 2
    assert [p.name for p in photo.parent.iterdir()] == ["photo.png"]


def test_update_makes_anew_what_another_style_made(
    fivefold: Command, photo: Path, two_styles: Path, tmp_path: Path
) -> None:
    """The journal tells styles of one bundle apart."""
    photo.with_name("other.png").write_bytes(photo.read_bytes())
    made = []
    for expert in ("half", "half", "same"):
        words = ["--bundle", two_styles, "--expert", expert, "--update", "--json"]
        done = fivefold("enhance", photo.parent, "-o", tmp_path / "out", *words)
        made.append(json.loads(done.out.splitlines()[-1])["summary"]["enhanced"])
    assert made == [2, 0, 2]


def test_other_verbs_take_it_too(
    fivefold: Command, photo: Path, two_styles: Path, tmp_path: Path
) -> None:
    """Previews show all styles of a bundle, or one; a grid is written in the style asked for."""
    strip, one = tmp_path / "strip.png", tmp_path / "one.png"
    words = ["--bundle", two_styles]
    assert fivefold("preview", photo, "-o", strip, "--over", "expert", *words).code == 0
    assert fivefold("preview", photo, "-o", one, "--expert", "half", *words).code == 0
    assert read_photo(strip).pixels.shape[1] > 1.3 * read_photo(one).pixels.shape[1]
    both = ["preview", photo, "--over", "expert", "--expert", "half"]
    assert fivefold(*both).code == 2
    grids = []
    for expert in ("same", "half"):
        file = tmp_path / f"{expert}.grid"
        assert fivefold("export", photo, "-o", file, "--expert", expert, *words).code == 0
        grids.append(file.read_bytes())
    assert grids[0] != grids[1]
