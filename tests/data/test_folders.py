from __future__ import annotations

from pathlib import Path

import pytest

from fivefold.data.folders import (
    find_before_after,
    find_renditions,
    match_folders,
    pictures_in,
    role_of,
)
from fivefold.errors import DataError


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("expertC", "c"),
        ("expert_c", "c"),
        ("Expert C", "c"),
        ("experts-e", "e"),
        ("tiff16_a", "a"),
        ("C", "c"),
        ("d", "d"),
        ("target_b", "b"),
        ("expertC_480p", "c"),
        ("input", "input"),
        ("Inputs", "input"),
        ("InputAsShotZeroed", "input"),
        ("original", "input"),
        ("raw_photos", "input"),
        ("dng", "input"),
        ("expertF", None),
        ("expert", None),
        ("Export", None),
        ("data", None),
        ("a0001", None),
        ("480p", None),
        ("photos", None),
        ("drawings", None),
    ],
)
def test_the_spellings_in_use(name: str, role: str | None) -> None:
    """Names of folders from the official set, Lightroom exports and public repositories."""
    assert role_of(name) == role


LAYOUTS = {
    "official": ("img/dng/a0001-jmac.dng", "img/tiff16_{e}/a0001-jmac.tif"),
    "archive": ("raw_photos/HQa1to700/photos/a0001-jmac.dng", "expert{E}/a0001-jmac.tif"),
    "by camera": ("raw/Nikon_D70/a0001-jmac.dng", "processed/tiff16_{e}/a0001-jmac.tif"),
    "lightroom": ("input/Export/a0001-jmac.jpg", "expert{E}/Export/a0001-jmac.jpg"),
    "one letter": ("input/a0001.png", "{E}/a0001.png"),
    "3d-lut": ("input/JPG/480p/a0001.jpg", "expert{E}/JPG/480p/a0001.jpg"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_in_use(tmp_path: Path, layout: str) -> None:
    """Each finds the input and all five experts of the photo, under its FiveK id."""
    own, experts = LAYOUTS[layout]
    touch(tmp_path, own, *(experts.format(e=e, E=e.upper()) for e in "abcde"))
    found = find_renditions(tmp_path)
    assert list(found.photos) == ["a0001"]
    assert set(found.photos["a0001"]) == {"input", *"abcde"}
    assert (found.ambiguous, found.unplaced, found.without_input()) == ([], [], [])


def test_other_names_keep_their_stem(tmp_path: Path) -> None:
    """A set of one's own is matched by the names of its files."""
    touch(tmp_path, "input/DSC_1.jpg", "expert_b/DSC_1.tif", "expert_b/DSC_2.tif")
    found = find_renditions(tmp_path)
    assert found.photos["DSC_1"].keys() == {"input", "b"}
    assert found.without_input() == ["DSC_2"]


def test_two_files_for_one_role_count_as_none(tmp_path: Path) -> None:
    """Which of several versions is meant is for the user to say."""
    touch(tmp_path, *(f"input/{v}/a0001.jpg" for v in "xyz"), "c/a0001.jpg", "notes/a0001.jpg")
    found = find_renditions(tmp_path)
    assert found.photos["a0001"].keys() == {"c"}
    (line,) = found.ambiguous
    assert line.startswith("a0001: several files for input: input/x/a0001.jpg, input/y/")
    assert "input/z/" in line
    assert found.unplaced == [tmp_path / "notes/a0001.jpg"]


def test_folders_can_be_named(tmp_path: Path) -> None:
    """Naming the folder of each role settles what the names do not."""
    touch(tmp_path, "input/x/a0001.jpg", "input/y/a0001.jpg", "best/a0001.jpg", "c/a0001.jpg")
    found = find_renditions(tmp_path, {"input": Path("input/y"), "e": Path("best")})
    assert found.photos == {
        "a0001": {"input": tmp_path / "input/y/a0001.jpg", "e": tmp_path / "best/a0001.jpg"}
    }
    with pytest.raises(ValueError, match="'f'"):
        find_renditions(tmp_path, {"f": Path("best")})
    with pytest.raises(DataError, match="none"):
        find_renditions(tmp_path, {"a": Path("none")})


def test_hidden_and_other_files_are_no_pictures(tmp_path: Path) -> None:
    """Thumbnails of file managers, parts of downloads and notes are passed over."""
    touch(tmp_path, "a.JPG", ".cache/b.jpg", "._a.jpg", "c.txt", "d.dng.part", "e/f.tif")
    assert [p.name for p in pictures_in(tmp_path)] == ["a.JPG", "f.tif"]


def test_pairs_are_matched_by_stem(tmp_path: Path) -> None:
    """Endings and letter case may differ, folders within have to agree; the rest is reported."""
    touch(tmp_path, *(f"before/{n}" for n in ("A.dng", "x/b.jpg", "c.jpg", "d.jpg", "d.png")))
    touch(tmp_path, *(f"after/{n}" for n in ("a.JPG", "x/b.png", "y/c.jpg", "d.jpg")))
    matching = match_folders(tmp_path / "before", tmp_path / "after")
    assert {k: (b.name, a.name) for k, (b, a) in matching.pairs.items()} == {
        "A": ("A.dng", "a.JPG"),
        "x/b": ("b.jpg", "b.png"),
    }
    assert matching.unmatched == [tmp_path / "before/c.jpg", tmp_path / "after/y/c.jpg"]
    (line,) = matching.ambiguous
    assert line.startswith("d: several files")
    with pytest.raises(DataError, match="nowhere"):
        match_folders(tmp_path / "before", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("before", "after"),
        ("Input", "Target"),
        ("low", "high"),
        ("raw", "edited"),
        ("input", "expertC"),
        ("originals", "retouched"),
        ("LQ", "GT"),
    ],
)
def test_the_two_folders_are_told_by_name(tmp_path: Path, before: str, after: str) -> None:
    """The names that before/after sets use."""
    for name in (before, after, "notes"):
        (tmp_path / name).mkdir()
    assert find_before_after(tmp_path) == (tmp_path / before, tmp_path / after)


@pytest.mark.parametrize("names", [[], ["before"], ["before", "raw", "after"], ["x", "y"]])
def test_unclear_folders_are_listed(tmp_path: Path, names: list[str]) -> None:
    """Guessing which side is which would train the opposite."""
    for name in names:
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=", ".join(sorted(names)) or "no folder"):
        find_before_after(tmp_path)
    with pytest.raises(DataError, match="missing"):
        find_before_after(tmp_path / "missing")
