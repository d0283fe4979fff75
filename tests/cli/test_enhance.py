"""``fivefold enhance`` does what it is told, and says so in as few words as possible."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command import Result

from fivefold.cli import result_options
from fivefold.photo.files import read_photo
from fivefold.photo.formats import KNOWN_SUFFIXES, WRITABLE

Run = Callable[..., Result]


def level(path: str | Path) -> float:
    """The mean of a photo, 0…1."""
    return float(read_photo(Path(path)).pixels.mean() / 255)


def files(folder: Path) -> list[str]:
    """What people see in a folder: nothing hidden."""
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return sorted(str(path) for path in paths if not path.name.startswith("."))


def test_a_photo_gets_a_result_beside_it(fivefold: Run, photos: Path) -> None:
    """One file in, ``NAME_enhanced`` out, one line that names it; stdout stays clean."""
    before = (photos / "in/a.jpg").read_bytes()
    result = fivefold("enhance", "in/a.jpg")
    assert result.code == 0
    assert result.out == ""
    assert re.fullmatch(
        r"fivefold: 1 photo enhanced in \d+\.\d\d s \(\d+\.\d photos/s\), on the CPU.*: "
        r"in/a_enhanced\.jpg\n",
        result.err,
    )
    assert level("in/a_enhanced.jpg") == pytest.approx(80 / 255 * (1.25 + 8 / 255), abs=0.01)
    assert (photos / "in/a.jpg").read_bytes() == before


def test_a_folder_goes_to_a_folder(fivefold: Run, photos: Path) -> None:
    """Structure and formats are kept, and the summary counts."""
    result = fivefold("enhance", "in", "-o", "out")
    assert result.code == 0
    assert result.err.startswith("fivefold: 3 photos enhanced in ")
    assert files(photos / "out") == ["a.jpg", "b.png", "sub/c.webp"]
    formats = [read_photo(photos / "out" / name).format for name in files(photos / "out")]
    assert formats == ["JPEG", "PNG", "WEBP"]


def test_a_second_run_repeats_the_first(fivefold: Run, photos: Path) -> None:
    """Results lie among the photos, and are not taken for photos."""
    fivefold("enhance", "in")
    first = files(photos)
    assert len(first) == 6
    assert fivefold("enhance", "in").code == 0
    assert files(photos) == first


def test_results_beside_photos_are_passed_over_with_a_word(fivefold: Run, photos: Path) -> None:
    """Also when results go elsewhere this time: in the summary, and where nothing is done."""
    fivefold("enhance", "in")
    told = fivefold("enhance", "in", "-o", "out", "--dry-run")
    assert (len(told.out.splitlines()), told.errors) == (
        3,
        ["fivefold: 3 results of earlier runs passed over"],
    )
    result = fivefold("enhance", "in", "-o", "out")
    assert "3 photos enhanced, 3 results of earlier runs passed over in" in result.err
    assert files(photos / "out") == ["a.jpg", "b.png", "sub/c.webp"]
    last = fivefold("enhance", "in/*.jpg", "-o", "out", "--json").records[-1]
    assert last["summary"]["results_passed_over"] == 1


def test_output_file_format_and_depth(fivefold: Run, photos: Path) -> None:
    """``-o`` names a file, ``--format`` and ``--bit-depth`` change what is written."""
    assert fivefold("enhance", "in/a.jpg", "-o", "new/x.png").code == 0
    assert read_photo(photos / "new/x.png").format == "PNG"
    assert (
        fivefold("enhance", "in", "-o", "deep", "--format", "tiff", "--bit-depth", "16").code == 0
    )
    assert files(photos / "deep") == ["a.tif", "b.tif", "sub/c.tif"]
    assert read_photo(photos / "deep/a.tif").bit_depth == 16


@pytest.mark.parametrize(("strength", "change"), [("0", 0), ("1", 1), ("-0.5", -0.5), ("1.5", 1.5)])
def test_strength(fivefold: Run, photos: Path, strength: str, change: float) -> None:
    """The mean moves by the strength; a negative number is a value, not an option."""
    assert fivefold("enhance", "in/b.png", "-o", "x.png", "--strength", strength).code == 0
    full = 100 / 255 * (0.25 + 0.1 * 100 / 255)
    assert level("x.png") == pytest.approx(100 / 255 + change * full, abs=0.5 / 255)


def test_quality(fivefold: Run, photos: Path) -> None:
    """Lower quality makes a smaller file."""
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    from PIL import Image

    Image.fromarray(noise).save("noise.png")
    for quality in ("30", "95"):
        fivefold("enhance", "noise.png", "-o", f"{quality}.jpg", "--quality", quality)
    assert Path("30.jpg").stat().st_size < 0.6 * Path("95.jpg").stat().st_size


def test_skip_existing_goes_on_where_it_was_interrupted(fivefold: Run, photos: Path) -> None:
    """What has a result keeps it, the rest is made; the summary tells both."""
    (photos / "out").mkdir()
    (photos / "out/a.jpg").write_text("mine")
    result = fivefold("enhance", "in", "-o", "out", "--skip-existing")
    assert result.code == 0
    assert "2 photos enhanced, 1 skipped in" in result.err
    assert (photos / "out/a.jpg").read_text() == "mine"
    again = fivefold("enhance", "in", "-o", "out", "--skip-existing")
    assert "0 photos enhanced, 3 skipped in" in again.err


def test_in_place_overwrites_the_photos(fivefold: Run, photos: Path) -> None:
    """Only on request, and then nothing else appears."""
    before = files(photos)
    assert fivefold("enhance", "in", "--in-place").code == 0
    assert files(photos) == before
    assert level("in/b.png") > 0.45


def test_in_place_a_photo_keeps_its_format(fivefold: Run, photos: Path) -> None:
    """Content decides, not the name: a JPEG stays one as ``.png``, and with no suffix at all.

    In another place the name of the result decides.
    """
    content = (photos / "in/a.jpg").read_bytes()
    for name in ("wrong.png", "none"):
        (photos / name).write_bytes(content)
        assert fivefold("enhance", name, "--in-place").code == 0
        assert read_photo(photos / name).format == "JPEG"
        assert (photos / name).read_bytes() != content
    assert fivefold("enhance", "wrong.png", "none").code == 0
    assert read_photo(photos / "wrong_enhanced.png").format == "PNG"
    assert read_photo(photos / "none_enhanced.jpg").format == "JPEG"


def test_without_in_place_a_photo_is_never_overwritten(fivefold: Run, photos: Path) -> None:
    """An output that is the input is refused before anything is read."""
    before = {name: (photos / name).read_bytes() for name in files(photos)}
    for words in (["in", "-o", "in"], ["in/b.png", "-o", "in/b.png"], ["in/a.jpg", "-o", "in"]):
        result = fivefold("enhance", *words)
        assert result.code == 2
        assert "would overwrite the photo" in result.err
    assert {name: (photos / name).read_bytes() for name in files(photos)} == before


def test_two_results_with_one_name_are_refused_before_work(fivefold: Run, photos: Path) -> None:
    """Nothing is written when the plan has a collision."""
    (photos / "other").mkdir()
    (photos / "in/a.jpg").rename(photos / "other/b.png")
    result = fivefold("enhance", "in", "other", "-o", "out")
    assert result.code == 2
    assert "in/b.png and other/b.png would both be written to out/b.png" in result.err
    assert not (photos / "out").exists()


@pytest.mark.parametrize("option", ["--skip-existing", "--update"])
def test_the_names_that_a_shell_gives_may_be_repeated(
    fivefold: Run, photos: Path, option: str
) -> None:
    """After a first run ``*.jpg`` names the result as well: passed over, with a word."""
    assert fivefold("enhance", "in/a.jpg", "in/b.png").code == 0
    first = files(photos)
    named = [f"in/{path.name}" for path in sorted((photos / "in").iterdir()) if path.is_file()]
    result = fivefold("enhance", *named)
    assert result.code == 0
    assert "2 photos enhanced, 2 results of earlier runs passed over in" in result.err
    result = fivefold("enhance", *named, option)
    assert "0 photos enhanced, 2 skipped, 2 results of earlier runs" in result.err
    assert files(photos) == first


def test_dry_run_only_tells(fivefold: Run, photos: Path) -> None:
    """One line for each photo, nothing written, no model needed."""
    (photos / "out").mkdir()
    (photos / "out/a.jpg").touch()
    words = ["enhance", "in", "-o", "out", "--skip-existing", "--dry-run", "--bundle", "none"]
    result = fivefold(*words)
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "in/a.jpg -> out/a.jpg (exists: skipped)",
        "in/b.png -> out/b.png",
        "in/sub/c.webp -> out/sub/c.webp",
    ]
    assert files(photos / "out") == ["a.jpg"]
    records = fivefold(*words, "--json").records
    assert records[0] == {"source": "in/a.jpg", "target": "out/a.jpg", "skipped": True}


def test_json_tells_everything_to_programs(fivefold: Run, photos: Path) -> None:
    """One object for each photo as it ends, the summary last; errors on stderr as well."""
    (photos / "in/bad.png").write_text("text")
    result = fivefold("enhance", "in", "-o", "out", "--json")
    assert result.code == 1
    *records, last = result.records
    by_source = {record["source"]: record for record in records}
    assert by_source["in/a.jpg"] == {
        "source": "in/a.jpg",
        "target": "out/a.jpg",
        "ok": True,
        "skipped": False,
        "stale": None,
        "error": None,
        "notes": [],
        "seconds": by_source["in/a.jpg"]["seconds"],
    }
    assert not by_source["in/bad.png"]["ok"]
    assert by_source["in/bad.png"]["error"].startswith("in/bad.png: ")
    summary = last["summary"]
    assert (summary["enhanced"], summary["skipped"], summary["failed"]) == (3, 0, 1)
    assert summary["device"] == "cpu"
    assert summary["engine"] in ("native", "numpy")
    assert summary["photos_per_second"] == pytest.approx(3 / summary["seconds"], rel=0.01)
    assert len(result.err.splitlines()) == 1


def test_notes_about_a_photo_are_told(
    fivefold: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What reading changed or left out is one line, and no failure."""
    from dataclasses import replace

    from fivefold.runtime import batch

    monkeypatch.setattr(
        batch,
        "read_photo",
        lambda path, **_: replace(read_photo(path), notes=("second page left out",)),
    )
    result = fivefold("enhance", "in/a.jpg")
    assert result.code == 0
    assert result.errors == ["fivefold: in/a.jpg: note: second page left out"]


