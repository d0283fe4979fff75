"""``fivefold lut``: the table, its error, and when it warns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command import Result
from PIL import Image

from fivefold.cli import extras
from fivefold.kernels.grid import BilateralGrid
from fivefold.photo import profile
from fivefold.photo.files import write_photo
from fivefold.photo.image import Photo
from tiny_bundle import make_network, write_tiny

__all__ = ["write_tiny"]

Run = Callable[..., Result]

FLAT = np.full((24, 32, 3), 100, np.uint8)


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(FLAT).save("photo.png")
    return Path("photo.png")


def test_the_table_stands_beside_the_photo(fivefold: Run, photo: Path, bundle_path: Path) -> None:
    """With its name, its size, and the error in words; the tiny model brightens by a third."""
    result = fivefold("lut", photo, "--bundle", bundle_path)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("photo.cube: 33³ for sRGB; ΔE2000 0.0")
    lines = Path("photo.cube").read_text().splitlines()
    assert lines[:3] == [
        'TITLE "photo"',
        "# fivefold lut, model tiny, strength 1",
        "# input and output: sRGB, 0 to 1",
    ]
    assert len(lines) == 7 + 33**3


def test_strength_size_and_place_are_taken(
    fivefold: Run, photo: Path, bundle_path: Path, tmp_path: Path
) -> None:
    """Half the look is half the way; everything about it is in the JSON."""
    tables = {}
    for strength in ("1", "0.5", "0"):
        words = ("lut", photo, "--bundle", bundle_path, "-o", tmp_path / "look.cube")
        (record,) = fivefold(*words, "--size", "5", "--strength", strength, "--json").records
        assert record["path"] == str(tmp_path / "look.cube")
        assert (record["size"], record["too_local"], record["photo_is_srgb"]) == (5, False, True)
        assert record["pixels"] > 0
        tables[strength] = np.loadtxt(tmp_path / "look.cube", skiprows=7)
    middle = tables["0"][[62]]
    assert np.allclose(middle, 0.5, atol=1e-5)
    gain = tables["1"][62] - middle
    assert np.allclose(tables["0.5"][62] - middle, gain / 2, atol=2e-3)
    assert gain.min() > 0.1


def test_a_look_that_is_too_local_is_warned_of(
    fivefold: Run, photo: Path, write_tiny: Callable[..., Path]
) -> None:
    """On stderr and in the JSON; the table is written all the same."""
    coefficients = BilateralGrid.identity().coefficients.copy()
    coefficients[[3, 7, 11], ..., :8] += 0.3
    bundle = write_tiny(make_network(coefficients), "local")
    result = fivefold("lut", photo, "--bundle", bundle, "--size", "9", "--json")
    assert result.code == 0
    assert result.records[0]["too_local"]
    assert "photo.png: warning: the look depends too much on the place" in result.err
    assert Path("photo.cube").exists()


def test_a_photo_of_another_space_is_noted(fivefold: Run, photo: Path, bundle_path: Path) -> None:
    """The table is for sRGB, and says so."""
    linear = profile.build_rgb(profile.SRGB_COLORANTS, profile.parametric_curve(1.0), "linear")
    write_photo(Photo(FLAT, icc_profile=linear), "linear.png")
    result = fivefold("lut", "linear.png", "--bundle", bundle_path, "--size", "9")
    assert result.code == 0
    assert "linear.png: note: the photo has another colour space, the table is for sRGB" in (
        result.err
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--size", "1"), "--size must lie in 2 to 65, received 1"),
        (("--size", "66"), "received 66"),
        (("--strength", "2"), "--strength must lie in -1.5 to 1.5"),
        (("-o", "look.txt"), "-o must end in .cube, received look.txt"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    fivefold: Run, photo: Path, words: tuple[str, ...], reason: str
) -> None:
    """Exit code 2, and nothing is written."""
    result = fivefold("lut", photo, *words)
    assert result.code == 2
    assert reason in result.err
    assert list(Path().iterdir()) == [photo]


def test_what_cannot_work_is_one_line(
    fivefold: Run, photo: Path, bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing photo, a missing folder, a missing extra."""
    for words, reason in (
        (("none.jpg",), "fivefold: none.jpg: no such file or directory\n"),
        ((photo, "-o", "none/x.cube"), "fivefold: none/x.cube: No such file or directory\n"),
    ):
        assert fivefold("lut", *words, "--bundle", bundle_path, "--size", "9") == Result(
            1, "", reason
        )
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    reason = "fivefold: scipy is not installed; run: pip install 'fivefold[lut]'\n"
    assert fivefold("lut", photo) == Result(1, "", reason)
