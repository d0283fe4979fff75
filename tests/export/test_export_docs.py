"""docs/export.md and docs/grid.md say what is true."""

from __future__ import annotations

import re
import shlex
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.kernels.conftest import make_grid

from fivefold import cli
from fivefold.errors import FivefoldError
from fivefold.export.grid_file import pack_grid
from fivefold.export.look import _SAMPLED_COLUMNS, _SAMPLED_ROWS, LOCAL_DELTA_E
from fivefold.export.program import export_program
from fivefold.model.enhancer_net import EnhancerNet
from fivefold.model.weights import save_weights
from fivefold.photo.files import read_photo, write_photo
from fivefold.photo.image import Photo
from fivefold.runtime.enhancer import Enhancer

ROOT = Path(__file__).parents[2]
EXPORT = (ROOT / "docs/export.md").read_text(encoding="utf-8")
GRID = (ROOT / "docs/grid.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture(autouse=True)
def _beside_a_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 200, (40, 60, 3), np.uint8)
    write_photo(Photo(pixels), "photo.jpg")


def test_the_commands_exist() -> None:
    """Every ``fivefold …`` line of both pages is one that the parser accepts."""
    lines = [
        line
        for text in (EXPORT, GRID)
        for block in blocks(text, "console")
        for line in block.splitlines()
    ]
    commands = [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]
    words = [command[1:] for command in commands if command[0] == "fivefold"]
    assert len(words) >= 10
    for command in words:
        assert cli.parser().parse_args(command)


@pytest.mark.parametrize("verb", ["preview", "lut"])
def test_every_option_is_told(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each option of the verbs that the page is about is in its text."""
    with pytest.raises(SystemExit):
        cli.main([verb, "--help"])
    options = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help", "--output"}
    assert len(options) >= 4
    for option in options:
        assert option in EXPORT, option


def test_the_onnx_example_runs() -> None:
    """Beside the exported file and a photo it writes what ``enhance`` would, within a code."""
    assert cli.main(["export", "consensus", "-o", "whole.onnx", "--whole"]) == 0
    (example,) = [block for block in blocks(EXPORT, "python") if "onnxruntime" in block]
    names: dict[str, np.ndarray] = {}
    exec(compile(example, "export.md", "exec"), names)
    expected = Enhancer.load()(read_photo("photo.jpg")).pixels.astype(int)
    assert np.abs(names["result"] - expected).max() <= 1
    assert Path("better.jpg").exists()


def test_the_pytorch_example_runs(tmp_path: Path) -> None:
    """With the program of any weights."""
    torch.manual_seed(0)
    save_weights(EnhancerNet("small"), tmp_path / "w.safetensors")
    export_program(tmp_path / "w.safetensors", Path("whole.pt2"))
    (example,) = [block for block in blocks(EXPORT, "python") if "torch.export" in block]
    names: dict[str, torch.Tensor] = {}
    exec(compile(example, "export.md", "exec"), names)
    assert names["enhanced"].shape == (1, 3, 301, 200)


def test_the_grid_example_runs() -> None:
    """The shapes in its comments are those that come out."""
    assert cli.main(["export", "photo.jpg", "-o", "photo.grid"]) == 0
    (example,) = blocks(GRID, "python")
    names: dict[str, np.ndarray] = {}
    exec(compile(example, "grid.md", "exec"), names)
    assert "24 × 16 × 16 × 4" in example
    assert names["texels"].shape == (24, 16, 16, 4)
    assert names["block"].shape == (36, 4)


def test_the_shaders_on_the_page_are_the_files() -> None:
    """Letter for letter; a shader that is not shown would be forgotten."""
    files = sorted((ROOT / "examples/shaders").iterdir())
    assert len(files) == 4
    for file in files:
        assert blocks(GRID, file.suffix[1:]) == [file.read_text(encoding="utf-8")]


def test_the_table_of_the_file_is_right() -> None:
    """Each offset holds what the table says, and so does the C structure."""
    grid = make_grid(np.random.default_rng(0))
    content = pack_grid(grid)
    rows = re.findall(r"^\| (\d+) \| float32(?: × (\d+))? \| `(\w+)`", GRID, re.MULTILINE)
    assert [name for _, _, name in rows] == [
        "matrix", "matrix_bias", "slopes", "thresholds", "bias", "coefficients",
    ]  # fmt: skip
    for offset, _, name in rows:
        owner = grid if name == "coefficients" else grid.guide
        first = np.asarray(getattr(owner, name), np.float32).flat[0]
        assert struct.unpack_from("<f", content, int(offset))[0] == first, name
    assert f"{len(content):,} bytes" in GRID


def test_the_c_structure_lies_on_the_file(tmp_path: Path) -> None:
    """Compiled as C, it reads the sizes, the bias and the last coefficient."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    grid = make_grid(np.random.default_rng(0), (2, 3, 4))
    (structure,) = blocks(GRID, "c")
    program = f"""{structure}
        #include <stdio.h>
        static union {{ struct fivefold_grid grid; char bytes[1 << 16]; }} file;
        int main(void) {{
          if (!fread(file.bytes, 1, sizeof file, stdin)) return 1;
          struct fivefold_grid *g = &file.grid;
          unsigned last = 12 * g->depth * g->height * g->width - 1;
          printf("%.4s %u %u %u ", g->magic, g->depth, g->height, g->width);
          printf("%.9g %.9g", g->bias, g->coefficients[last]);
          return 0;
        }}"""
    Path("grid.c").write_text(program)
    subprocess.run([compiler, "-std=c99", "-o", "grid", "grid.c"], check=True)
    done = subprocess.run(["./grid"], input=pack_grid(grid), capture_output=True, check=True)
    magic, *sizes, bias, last = done.stdout.decode().split()
    assert (magic, sizes) == ("FFG1", ["2", "3", "4"])
    assert np.float32(bias) == np.float32(grid.guide.bias)
    assert np.float32(last) == grid.coefficients[-1, -1, -1, -1]


def test_the_figures_of_the_method_are_the_code_s() -> None:
    """The threshold of the warning, and how many pixels are asked."""
    assert f"more than\nΔE2000 {LOCAL_DELTA_E:g}**" in EXPORT
    assert f"up to {_SAMPLED_ROWS * _SAMPLED_COLUMNS // 2:,} pixels" in EXPORT


def test_a_result_as_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """The command says what the page shows, but for the figures, which are the weights'."""
    assert cli.main(["lut", "photo.jpg", "-o", "look.cube"]) == 0
    said = re.sub(r"\d+\.\d+", "0", capsys.readouterr().out.splitlines()[0])
    assert said in re.sub(r"\d+\.\d+", "0", EXPORT)


def test_the_preview_on_the_page_is_a_preview() -> None:
    """Four pictures in a row."""
    try:
        picture = read_photo(ROOT / "docs/images/preview_strengths.jpg")
    except FivefoldError as error:
        pytest.fail(str(error))
    assert picture.width_px == 4 * 316 + 16
