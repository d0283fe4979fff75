"""``fivefold preview``: which picture, where, of what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command import Result
from PIL import Image

from tiny_bundle import brightening, make_network, write_tiny

__all__ = ["write_tiny"]

Run = Callable[..., Result]

LEVEL = 100


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.full((300, 400, 3), LEVEL, np.uint8)).save("photo.png")
    return Path("photo.png")


def levels(path: str | Path, at_least: int) -> list[int]:
    """The grey levels that cover at least so many pixels, but the paper's."""
    with Image.open(path) as image:
        values, counts = np.unique(np.asarray(image)[..., 0], return_counts=True)
    found = zip(values.tolist(), counts.tolist(), strict=True)
    return [value for value, count in found if count >= at_least and value != 250]


def test_before_and_after_stand_beside_the_photo(
    fivefold: Run, photo: Path, bundle_path: Path
) -> None:
    """In a file of their own; the photo is left alone. The tiny model brightens by 29 %."""
    content = photo.read_bytes()
    result = fivefold("preview", photo, "--bundle", bundle_path)
    assert result == Result(0, "photo_preview.png: 848 × 354\n", "")
    assert levels("photo_preview.png", 300 * 400) == [LEVEL, 129]
    assert photo.read_bytes() == content


def test_a_strip_over_strengths(fivefold: Run, photo: Path, bundle_path: Path) -> None:
    """The usual four, or those that were asked for."""
    words = ("preview", photo, "--bundle", bundle_path, "--over", "strength", "--json")
    (record,) = fivefold(*words, "-o", "four.png", "--size", "200").records
    assert record == {
        "path": "four.png",
        "width_px": 4 * 216 + 16,
        "height_px": 22 + 150 + 32,
        "shown": ["before", "strength 0.5", "strength 1", "strength 1.5"],
    }
    assert levels("four.png", 200 * 150) == [100, 114, 129, 143]
    (record,) = fivefold(*words, "-o", "two.png", "--strengths", "1,-1").records
    assert record["shown"] == ["strength 1", "strength -1"]


def test_a_strip_over_models(
    fivefold: Run, photo: Path, bundle_path: Path, write_tiny: Callable[..., Path]
) -> None:
    """Each under its own name, at the strength that was asked for."""
    other = write_tiny(make_network(brightening() * np.float32(1.2)), "brighter")
    words = ("--over", "expert", "--bundle", bundle_path, "--bundle", other, "--strength", "0.5")
    (record,) = fivefold("preview", photo, *words, "--json").records
    assert record["shown"] == ["before", "tiny", "brighter"]
    assert levels("photo_preview.png", 300 * 400) == [100, 114, 125]
    (record,) = fivefold("preview", photo, "--over", "expert", "--json").records
    assert record["shown"][:2] == ["before", "consensus"]


def test_a_split(fivefold: Run, photo: Path, bundle_path: Path) -> None:
    """One picture of the photo's size; the line stands where it was asked for."""
    words = ("preview", photo, "--bundle", bundle_path, "-o", "split.png", "--split")
    assert fivefold(*words, "0.25").out == "split.png: 400 × 300\n"
    with Image.open("split.png") as image:
        row = np.asarray(image)[0, :, 0]
    assert (row[:99] == LEVEL).all()
    assert (row[101:] == 129).all()


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tif"])
def test_the_ending_says_the_format(
    fivefold: Run, photo: Path, bundle_path: Path, suffix: str
) -> None:
    """Whatever ``enhance`` writes."""
    output = Path("look").with_suffix(suffix)
    assert fivefold("preview", photo, "--bundle", bundle_path, "-o", output).code == 0
    with Image.open(output) as image:
        assert image.size == (848, 354)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("-o", "photo.png"), "-o is the photo itself"),
        (("-o", "x.txt"), "-o must end in a format that can be written, received x.txt"),
        (("--strength", "2"), "--strength must lie in -1.5 to 1.5, received 2.0"),
        (
            ("--over", "strength", "--strengths", "0,9"),
            "--strengths must lie in -1.5 to 1.5, received 9.0",
        ),
        (("--strengths", "0,1"), "--strengths goes with --over strength only"),
        (("--over", "strength", "--strengths", "a"), "must be numbers such as 0,0.5,1"),
        (("--split", "1.5"), "must be a number from 0 to 1, received '1.5'"),
        (("--split", "--over", "strength"), "not allowed with argument"),
        (("--bundle", "a", "--bundle", "b"), "several models go with --over expert only"),
        (("--size", "0"), "must be a whole number from 1 up"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    fivefold: Run, photo: Path, words: tuple[str, ...], reason: str
) -> None:
    """Exit code 2, and nothing is written."""
    result = fivefold("preview", photo, *words)
    assert (result.code, result.out) == (2, "")
    assert reason in result.err
    assert list(Path().iterdir()) == [photo]


def test_what_cannot_work_is_one_line(fivefold: Run, photo: Path, bundle_path: Path) -> None:
    """A missing photo, a missing folder; nothing half-written stays."""
    result = fivefold("preview", "none.jpg", "--bundle", bundle_path)
    assert result == Result(1, "", "fivefold: none.jpg: no such file or directory\n")
    result = fivefold("preview", photo, "-o", "none/x.png", "--bundle", bundle_path)
    assert result.code == 1
    assert result.err.startswith("fivefold: none/x.png: ")
    assert list(Path().iterdir()) == [photo]
