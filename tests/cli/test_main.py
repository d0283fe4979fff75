"""The command as a whole: help, version, exit codes, and how fast it starts."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import Result

from fivefold import cli
from fivefold.kernels.grid import Guide
from fivefold.runtime.bundle import write_bundle
from fivefold.runtime.network import Network
from tiny_bundle import FACTS

Run = Callable[..., Result]

VERBS = list(cli.VERBS)


def test_the_version_is_the_package_s(fivefold: Run) -> None:
    """``fivefold --version`` is one line with name and version."""
    expected = f"fivefold {importlib.metadata.version('fivefold')}\n"
    assert fivefold("--version") == Result(0, expected, "")


def test_help_lists_every_verb(fivefold: Run) -> None:
    """Each is there, with a few words about it."""
    result = fivefold("--help")
    assert result.code == 0
    assert {"enhance", "info"} <= set(VERBS)
    for verb in VERBS:
        assert f"    {verb} " in result.out


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_has_examples_that_parse(fivefold: Run, verb: str) -> None:
    """Each example line is a command that the parser accepts."""
    text = fivefold(verb, "--help").out
    _, _, examples = text.partition("examples:\n")
    lines = [line.strip() for line in examples.splitlines()]
    commands = [line.split("   ")[0].split() for line in lines if line.startswith("fivefold ")]
    assert len(commands) >= 3
    for _, *words in commands:
        words = words[: words.index("<")] if "<" in words else words
        assert cli.parser().parse_args(words).run.__module__.startswith(f"fivefold.cli.{verb}")


@pytest.mark.parametrize("words", [[], ["polish"], ["--strength", "1"]])
def test_a_command_that_does_not_exist_is_a_usage_error(fivefold: Run, words: list[str]) -> None:
    """Exit code 2, usage on stderr, nothing on stdout."""
    result = fivefold(*words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("usage: fivefold")


def test_parsing_loads_nothing_heavy() -> None:
    """Help and usage errors come before NumPy, the codecs and ONNX Runtime are loaded."""
    code = (
        "import sys; from fivefold import cli; cli.parser(); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    heavy = {"numpy", "PIL", "onnxruntime", "imagecodecs", "tqdm", "torch", "concurrent"}
    assert not heavy & set(out.stdout.split())


def test_only_the_verb_that_was_asked_for_is_imported() -> None:
    """Starting one verb does not pay for the others."""
    code = (
        "import sys; from fivefold import cli; cli.main(['info']); "
        "print(*(verb for verb in cli.VERBS if f'fivefold.cli.{verb}' in sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.splitlines()[-1] == "info"


def test_the_module_is_the_command() -> None:
    """``python -m fivefold`` works where the script is not on the path."""
    command = [sys.executable, "-m", "fivefold", "--version"]
    assert subprocess.run(command, check=True, capture_output=True).stdout.startswith(b"fivefold ")


def test_info_about_the_installation(fivefold: Run) -> None:
    """Versions and engine, for people and for programs."""
    (facts,) = fivefold("info", "--json").records
    assert facts["fivefold"] == importlib.metadata.version("fivefold")
    assert facts["engine"] in ("native", "numpy")
    assert (facts["engine"] == "native") == (facts["engine_note"] is None)
    assert (facts["engine"] == "native") == (facts["instruction_set"] != "none")
    assert facts["packages"]["numpy"] == importlib.metadata.version("numpy")
    text = fivefold("info").out
    assert f"engine: {facts['engine']}\n" in text
    assert "  numpy: " in text


def test_info_about_the_runtime(
    fivefold: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which code the network and pixels of each type take, for a model or the default one.

    The network is made ready once: it is the largest part of the answer's time.
    """
    made, make_ready = [], Network.__init__

    def counted(network: Network, *arguments: Any, **options: Any) -> None:
        made.append(network)
        make_ready(network, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Network, "__init__", counted)
        (facts,) = fivefold("info", "--runtime", "--json").records
    assert len(made) == 1
    (installation,) = fivefold("info", "--json").records
    assert facts["model"] == installation["default_bundle"]
    assert facts["network"] in ("native", "onnxruntime")
    assert facts["instruction_set"] == installation["instruction_set"]
    ways = {facts[f"pixels_{kind}"] for kind in ("uint8", "uint16", "float32")}
    assert ways <= (
        {"int16", "float64", "portable"} if facts["instruction_set"] != "none" else {"numpy"}
    )
    assert facts["gpu"]
    assert fivefold("info", "in/sub/c.webp", "--runtime").code == 2


def test_info_about_a_photo(fivefold: Run, photos: Path) -> None:
    """Size, depth and format of a photo; a bad one is one line and exit code 1."""
    (facts,) = fivefold("info", "in/sub/c.webp", "--json").records
    assert (facts["format"], facts["width_px"], facts["height_px"]) == ("WEBP", 32, 24)
    assert (facts["bit_depth"], facts["alpha"], facts["greyscale"]) == (8, False, False)
    assert "width_px: 32\n" in fivefold("info", "in/sub/c.webp").out
    (photos / "bad.jpg").touch()
    assert fivefold("info", "bad.jpg") == Result(1, "", "fivefold: bad.jpg: the file is empty\n")


def test_training_facts_of_any_shape_are_told(fivefold: Run, tmp_path: Path) -> None:
    """Nested facts, lists, and escape sequences that somebody hid in them."""
    facts = {
        "epochs": 10,
        "sources": [{"kind": "table"}, "pairs"],
        "rate": {"first": 0.1, "notes": {}},
        "evil": "\x1b[2J",
        "none": [],
    }
    path = tmp_path / "x.fivefold"
    write_bundle(path, **FACTS, network=b"", guide=Guide.identity(), training=facts)
    lines = fivefold("info", path).out.splitlines()
    assert lines[lines.index("training:") + 1 : lines.index("parts:")] == [
        "  epochs: 10",
        '  sources: {"kind": "table"}, pairs',
        "  rate:",
        "    first: 0.1",
        "    notes: {}",
        r"  evil: \x1b[2J",
        "  none: none",
    ]
    (as_json,) = fivefold("info", path, "--json").records
    assert as_json["training"] == facts


def test_info_about_a_bundle(fivefold: Run, bundle_path: Path, tmp_path: Path) -> None:
    """Its manifest; a damaged one is one line and exit code 1."""
    (facts,) = fivefold("info", bundle_path, "--json").records
    assert facts["bundle"] == str(bundle_path)
    assert (facts["name"], facts["preset"], facts["format_version"]) == ("tiny", "small", 1)
    assert set(facts["parts"]) == {"network.onnx", "guide.json", "MODEL_CARD.md"}
    assert "licence: CC0-1.0, for tests\n" in fivefold("info", bundle_path).out
    damaged = tmp_path / "damaged.fivefold"
    damaged.write_bytes(bundle_path.read_bytes()[:-1])
    result = fivefold("info", damaged)
    assert (result.code, result.out) == (1, "")
    assert result.err == f"fivefold: {damaged}: truncated\n"
