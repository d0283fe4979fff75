"""Inputs as people name them stand for the photos that they mean."""

from __future__ import annotations

import glob
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefold.runtime.search import find_photos

SUFFIXES = (".jpg", ".png")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with photos and other things at several depths; the current one."""
    for name in (
        "b.jpg",
        "a.JPG",
        "notes.txt",
        ".hidden.jpg",
        "a_enhanced.jpg",
        "lone_enhanced.jpg",
        "sub/c.png",
        "sub/deep/d.jpg",
        ".cache/e.jpg",
        "out/f.jpg",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*inputs: str, **options: object) -> list[str]:
    return [str(found.source) for found in find_photos(inputs, SUFFIXES, **options).photos]


def test_a_folder_is_searched_to_its_depth(folder: Path) -> None:
    """Known suffixes in either case, sorted; nothing hidden, nothing else."""
    assert names(".") == [
        "a.JPG",
        "a_enhanced.jpg",
        "b.jpg",
        "lone_enhanced.jpg",
        "out/f.jpg",
        "sub/c.png",
        "sub/deep/d.jpg",
    ]


def test_the_output_folder_and_earlier_results_are_left_out(folder: Path) -> None:
    """A second run does not enhance the results of the first; a lone name is still a photo."""
    assert names(".", leave_out=Path("out"), with_results=False) == [
        "a.JPG",
        "b.jpg",
        "lone_enhanced.jpg",
        "sub/c.png",
        "sub/deep/d.jpg",
    ]


def test_named_files_are_taken_whatever_they_are_called(folder: Path) -> None:
    """A name that is given is meant: text, hidden, missing, or a result of an earlier run."""
    given = ["notes.txt", ".hidden.jpg", "missing.jpg", "a.JPG", "a_enhanced.jpg"]
    assert names(*given, with_results=False) == given


def test_patterns_are_expanded_where_the_shell_did_not(folder: Path) -> None:
    """``*`` stays in its folder, ``**`` goes deep; what matches nothing is kept to fail later."""
    assert names("*.jpg") == ["a_enhanced.jpg", "b.jpg", "lone_enhanced.jpg"]
    assert names("s*/**/*") == ["sub/c.png", "sub/deep/d.jpg"]
    assert names("*.webp") == ["*.webp"]


def test_a_file_whose_name_is_a_pattern_is_that_file(folder: Path) -> None:
    """``[1].jpg`` that exists is not read as a pattern."""
    (folder / "[b].jpg").touch()
    assert names("[b].jpg") == ["[b].jpg"]


def test_each_photo_counts_once(folder: Path) -> None:
    """Named, found in a folder and reached through a link, a photo is one photo."""
    (folder / "link.jpg").symlink_to("b.jpg")
    assert names("b.jpg", "link.jpg", "./b.jpg", "*.jpg") == [
        "b.jpg",
        "a_enhanced.jpg",
        "lone_enhanced.jpg",
    ]


def test_links_to_folders_are_not_followed(folder: Path) -> None:
    """A folder that links to its parent does not make the search endless."""
    (folder / "sub/loop").symlink_to(folder)
    assert names("sub") == ["sub/c.png", "sub/deep/d.jpg"]


def test_patterns_pass_over_links_to_folders(folder: Path) -> None:
    """As folders do: two links upward end at once, and no photo is found under a second name.

    A link that the pattern names itself is meant.
    """
    (folder / "sub/loop").symlink_to(folder)
    (folder / "sub/deep/up").symlink_to(folder / "sub")
    assert names("sub/**/*") == ["sub/c.png", "sub/deep/d.jpg"]
    assert names("sub/**") == ["sub/c.png", "sub/deep/d.jpg"]
    assert names("sub/*/b.jpg", "sub/*/?.jpg") == ["sub/*/b.jpg", "sub/deep/d.jpg"]
    assert names("sub/loop/b*.jpg", "s*/loop/b*.jpg") == ["sub/loop/b.jpg"]


@settings(max_examples=200, deadline=None)
@given(
    pattern=st.lists(
        st.sampled_from(
            ["**", "*", "s*", "sub", "*.jpg", "[ab]*", "?.JPG", ".s*", ".hidden*", "**.jpg"]
        ),
        min_size=1,
        max_size=4,
    ).map("/".join)
)
def test_without_links_patterns_mean_what_they_mean_in_python(
    tmp_path_factory: pytest.TempPathFactory, pattern: str
) -> None:
    """Every file that the library's ``glob`` finds, and no other."""
    root = tmp_path_factory.mktemp("patterns")
    for name in ("b.jpg", "a.JPG", ".hidden.jpg", "sub/a.jpg", "sub/s/b.jpg", ".sub/.x/s.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    whole = f"{root}/{pattern}"
    expected = {
        os.path.realpath(path)
        for path in glob.glob(whole, recursive=True)  # noqa: PTH207, what it is compared with
        if path.lower().endswith(".jpg")
    }
    found = find_photos([whole], SUFFIXES).photos
    assert {os.path.realpath(p.source) for p in found if p.source.exists()} == expected or (
        Path(whole).exists()
    )


def test_the_place_below_what_was_named_is_told(folder: Path) -> None:
    """Folders and patterns give the path that the output mirrors, files their name."""
    found = find_photos(["sub", "s*/deep/*.jpg", "out/f.jpg"], SUFFIXES).photos
    assert [str(photo.relative) for photo in found] == ["c.png", "deep/d.jpg", "f.jpg"]
    found = find_photos(["s*/deep/*.jpg"], SUFFIXES).photos
    assert [str(photo.relative) for photo in found] == ["sub/deep/d.jpg"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_pipes_are_no_photos_unless_they_are_named(folder: Path) -> None:
    """A search passes over them, since reading may wait for ever; a shell's own are meant."""
    os.mkfifo(folder / "sub/pipe.jpg")
    assert names("sub") == ["sub/c.png", "sub/deep/d.jpg"]
    assert names("sub/*") == ["sub/c.png"]
    assert names("sub/pipe.jpg") == ["sub/pipe.jpg"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_folder_that_cannot_be_listed_is_told(folder: Path) -> None:
    """The search goes on around it, and says which and why."""
    (folder / "sub/deep").chmod(0)
    search = find_photos(["sub"], SUFFIXES)
    (folder / "sub/deep").chmod(0o755)
    assert [str(photo.source) for photo in search.photos] == ["sub/c.png"]
    assert [error.filename for error in search.unreadable] == ["sub/deep"]


def test_a_folder_that_vanishes_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while listing is kept, not raised: the other photos are still found."""
    scandir = os.scandir

    def failing(path: str) -> object:
        if Path(path).name == "deep":
            raise FileNotFoundError(2, "gone", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    search = find_photos(["sub"], SUFFIXES)
    assert [str(photo.source) for photo in search.photos] == ["sub/c.png"]
    assert [error.filename for error in search.unreadable] == ["sub/deep"]
