"""Every example in the documentation works as it is shown."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from doc_blocks import PAGES, ROOT, blocks, commands, fivefold_commands

import fivefold
from fivefold import cli
from fivefold.train.config import TrainConfig
from tiny_bundle import bundle_path, network, shipped

__all__ = ["bundle_path", "network", "shipped"]

ELSEWHERE = {
    "docs/export.md": "tests/export/test_export_docs.py",
    "docs/grid.md": "tests/export/test_export_docs.py",
    "docs/web.md": "tests/web/test_docs.py",
    "glsl": "tests/export/test_shaders.py",
    "hlsl": "tests/export/test_shaders.py",
    "metal": "tests/export/test_shaders.py",
    "wgsl": "tests/export/test_shaders.py",
}
"""Pages and languages whose examples another test runs, with what they need."""

QUICK = ("enhance", "info", "lut", "preview")
SLOW = re.compile(r"s3://|--cluster|--device|\b[A-Z]{3,}\b")
"""Commands that are only parsed: on other machines, and with names that stand for the reader's."""

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def save(path: str, seed: int, shape: tuple[int, int] = (40, 60)) -> None:
    """A photo with some structure, that a model can make lighter."""
    random = np.random.default_rng(seed)
    coarse = random.integers(20, 200, (shape[0] // 8, shape[1] // 6, 3), dtype=np.uint8)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    fivefold.write_photo(fivefold.Photo(coarse.repeat(8, axis=0).repeat(6, axis=1)), path)


@pytest.fixture
def desk(tmp_path: Path, shipped: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the examples start from; commands run in it, with the tiny bundle."""
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    save("photo.jpg", 0)
    for i, name in enumerate(("a.jpg", "beach/b.jpg", "beach/c.tif")):
        save(f"holiday/{name}", i)
    for name in ("a", "b", "look", "mine", "taste"):
        shutil.copy(shipped / "consensus.fivefold", f"{name}.fivefold")
    return folder


def retouched(folder: str) -> Path:
    """A folder of pictures before and after, which is a set."""
    for i in range(3):
        save(f"{folder}/input/p{i}.png", i)
        save(f"{folder}/expertC/p{i}.png", i)
    return Path(folder)


def given(page: str) -> dict[str, Any]:
    """What a page's text speaks of before its code does."""
    if page == "docs/data.md":
        assert cli.main(["data", "index", str(retouched("set")), "-o", "packed"]) == 0
        finished = np.full((20, 30, 3), 0.5, np.float32)
        return {"epoch": 3, "finished_srgb": finished, "packed": Path("packed")}
    if page == "docs/evaluation.md":
        return {"path": retouched("set")}
    if page == "docs/video.md":
        clips = pytest.importorskip("tests.video.clips")
        clips.write_clip(Path("clip.mp4"), [clips.picture(seed=i) for i in range(3)])
    return {}


def is_quick(words: list[str]) -> bool:
    """Whether a command is run and not only parsed; what reads a pipe is not."""
    is_ours = words[0] == "fivefold" and words[1] in QUICK and "-" not in words
    return is_ours and not SLOW.search(" ".join(words))


def parsed(words: list[str]) -> Any:
    """What the real parser makes of a command."""
    try:
        return cli.parser().parse_args(words)
    except SystemExit:
        pytest.fail(f"the parser refuses: fivefold {' '.join(words)}")


def run(words: list[str]) -> None:
    """Run a command as a reader would."""
    assert cli.main(words) == 0, f"failed: fivefold {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_one(page: str) -> None:
    """Each ``fivefold …`` line is one that the parser accepts, and each extra is one to install."""
    for words in fivefold_commands(page):
        if "..." not in words:
            parsed(words)
    text = (ROOT / page).read_text(encoding="utf-8")
    for extras in re.findall(r"pip install 'fivefold\[([^\]]+)\]'", text):
        assert set(extras.split(",")) <= PROJECT["optional-dependencies"].keys()
    for verb in re.findall(r"`fivefold ([a-z]+)\b", text):
        assert verb in cli.VERBS


@pytest.mark.parametrize("page", [page for page in PAGES if page != "docs/tutorial.md"])
def test_a_page_s_examples_work_in_their_order(
    page: str, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python and quick commands run, one after the other, in one folder; data is what it says."""
    if page in ELSEWHERE:
        assert Path(page).name in (ROOT / ELSEWHERE[page]).read_text(encoding="utf-8")
    names = given(page)
    for block in blocks(page):
        where = f"{page}, line {block.line}"
        if block.language == "python" and not block.not_run and page not in ELSEWHERE:
            exec(compile(block.text, where, "exec"), names)
        for words in commands(block):
            if is_quick(words) and not block.not_run:
                run(words[1:])
        if block.language in CHECKS:
            CHECKS[block.language](block.text)
        else:
            known = ("", "bash", "console", "ini", "python", "text")
            assert block.language in (*known, *ELSEWHERE), where


def check_toml(text: str) -> None:
    """A configuration of a training run."""
    Path("example.toml").write_text(text, encoding="utf-8")
    TrainConfig.read(Path("example.toml"))


def check_json(text: str) -> None:
    """One or more objects, which may be broken into lines."""
    rest = text.strip()
    while rest:
        value, end = json.JSONDecoder().raw_decode(rest)
        assert isinstance(value, dict)
        rest = rest[end:].lstrip()


def check_c(text: str) -> None:
    """A declaration that a compiler accepts."""
    compiler = shutil.which("cc")
    if compiler is not None:
        command = [compiler, "-Wall", "-Werror", "-fsyntax-only", "-x", "c", "-"]
        subprocess.run(command, input=text, text=True, check=True)


CHECKS: dict[str, Callable[[str], None]] = {"toml": check_toml, "json": check_json, "c": check_c}


def test_the_tutorial_from_its_first_line_to_its_last(desk: Path) -> None:
    """Each command runs and leaves what the text says; learning takes one pass over little."""
    pytest.importorskip("torch")
    for i in range(10):
        save(f"finished/f{i}.jpg", i)
    for block in blocks("docs/tutorial.md"):
        if block.language == "toml":
            check_toml(block.text)
            quick = re.sub(r"epochs = \d+", "epochs = 1", block.text)
            Path("taste.toml").write_text(quick, encoding="utf-8")
        for words in commands(block):
            if words[0] == "fivefold":
                if words[1:3] == ["export", "consensus"]:  # the tiny bundle has no network of ours
                    words[2] = str(ROOT / "src/fivefold/weights/consensus.fivefold")
                elif words[1] == "export":
                    Path("taste.fivefold").unlink()
                run(words[1:])
    for name in ("photo_enhanced.jpg", "photo_preview.png", "softer.jpg", "enhanced/beach/b.jpg"):
        assert (desk / name).is_file()
    for name in ("pairs", "runs/taste/weights.safetensors", "taste.fivefold", "mine/a.jpg"):
        assert (desk / name).exists()