def test_the_slow_path_is_told(
    fivefold: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the compiled kernels the summary says so, and where to read why."""
    from fivefold.kernels import engine

    monkeypatch.setattr(engine, "NATIVE_MISSING", "not built")
    result = fivefold("enhance", "in/a.jpg")
    assert result.code == 0
    assert "slower path" in result.err
    assert "fivefold info" in result.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "INPUT"),
        (["", "--in-place"], "a name is empty"),
        (["a.jpg", "-o", ""], "a name is empty"),
        (["a.jpg", "--strength", "2"], "-1.5 to 1.5, received 2.0"),
        (["a.jpg", "--strength", "nan"], "received nan"),
        (["a.jpg", "--strength", "much"], "invalid float"),
        (["a.jpg", "--quality", "0"], "from 1 to 100, received '0'"),
        (["a.jpg", "--quality", "best"], "from 1 to 100, received 'best'"),
        (["a.jpg", "--jobs", "-1"], "expected"),
        (["a.jpg", "--format", "bmp"], "invalid choice"),
        (["a.jpg", "--bit-depth", "12"], "invalid choice"),
        (["a.jpg", "--bit-depth", "16", "--format", "jpeg"], "jpeg holds 8 bits"),
        (["a.jpg", "--in-place", "-o", "x"], "--in-place"),
        (["a.jpg", "--in-place", "--format", "png"], "--in-place"),
        (["a.jpg", "--in-place", "--skip-existing"], "not allowed with"),
        (["a.jpg", "-o", "x.png", "--format", "jpeg"], "suffix of the format"),
        (["a.jpg", "-o", "better.bmp"], "better.bmp: .bmp files cannot be written"),
        (["a.jpg", "in", "-o", "new/x.txt"], "x.txt: .txt files cannot be written"),
        (["-", "a.jpg"], "a pipe takes and gives one photo"),
        (["-", "--json"], "cannot both go to stdout"),
        (["-", "-o", "x.png", "--dry-run"], "do not go with a pipe"),
    ],
)
def test_a_wrong_command_is_explained(
    fivefold: Run, photos: Path, words: list[str], said: str
) -> None:
    """Exit code 2, the usage, and what was expected; nothing is written."""
    before = files(photos)
    result = fivefold("enhance", *words)
    assert result.code == 2
    assert result.err.startswith("usage: fivefold enhance")
    assert said in result.err
    assert files(photos) == before


def test_the_formats_offered_are_those_that_can_be_written() -> None:
    """The command line lists them without loading the codecs; the lists agree."""
    writable = {KNOWN_SUFFIXES[suffix] for suffix in WRITABLE}
    assert {name.upper() for name in result_options.FORMATS} == writable


def test_a_folder_without_photos_is_no_failure(fivefold: Run, photos: Path) -> None:
    """Nothing to do is done; the summary says 0."""
    (photos / "empty").mkdir()
    result = fivefold("enhance", "empty")
    assert result.code == 0
    assert "0 photos enhanced in" in result.err
