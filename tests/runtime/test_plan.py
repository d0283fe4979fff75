"""Where results go is settled before work starts, and no photo is ever lost to one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefold.runtime.plan import make_plan

WRITABLE = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".tif": "TIFF"}
READABLE = (*WRITABLE, ".raw")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photos at two depths, in the current folder."""
    for name in ("in/a.jpg", "in/sub/b.png", "other/a.jpg", "c.jpeg", "d.raw", "e", "v1.2"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan(*inputs: str, output: str | None = None, **options: object) -> dict[str, str]:
    made = make_plan(inputs, output, readable=READABLE, writable=WRITABLE, **options)
    return {str(task.source): str(task.target) for task in made.tasks}


def test_by_default_results_lie_beside_their_photos(folder: Path) -> None:
    """``NAME_enhanced.EXT``; TIFF where the photo's own format cannot be written, PNG if untold."""
    assert plan("in", "c.jpeg", "d.raw", "e", "v1.2") == {
        "in/a.jpg": "in/a_enhanced.jpg",
        "in/sub/b.png": "in/sub/b_enhanced.png",
        "c.jpeg": "c_enhanced.jpeg",
        "d.raw": "d_enhanced.tif",
        "e": "e_enhanced.png",
        "v1.2": "v1.2_enhanced.png",
    }


@pytest.mark.parametrize(
    ("content", "target"),
    [
        (b"\xff\xd8\xff\xe0", "x_enhanced.jpg"),
        (b"II*\0\x08\0\0\0", "x_enhanced.tif"),
        (b"FUJIFILMCCD-RAW ", "x_enhanced.tif"),
        (b"", "x_enhanced.png"),
        (None, "x_enhanced.png"),
    ],
)
def test_without_a_suffix_the_content_tells_the_format(
    folder: Path, content: bytes | None, target: str
) -> None:
    """By how the file begins, and only then: PNG if that tells nothing, or it cannot be asked."""
    if content is not None:
        (folder / "x").write_bytes(content)
    assert plan("x") == {"x": target}
    assert plan("x", file_format="JPEG") == {"x": "x_enhanced.jpg"}
    (folder / "y.png").write_bytes(content or b"")
    assert plan("y.png") == {"y.png": "y_enhanced.png"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_a_pipe_is_not_read_for_its_format(folder: Path) -> None:
    """What was read would be lacking later, and waiting for it might take for ever."""
    os.mkfifo(folder / "pipe")
    assert plan("pipe") == {"pipe": "pipe_enhanced.png"}


def test_an_output_folder_mirrors_the_input_folder(folder: Path) -> None:
    """Folders below the named one are kept, and the names too."""
    assert plan("in", "c.jpeg", output="out") == {
        "in/a.jpg": "out/a.jpg",
        "in/sub/b.png": "out/sub/b.png",
        "c.jpeg": "out/c.jpeg",
    }
    assert plan("in/**/*", output="out") == {
        "in/a.jpg": "out/a.jpg",
        "in/sub/b.png": "out/sub/b.png",
    }


def test_a_format_changes_the_suffix_where_it_must(folder: Path) -> None:
    """A ``.jpeg`` asked for as JPEG keeps its suffix; others get the usual one."""
    assert plan("in", "c.jpeg", file_format="JPEG") == {
        "in/a.jpg": "in/a_enhanced.jpg",
        "in/sub/b.png": "in/sub/b_enhanced.jpg",
        "c.jpeg": "c_enhanced.jpeg",
    }


@pytest.mark.parametrize(
    ("inputs", "output", "target"),
    [
        (["c.jpeg"], "better.png", "better.png"),
        (["c.jpeg"], "better.JPG", "better.JPG"),
        (["c.jpeg"], "new/better.tif", "new/better.tif"),
        (["missing.jpg"], "better.png", "better.png"),
        (["c.jpeg"], "better", "better/c.jpeg"),
        (["c.jpeg"], "in", "in/c.jpeg"),
        (["c.jpeg", "in"], "better.png", "better.png/c.jpeg"),
        (["in"], "better.png", "better.png/a.jpg"),
        (["c.jpeg"], "taken.png", "taken.png/c.jpeg"),
    ],
)
def test_an_output_is_a_file_only_for_one_file_and_a_known_suffix(
    folder: Path, inputs: list[str], output: str, target: str
) -> None:
    """Everything else is a folder, also one that happens to be called ``taken.png``."""
    (folder / "taken.png").mkdir()
    assert next(iter(plan(*inputs, output=output).values())) == target


@pytest.mark.parametrize("output", ["x.bmp", "new/x.GIF", "x.txt", "x.raw"])
def test_a_new_folder_is_not_called_like_a_file(folder: Path, output: str) -> None:
    """A picture or text that cannot be written is refused; a folder that is there is meant."""
    for inputs in (["c.jpeg"], ["in"], ["c.jpeg", "in"]):
        with pytest.raises(ValueError, match=r"x\.\w+: \.\w+ files cannot be written"):
            plan(*inputs, output=output)
    (folder / "there.bmp").mkdir()
    assert plan("c.jpeg", output="there.bmp") == {"c.jpeg": "there.bmp/c.jpeg"}


@pytest.mark.parametrize("output", ["out", "out.d", "holiday.2024", "v1.5", ".photos", "a.b.c"])
def test_a_new_folder_may_have_a_dot(folder: Path, output: str) -> None:
    """Whatever is no suffix of a file that people know belongs to the folder's name."""
    assert plan("c.jpeg", output=output) == {"c.jpeg": f"{output}/c.jpeg"}


def test_in_place_each_photo_is_its_own_target(folder: Path) -> None:
    """Only then a target may be a photo."""
    assert plan("in", in_place=True) == {"in/a.jpg": "in/a.jpg", "in/sub/b.png": "in/sub/b.png"}


@pytest.mark.parametrize("options", [{"output": "out"}, {"file_format": "PNG"}])
def test_in_place_contradicts_another_place_or_format(
    folder: Path, options: dict[str, str]
) -> None:
    """In place means same name, same format."""
    with pytest.raises(ValueError, match="in place"):
        plan("in", in_place=True, **options)


def test_an_output_that_contradicts_the_format_is_refused(folder: Path) -> None:
    """``-o x.png`` as JPEG would be a lie; ``-o x.jpeg`` is JPEG all right."""
    with pytest.raises(ValueError, match=r"x\.png has not the suffix"):
        plan("c.jpeg", output="x.png", file_format="JPEG")
    assert plan("c.jpeg", output="x.jpg", file_format="JPEG") == {"c.jpeg": "x.jpg"}


def test_two_photos_with_one_target_are_refused(folder: Path) -> None:
    """The message names both, and the name that they would share."""
    with pytest.raises(ValueError, match=r"in/a\.jpg and other/a\.jpg .* out/a\.jpg"):
        plan("in", "other", output="out")
    (folder / "in/b.tif").touch()
    (folder / "in/b.jpg").touch()
    with pytest.raises(ValueError, match=r"in/b\.jpg and in/b\.tif .* in/b_enhanced\.png"):
        plan("in", file_format="PNG")


def test_one_target_under_two_names_is_noticed(folder: Path) -> None:
    """A linked output folder does not hide that two results would share a file."""
    (folder / "same").mkdir()
    (folder / "in/link").symlink_to(folder / "same")
    (folder / "same/a.jpg").touch()
    (folder / "in/a.tif").touch()
    with pytest.raises(ValueError, match="would both be written"):
        plan("in/link/a.jpg", "in/a.tif", output="same", file_format="PNG")


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_a_photo_is_never_a_target_under_any_name(folder: Path, link: str) -> None:
    """The input folder as output, or a link to a photo as target, is refused."""
    with pytest.raises(ValueError, match="would overwrite the photo"):
        plan("in", output="in")
    with pytest.raises(ValueError, match="would overwrite the photo"):
        plan("c.jpeg", "in", output=".", file_format="JPEG")
    getattr(folder / "c_enhanced.jpeg", link)(folder / "c.jpeg")
    with pytest.raises(ValueError, match="would overwrite the photo"):
        plan("c.jpeg")


def test_a_result_that_is_named_with_its_photo_is_passed_over(folder: Path) -> None:
    """``*.jpeg`` after a first run names the result too; alone, or in place, it is a photo.

    A link that is called like a result and leads to another photo replaces nothing.
    """
    (folder / "c_enhanced.jpeg").touch()
    for names in (["c.jpeg", "c_enhanced.jpeg"], ["./c_enhanced.jpeg", "c.jpeg"]):
        made = make_plan(names, readable=READABLE, writable=WRITABLE)
        assert [str(task.target) for task in made.tasks] == ["c_enhanced.jpeg"]
        assert [path.name for path in made.results] == ["c_enhanced.jpeg"]
    assert plan("c_enhanced.jpeg") == {"c_enhanced.jpeg": "c_enhanced_enhanced.jpeg"}
    assert len(plan("c.jpeg", "c_enhanced.jpeg", in_place=True)) == 2
    assert len(plan("c.jpeg", "c_enhanced.jpeg", output="out")) == 2
    (folder / "c_enhanced.jpeg").unlink()
    (folder / "c_enhanced.jpeg").symlink_to(folder / "other/a.jpg")
    with pytest.raises(ValueError, match="would overwrite the photo"):
        plan("c.jpeg", "c_enhanced.jpeg")


def test_a_second_run_over_a_folder_makes_the_same_plan(folder: Path) -> None:
    """Results of the first run are neither photos nor in the way, wherever those of this one go.

    One that is named itself is a photo all the same.
    """
    first, elsewhere = plan("in"), plan("in", output="out")
    for target in first.values():
        Path(target).touch()
    assert plan("in") == first
    assert plan("in", output="out") == elsewhere
    assert plan("in/**/*", output="out") == elsewhere
    assert plan("in", in_place=True).keys() == first.keys()
    made = make_plan(["in"], "out", readable=READABLE, writable=WRITABLE)
    assert {str(path) for path in made.results} == set(first.values())
    assert made.left_out == []
    named = plan("in", "in/a_enhanced.jpg", output="out")
    assert named == elsewhere | {"in/a_enhanced.jpg": "out/a_enhanced.jpg"}


@settings(max_examples=60, deadline=None)
@given(
    sources=st.lists(
        st.from_regex(r"[ab](/[ab]){0,2}(_enhanced)?\.(jpg|png)", fullmatch=True),
        min_size=1,
        max_size=6,
    ),
    output=st.sampled_from([None, "out", "in", "in/a", "."]),
    file_format=st.sampled_from([None, "JPEG", "PNG"]),
)
def test_no_plan_loses_anything(
    tmp_path_factory: pytest.TempPathFactory,
    sources: list[str],
    output: str | None,
    file_format: str | None,
) -> None:
    """Every plan has each photo once or names it as left out, and overwrites none of them.

    What is called as the result of another one may be replaced, by that one's result.
    """
    root = tmp_path_factory.mktemp("plan")
    for name in sources:
        (root / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "in" / name).touch()
    folder = None if output is None else root / output
    try:
        made = make_plan(
            [root / "in"], folder, readable=READABLE, writable=WRITABLE, file_format=file_format
        )
    except ValueError:
        return
    targets = [os.path.realpath(task.target) for task in made.tasks]
    taken = [os.path.realpath(task.source) for task in made.tasks]
    assert len(set(targets)) == len(targets)
    assert len(set(taken)) == len(taken)
    results = {os.path.realpath(path) for path in made.results}
    assert not any(Path(target).exists() and target not in results for target in targets)
    assert len(taken) + len(made.left_out) + len(results) == len(set(sources))


def test_photos_in_an_output_folder_are_results_or_left_out(folder: Path) -> None:
    """Known results may be overwritten and are not mentioned; others are neither touched nor lost.

    An output folder outside of what is searched is nobody's business.
    """
    for name in ("in/sub/a.jpg", "out/a.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()

    def made(output: str, **options: object) -> list[str]:
        found = make_plan(["in"], output, readable=READABLE, writable=WRITABLE, **options)
        return sorted(str(path) for path in found.left_out)

    with pytest.raises(ValueError, match=r"in/a\.jpg would overwrite in/sub/a\.jpg, which no"):
        made("in/sub")
    assert made("in/sub", overwriting=False) == ["in/sub/a.jpg", "in/sub/b.png"]
    assert made("in/sub", is_result=lambda path: path.name == "a.jpg") == ["in/sub/b.png"]
    assert made("in/sub", is_result=lambda _: True) == []
    assert made("out") == []


def test_a_pattern_leaves_the_output_folder_out(folder: Path) -> None:
    """As a folder does; but not when the output is the folder that the pattern starts from."""
    assert plan("in/**/*", output="in/sub") == {"in/a.jpg": "in/sub/a.jpg"}
    assert plan("in/*", output="in", file_format="PNG") == {"in/a.jpg": "in/a.png"}
