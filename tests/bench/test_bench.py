"""The benchmark counts right and says what is missing; no test looks at how long things took."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from fivefold.bench import cases
from fivefold.bench.contest import ContestantError, Sample, compete, program
from fivefold.bench.machine import machine_facts
from fivefold.bench.photos import copy_photo, make_photo, make_tiff
from fivefold.bench.programs import PROGRAMS, Program
from fivefold.cli import main
from fivefold.photo.files import read_photo
from fivefold.photo.reused import ReusedMemory


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "photo.jpg"
    make_photo(path, (320, 240))
    return path


def samples(*seconds: float) -> Iterator[Sample]:
    return (Sample(s, 2 * s, 1000) for s in seconds)


def test_medians_and_ratios_of_rounds_in_turn() -> None:
    """The first round is dropped; a ratio is the median of those of each round."""
    ours, theirs = samples(90.0, 1.0, 2.0, 4.0), samples(90.0, 3.0, 4.0, 40.0)
    standings = compete({"ours": lambda: next(ours), "theirs": lambda: next(theirs)}, 3)
    assert (standings["ours"].seconds, standings["ours"].ratio) == (2.0, 1.0)
    # 3/1, 4/2 and 40/4, of which 3 is in the middle; the medians' own ratio would be 2.
    assert (standings["theirs"].seconds, standings["theirs"].ratio) == (4.0, 3.0)
    assert standings["theirs"].cpu_seconds == 8.0
    assert standings["theirs"].as_dict()["peak_mb"] == 0.0


def test_a_program_is_measured_without_whoever_starts_it() -> None:
    """Its memory is its own, however much this process has."""
    ballast = np.ones(40_000_000)
    small = program("small", [sys.executable, "-S", "-c", "pass"])()
    large = program("large", [sys.executable, "-S", "-c", "b'x' * 50_000_000"])()
    assert ballast.nbytes > large.peak_bytes > small.peak_bytes + 45_000_000
    assert large.seconds > 0
    assert large.cpu_seconds > 0


def test_a_program_that_fails_is_named() -> None:
    """With its last words."""
    broken = program("broken", [sys.executable, "-c", "raise SystemExit('no such look')"])
    with pytest.raises(ContestantError, match=r"^broken: no such look$"):
        broken()


def test_a_program_that_is_missing_is_named(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left out of the contest, and has no version; those that are here take part."""
    here = Program("python", (sys.executable,), "--version", lambda *_: ["-c", "pass"])
    missing = Program("nothing", ("no-such-program",), "--version", lambda *_: [])
    monkeypatch.setattr(cases, "PROGRAMS", (here, missing))
    contest, versions = cases.cold(photo, tmp_path, rounds=1)
    assert list(contest) == ["fivefold enhance", "python"]
    assert versions == {"python": ".".join(map(str, sys.version_info[:3])), "nothing": None}
    assert not (tmp_path / "enhanced.jpg").exists()  # "python" was the last, and writes nothing


def test_other_programs_are_told_to_write_the_target(tmp_path: Path) -> None:
    """Photo and target stand in every command line, however it is laid out."""
    for known in PROGRAMS:
        words = known.arguments(tmp_path / "a.jpg", tmp_path / "b.jpg")
        assert str(tmp_path / "a.jpg") in words
        assert any(word.startswith(str(tmp_path)) and "a.jpg" not in word for word in words)


def test_the_codec_alone_does_what_enhancing_does_around_the_pixels(photo: Path) -> None:
    """Its result is the photo's own pixels, coded at the same quality and subsampling."""
    data = photo.read_bytes()
    recoded = cases._recode(data, 2)
    assert cases._recode(data, 2, ReusedMemory()) == recoded
    assert simplejpeg.decode_jpeg_header(recoded) == simplejpeg.decode_jpeg_header(data)
    difference = simplejpeg.decode_jpeg(recoded).astype(int) - simplejpeg.decode_jpeg(data)
    assert np.abs(difference).mean() < 2


def test_pytorch_does_the_same_pass(photo: Path) -> None:
    """The contestant's pixels are ours, to one code."""
    pytest.importorskip("torch")
    from fivefold import kernels
    from fivefold.bench.pytorch import tiled_grid_sample
    from fivefold.kernels import BilateralGrid

    pixels = read_photo(photo).pixels
    grid = BilateralGrid.identity().with_strength(1.3)
    target = np.empty_like(pixels)
    tiled_grid_sample(pixels, grid, target)()
    difference = target.astype(int) - kernels.render(pixels, grid)
    assert np.abs(difference).max() <= 1


def test_every_case_runs(photo: Path, tmp_path: Path) -> None:
    """Each has its contestants, the measure first."""
    codec_and_ours = [cases.CODEC, cases.CODEC_REUSING, cases.OURS]
    assert list(cases.warm(photo, 1, 1)) == codec_and_ours
    assert list(cases.warm(photo, 1, 2)) == [*codec_and_ours[:2], cases.CODEC_IN_PIECES, cases.OURS]
    assert list(cases.folder_of(photo, tmp_path, 1, count=3)) == codec_and_ours
    assert len(list((tmp_path / "out").iterdir())) == 3
    assert list(cases.full_resolution(photo, 1))[:2] == ["copying the pixels", "fivefold"]
    assert cases.large(photo, tmp_path / "large.jpg")[cases.OURS].peak_bytes > 0


def test_the_command(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints a table, and the same figures with the machine's facts as JSON."""
    figures = tmp_path / "figures.json"
    command = ["bench", str(photo), "--case", "warm", "--rounds", "1", "--json", str(figures)]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "decode and encode alone" in shown
    written = json.loads(figures.read_text())
    assert written["machine"]["cores"] == machine_facts()["cores"]
    assert (written["photo"]["width_px"], written["photo"]["height_px"]) == (320, 240)
    for case in written["cases"].values():
        assert case["contestants"]["decode and encode alone"]["ratio"] == 1.0
    assert main([*command[:-1], "-"]) == 0
    assert json.loads(capsys.readouterr().out)["rounds"] == 1


def test_a_photo_of_ones_own(tmp_path: Path) -> None:
    """Of whatever format and depth, it becomes a JPEG."""
    source, target = tmp_path / "deep.png", tmp_path / "photo.jpg"
    Image.fromarray(np.full((20, 30), 40_000, np.uint16)).save(source)
    copy_photo(source, target)
    with Image.open(target) as written:
        assert written.size == (30, 20)


def test_the_made_up_tiff_is_the_made_up_photo(tmp_path: Path) -> None:
    """In whatever height, also one that no strip fits."""
    make_tiff(tmp_path / "a.tif", (300, 133))
    make_photo(tmp_path / "a.jpg", (300, 133))
    plain = read_photo(tmp_path / "a.tif").pixels.astype(int)
    coded = read_photo(tmp_path / "a.jpg").pixels
    assert plain.shape == coded.shape == (133, 300, 3)
    assert np.abs(plain - coded).mean() < 8
