"""``fivefold data``: thin, honest exit codes, and JSON where a program would read it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from originals import scene, write_dng, write_prophoto
from PIL import Image
from unreliable_server import UnreliableServer

from command_line import Command, Result
from fivefold.cli import data_fivek
from fivefold.data.progress import Progress


@pytest.fixture
def mirror(server: UnreliableServer, tmp_path: Path) -> UnreliableServer:
    """A mirror with two whole photos by experts A and C."""
    server.files["legal/LicenseAdobe.txt"] = b"You may look at them.\n"
    server.files["legal/LicenseAdobeMIT.txt"] = b"You may look at those.\n"
    server.files["legal/filesAdobe.txt"] = b"a0001-one\n"
    server.files["legal/filesAdobeMIT.txt"] = b"a0002-two\n"
    for n, name in ((1, "a0001-one"), (2, "a0002-two")):
        linear = scene(n, 60, 90)
        dng = write_dng(tmp_path / "x.dng", linear)
        server.files[f"img/dng/{name}.dng"] = dng.read_bytes()
        for i, expert in enumerate("ac"):
            tiff = write_prophoto(tmp_path / "x.tif", np.clip(linear * (1.2 + i / 5), 0, 1))
            server.files[f"img/tiff16_{expert}/{name}.tif"] = tiff.read_bytes()
    return server


def download(fivefold: Command, mirror: UnreliableServer, folder: Path, *more: object) -> Result:
    return fivefold(
        "data", "fivek", "download", folder, "--host", mirror.url, "--requests", "1000", *more
    )


def test_from_the_server_to_a_packed_set(
    fivefold: Command, mirror: UnreliableServer, tmp_path: Path
) -> None:
    """Download, develop, check, pack: each step takes what the one before made."""
    fivek, made, packed = (tmp_path / name for name in ("fivek", "set", "packed"))
    done = download(fivefold, mirror, fivek, "--experts", "a,c", "--accept-licence")
    assert (done.code, done.err) == (
        0,
        "fivefold: 6 fetched, 0 kept, 0 missing, 0 failed\n",
    )
    assert "6 kept" in download(fivefold, mirror, fivek, "--experts", "ac").err
    done = fivefold("data", "fivek", "develop", fivek, "-o", made, "--long-side", "60")
    assert (done.code, done.err) == (0, f"fivefold: 2 photos, 6 pictures, 0 left out: {made}\n")
    done = fivefold("data", "check", made)
    assert done.code == 0
    assert "a developed set of 2 photos with expert_a, expert_c; 0 problems" in done.err
    done = fivefold("data", "index", made, "-o", packed, "--shards", "2")
    assert (done.code, done.err) == (0, f"fivefold: 2 photos: {packed}\n")
    done = fivefold("data", "check", packed, "--json")
    assert json.loads(done.out) == {
        "kind": "a Parquet set",
        "photos": 2,
        "styles": ["expert_a", "expert_c"],
        "problems": [],
        "remarks": [],
    }


def test_the_licence_is_shown_and_asked_for_once(
    fivefold: Command,
    mirror: UnreliableServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No terminal is no agreement; a typed yes is one, and is remembered."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    refused = download(fivefold, mirror, tmp_path / "f", "--experts", "none")
    assert refused.code == 1
    assert "You may look at them." in refused.err
    assert "--accept-licence" in refused.err
    monkeypatch.setattr(sys, "stdin", Terminal("no\n"))
    assert download(fivefold, mirror, tmp_path / "f", "--experts", "none").code == 1
    assert not (tmp_path / "f/img").exists()
    monkeypatch.setattr(sys, "stdin", Terminal("Yes\n"))
    assert download(fivefold, mirror, tmp_path / "f", "--experts", "none").code == 0
    again = download(fivefold, mirror, tmp_path / "f", "--experts", "none")
    assert again.code == 0
    assert "You may look" not in again.err


def test_what_is_missing_is_told(
    fivefold: Command, mirror: UnreliableServer, tmp_path: Path
) -> None:
    """One JSON object a file, then the counts, and an exit code that says so."""
    del mirror.files["img/tiff16_c/a0002-two.tif"]
    done = download(
        fivefold, mirror, tmp_path / "f", "--experts", "c", "--no-input", "--accept-licence",
        "--json",
    )  # fmt: skip
    assert done.code == 1
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["state"] for line in lines[:2]] == ["fetched", "missing"]
    assert (lines[2]["fetched"], lines[2]["missing"]) == (1, 1)
    assert "a0002-two.tif: the server has no such file" in done.err


def test_ids_choose_photos(fivefold: Command, mirror: UnreliableServer, tmp_path: Path) -> None:
    """Ranges are cut to the index; nothing of it is an error."""
    done = download(
        fivefold, mirror, tmp_path / "f", "--experts", "none", "--ids", "2-9", "--accept-licence"
    )
    assert "1 fetched" in done.err
    done = download(fivefold, mirror, tmp_path / "f", "--experts", "none", "--ids", "7-9")
    assert done.code == 1
    assert "no photo of the index" in done.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--experts", "f"], "must be among a,b,c,d,e"),
        (["--ids", "9-3"], "ids must"),
        (["--workers", "0"], "from 1 up"),
        (["--limit-rate", "-1"], "above 0"),
        (["--host", "ftp://x/"], "--host: url must be"),
        (["--no-input", "--experts", "none"], "nothing to download"),
    ],
)
def test_wrong_commands(fivefold: Command, tmp_path: Path, words: list[str], reason: str) -> None:
    """Mistakes are told with the usage, before anything is fetched."""
    done = fivefold("data", "fivek", "download", tmp_path / "f", *words)
    assert done.code == 2
    assert reason in done.err
    assert not (tmp_path / "f").exists()


def test_exports_with_named_folders(fivefold: Command, tmp_path: Path) -> None:
    """Folders that no name tells apart can be named; a bad one is a wrong command."""
    for place, gain in (("x", 1.0), ("y", 1.2)):
        (tmp_path / "in" / place).mkdir(parents=True)
        codes = np.clip(scene(1, 60, 90) ** (1 / 2.2) * 255 * gain, 0, 255).astype(np.uint8)
        Image.fromarray(codes).save(tmp_path / "in" / place / "a0001.png")
    words = ["data", "fivek", "develop", tmp_path / "in", "-o", tmp_path / "set"]
    assert fivefold(*words).code == 1
    done = fivefold(*words, "--folder", "input=x", "--folder", "e=y", "--json")
    assert done.code == 0
    first, last = (json.loads(line) for line in done.out.splitlines())
    assert first == {"id": "a0001", "pictures": ["input", "e"], "left_out": {}}
    assert last == {"photos": 1, "pictures": 2, "left_out": 0}
    assert fivefold(*words, "--folder", "x").code == 2
    assert fivefold(*words, "--folder", "z=x").code == 2
    assert fivefold(*words, "--long-side", "9", "--short-side", "9").code == 2


def picture(path: Path, seed: int, gain: float = 1.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    codes = np.clip(scene(seed, 60, 90) ** (1 / 2.2) * 255 * gain, 0, 255).astype(np.uint8)
    Image.fromarray(codes).save(path)


def test_pairs(fivefold: Command, tmp_path: Path) -> None:
    """Good pairs are counted and packed; what has no partner or does not fit is told."""
    for n, name in enumerate(("one", "two", "three")):
        picture(tmp_path / "edits/before" / f"{name}.png", n)
        picture(tmp_path / "edits/after" / f"{name}.png", n, 1.2)
    done = fivefold("data", "pairs", tmp_path / "edits", "-o", tmp_path / "packed")
    assert (done.code, done.err) == (
        0,
        "fivefold: 3 pairs, 0 that cannot be used, 0 remarks\n",
    )
    assert (
        "a Parquet set of 3 photos with target"
        in fivefold("data", "check", tmp_path / "packed").err
    )
    picture(tmp_path / "edits/after/two.png", 9)
    picture(tmp_path / "edits/after/four.png", 9)
    done = fivefold("data", "pairs", tmp_path / "edits", "--json")
    assert done.code == 1
    facts = json.loads(done.out)
    assert facts["pairs"] == 2
    assert "two.png: does not lie" in facts["problems"][0]
    assert "four.png: has no partner" in facts["remarks"][0]


def test_pairs_of_named_folders(fivefold: Command, tmp_path: Path) -> None:
    """Either one folder that holds both, or both by name."""
    picture(tmp_path / "x/1.png", 1)
    picture(tmp_path / "y/1.png", 1, 1.1)
    named = ["--before", tmp_path / "x", "--after", tmp_path / "y"]
    assert fivefold("data", "pairs", *named).code == 0
    assert fivefold("data", "pairs").code == 2
    assert fivefold("data", "pairs", "--before", tmp_path / "x").code == 2
    assert fivefold("data", "pairs", tmp_path, *named).code == 2
    unclear = fivefold("data", "pairs", tmp_path)
    assert unclear.code == 1
    assert "found x, y" in unclear.err


def test_simulate(fivefold: Command, tmp_path: Path) -> None:
    """Finished photos become pairs that pass the check."""
    picture(tmp_path / "finished/1.png", 1)
    (tmp_path / "finished/2.jpg").write_bytes(b"\xff\xd8\xff")
    out = tmp_path / "set"
    words = ["data", "simulate", tmp_path / "finished", "-o", out, "--draws", "3"]
    done = fivefold(*words, "--long-side", "60")
    assert done.code == 1
    assert "2.jpg" in done.err
    assert f"3 pairs: {out}" in done.err
    checked = json.loads(fivefold("data", "check", out, "--json").out)
    assert (checked["photos"], checked["problems"]) == (3, [])
    assert fivefold(*words, "--seed", "-1").code == 2


def test_check_finds_damage(fivefold: Command, tmp_path: Path) -> None:
    """A flipped byte in a packed set is found, and says which picture it hit."""
    picture(tmp_path / "edits/before/1.png", 1)
    picture(tmp_path / "edits/after/1.png", 1, 1.2)
    packed = tmp_path / "packed"
    assert fivefold("data", "index", tmp_path / "edits", "-o", packed).code == 0
    (file,) = packed.glob("*.parquet")
    content = bytearray(file.read_bytes())
    at = content.find((tmp_path / "edits/after/1.png").read_bytes()) + 200
    content[at] ^= 1
    file.write_bytes(content)
    done = fivefold("data", "check", packed)
    assert done.code == 1
    assert f"{file}: was changed" in done.err
    assert "row 0, target" in done.err


def test_index_says_what_it_cannot_do(fivefold: Command, tmp_path: Path) -> None:
    """More files than photos is a wrong command; a set that is there stays."""
    picture(tmp_path / "edits/before/1.png", 1)
    picture(tmp_path / "edits/after/1.png", 1, 1.2)
    words = ["data", "index", tmp_path / "edits", "-o", tmp_path / "packed"]
    assert fivefold(*words, "--shards", "2").code == 2
    assert fivefold(*words).code == 0
    again = fivefold(*words)
    assert again.code == 1
    assert "holds a set already" in again.err


def test_a_terminal_sees_files_bytes_pace_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar of a download tells how far it is, how fast, and how long it will take."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with data_fivek._DownloadBar(40) as bar:
        bar._bar.mininterval = 0
        bar.show(Progress(3, 40, 30_000_000, 400_000_000, 2_500_000.0, None))
        bar.show(Progress(4, 40, 40_000_000, 400_000_000, 2_500_000.0, 144.0))
        bar._bar.refresh()
    shown = terminal.getvalue()
    assert "40.0M/400M" in shown
    assert "4/40 files, 2.50MB/s, 02:24 left" in shown
    assert "? left" in shown


@pytest.mark.parametrize(
    "words",
    [
        ["data"],
        ["data", "fivek"],
        ["data", "fivek", "download"],
        ["data", "fivek", "develop"],
        ["data", "pairs"],
        ["data", "simulate"],
        ["data", "check"],
        ["data", "index"],
    ],
)
def test_every_action_explains_itself(fivefold: Command, words: list[str]) -> None:
    """Help is there, with examples where there is something to choose."""
    done = fivefold(*words, "--help")
    assert done.code == 0
    assert done.out.startswith(f"usage: fivefold {' '.join(words)}")
