from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from originals import scene, write_dng, write_prophoto
from PIL import Image

from fivefold.data.develop import develop
from fivefold.data.developed import Developed, Settings, read_developed
from fivefold.data.folders import find_renditions
from fivefold.data.rendition import Size
from fivefold.errors import DataError, PhotoWriteError
from fivefold.photo.files import read_photo

SMALL = Settings(size=Size(long_side_px=60))


def edited(linear: np.ndarray, expert: str) -> np.ndarray:
    """A different global edit for each expert."""
    return np.clip(linear * (1.2 + 0.2 * "abcde".index(expert)), 0, 1) ** 0.9


def write_photo_of(root: Path, name: str, seed: int, experts: str = "abcde") -> np.ndarray:
    """One photo in the official layout: 120×84 of a sensor of 132×92, upright."""
    (root / "img/dng").mkdir(parents=True, exist_ok=True)
    linear = scene(seed, 92, 132)
    write_dng(root / f"img/dng/{name}.dng", linear, crop=(6, 4, 120, 84))
    for expert in experts:
        path = root / f"img/tiff16_{expert}/{name}.tif"
        write_prophoto(path, edited(linear[4:88, 6:126], expert))
    return linear


@pytest.fixture
def originals(tmp_path: Path) -> Path:
    root = tmp_path / "fivek"
    write_photo_of(root, "a0001-one", 1)
    write_photo_of(root, "a0002-two", 2, "ac")
    return root


def run(root: Path, out: Path, settings: Settings = SMALL, **options: object) -> list[Developed]:
    return develop(find_renditions(root), root, out, settings, **options)  # type: ignore[arg-type]


def test_six_aligned_pictures_of_a_photo(originals: Path, tmp_path: Path) -> None:
    """All pictures of a photo have one size, lie on each other, and are sRGB of 8 bits."""
    out = tmp_path / "out"
    first, second = run(originals, out)
    assert (first.id, first.width_px, first.height_px) == ("a0001", 60, 42)
    assert list(first.pictures) == ["input", *"abcde"]
    assert list(second.pictures) == ["input", *"ac"]
    assert first.left_out == second.left_out == {}
    for picture in first.pictures.values():
        photo = read_photo(out / picture.path)
        assert photo.pixels.shape == (42, 60, 3)
        assert photo.pixels.dtype == np.uint8
        assert photo.icc_profile is None
    assert first.pictures["e"].shift_px is not None
    assert first.pictures["e"].shift_px < 0.3


def test_the_manifest_tells_hashes_and_sources(originals: Path, tmp_path: Path) -> None:
    """Everything needed to check a set, and to see what it was made of, is in its manifest."""
    out = tmp_path / "out"
    developed = run(originals, out)
    read = read_developed(out)
    assert read.settings == SMALL
    assert list(read.photos.values()) == developed
    picture = read.photos["a0001"].pictures["c"]
    assert picture.sha256 == hashlib.sha256((out / picture.path).read_bytes()).hexdigest()
    assert picture.source == "img/tiff16_c/a0001-one.tif"
    source = (originals / picture.source).read_bytes()
    assert picture.source_sha256 == hashlib.sha256(source).hexdigest()


def test_16_bits_stay_16(originals: Path, tmp_path: Path) -> None:
    """Both depths hold the same picture, one more finely."""
    coarse, fine = tmp_path / "8", tmp_path / "16"
    run(originals, coarse)
    run(originals, fine, Settings(size=SMALL.size, bit_depth=16))
    name = "expert_b/a0001.png"
    codes, finer = read_photo(coarse / name).pixels, read_photo(fine / name).pixels
    assert finer.dtype == np.uint16
    np.testing.assert_allclose(finer / 257.0, codes, atol=0.51)
    assert len(np.unique(finer)) > 400


def test_short_side(originals: Path, tmp_path: Path) -> None:
    """The other reduction of the literature."""
    (photo, _) = run(originals, tmp_path / "out", Settings(size=Size(short_side_px=42)))
    assert (photo.width_px, photo.height_px) == (60, 42)


def test_a_shifted_picture_is_left_out(originals: Path, tmp_path: Path) -> None:
    """A misaligned pair is reported with its displacement, and no file of it is kept."""
    linear = scene(1, 92, 132)
    wrong = originals / "img/tiff16_b/a0001-one.tif"
    write_prophoto(wrong, edited(linear[0:84, 0:120], "b"))  # 4 and 6 px off, 3.6 px after all
    first, _ = run(originals, tmp_path / "out")
    assert list(first.pictures) == ["input", *"acde"]
    assert list(first.left_out) == ["b"]
    assert "does not lie on the input: shifted by 3." in first.left_out["b"]
    assert not (tmp_path / "out/expert_b/a0001.png").exists()


def test_another_photo_is_left_out(originals: Path, tmp_path: Path) -> None:
    """Files that were mixed up do not become pairs."""
    one, two = (originals / f"img/tiff16_a/{n}.tif" for n in ("a0001-one", "a0002-two"))
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    for photo in run(originals, tmp_path / "out"):
        assert list(photo.left_out) == ["a"]


@pytest.mark.parametrize(("turns", "seed"), [(1, 1), (2, 2), (3, 3)])
def test_turned_pictures_are_turned_back(tmp_path: Path, turns: int, seed: int) -> None:
    """An expert's file that lies on its side, or upside down, is stood up like the input."""
    root = tmp_path / "fivek"
    linear = write_photo_of(root, "a0001-one", seed, "a")
    upright = edited(linear[4:88, 6:126], "c")
    write_prophoto(root / "img/tiff16_c/a0001-one.tif", np.rot90(upright, -turns))
    write_prophoto(root / "img/tiff16_d/a0001-one.tif", upright)
    (photo,) = run(root, tmp_path / "out")
    assert photo.left_out == {}
    assert photo.pictures["c"].quarter_turns == turns
    turned, straight = (
        read_photo(tmp_path / "out" / photo.pictures[role].path).pixels for role in "cd"
    )
    np.testing.assert_array_equal(turned, straight)


def test_a_portrait_negative(tmp_path: Path) -> None:
    """A camera held upright: the DNG says so, the experts' files are upright already."""
    root = tmp_path / "fivek"
    linear = write_photo_of(root, "a0001-one", 4, "")
    write_dng(root / "img/dng/a0001-one.dng", linear, crop=(6, 4, 120, 84), orientation=6)
    upright = np.rot90(edited(linear[4:88, 6:126], "a"), 3)
    write_prophoto(root / "img/tiff16_a/a0001-one.tif", upright)
    (photo,) = run(root, tmp_path / "out")
    assert (photo.width_px, photo.height_px) == (42, 60)
    assert photo.pictures["a"].quarter_turns == 0


def test_a_larger_frame_is_cut_to_the_inputs(tmp_path: Path) -> None:
    """An expert's file that kept one more pixel on each side is cut, not squeezed."""
    root = tmp_path / "fivek"
    linear = write_photo_of(root, "a0001-one", 5, "")
    write_prophoto(root / "img/tiff16_a/a0001-one.tif", edited(linear[3:89, 5:127], "a"))
    (photo,) = run(root, tmp_path / "out")
    assert photo.pictures["a"].shift_px == pytest.approx(0, abs=0.25)


def test_another_shape_is_left_out(originals: Path, tmp_path: Path) -> None:
    """A picture that was cropped to a square cannot be laid on the whole."""
    linear = scene(1, 92, 132)
    square = originals / "img/tiff16_d/a0001-one.tif"
    write_prophoto(square, edited(linear[4:88, 20:104], "d"))
    first, _ = run(originals, tmp_path / "out")
    assert first.left_out == {"d": f"{square}: has another shape than the input"}


def test_what_cannot_be_read_never_stops_the_rest(originals: Path, tmp_path: Path) -> None:
    """A damaged expert's file costs that version, a damaged negative the photo, nothing else."""
    (originals / "img/tiff16_e/a0001-one.tif").write_bytes(b"II*\0 half")
    (originals / "img/dng/a0002-two.dng").write_bytes(b"")
    first, second = run(originals, tmp_path / "out")
    assert list(first.pictures) == ["input", *"abcd"]
    assert "a0001-one.tif" in first.left_out["e"]
    assert second.pictures == {}
    assert "a0002-two.dng" in second.left_out["input"]


def test_a_second_run_develops_nothing(originals: Path, tmp_path: Path) -> None:
    """What is there and unchanged is kept, byte for byte and second for second."""
    out = tmp_path / "out"
    before = run(originals, out)
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    size = (out / "manifest.jsonl").stat().st_size
    assert run(originals, out, jobs=2) == before
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.png")} == stamps
    assert (out / "manifest.jsonl").stat().st_size == size


def test_a_new_or_changed_original_is_developed(originals: Path, tmp_path: Path) -> None:
    """An expert downloaded later joins, a file that was repaired too, one that broke goes."""
    out = tmp_path / "out"
    broken = originals / "img/tiff16_c/a0002-two.tif"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:100])
    assert list(run(originals, out)[1].pictures) == ["input", "a"]
    broken.write_bytes(whole)
    linear = scene(2, 92, 132)
    write_prophoto(originals / "img/tiff16_e/a0002-two.tif", edited(linear[4:88, 6:126], "e"))
    assert list(run(originals, out)[1].pictures) == ["input", *"ace"]
    broken.write_bytes(whole[:100])
    assert list(run(originals, out)[1].pictures) == ["input", *"ae"]
    assert not (out / "expert_c/a0002.png").exists()


def test_a_lost_picture_is_made_again(originals: Path, tmp_path: Path) -> None:
    """A deleted file is noticed always, a changed one of the same size when verifying."""
    out = tmp_path / "out"
    run(originals, out)
    lost, changed = out / "input/a0001.png", out / "expert_a/a0002.png"
    contents = lost.read_bytes(), changed.read_bytes()
    lost.unlink()
    changed.write_bytes(contents[1][:-1] + b"x")
    run(originals, out)
    assert lost.read_bytes() == contents[0]
    assert changed.read_bytes() != contents[1]
    run(originals, out, verify=True)
    assert changed.read_bytes() == contents[1]


def test_experts_and_ids_can_be_chosen(originals: Path, tmp_path: Path) -> None:
    """Only what was asked for is developed."""
    (photo,) = run(originals, tmp_path / "out", experts=["c", "d"], ids=["a0001"])
    assert list(photo.pictures) == ["input", "c", "d"]


def test_other_settings_need_another_folder(originals: Path, tmp_path: Path) -> None:
    """A set never mixes two kinds of pictures."""
    run(originals, tmp_path / "out")
    with pytest.raises(DataError, match="other settings"):
        run(originals, tmp_path / "out", Settings(bit_depth=16))


def test_exports_of_lightroom(tmp_path: Path) -> None:
    """Folders of finished small JPEGs become a set too."""
    root = tmp_path / "exports"
    for expert, folder in (("a", "input"), ("b", "expertB"), ("e", "Expert E/Export")):
        (root / folder).mkdir(parents=True)
        codes = (edited(scene(6, 84, 120), expert) ** (1 / 2.2) * 255).astype(np.uint8)
        Image.fromarray(codes).save(root / folder / "a0007-x.jpg", quality=95)
    (photo,) = run(root, tmp_path / "out")
    assert (photo.id, photo.width_px, list(photo.pictures)) == ("a0007", 60, ["input", *"be"])


def test_progress_counts_every_photo(originals: Path, tmp_path: Path) -> None:
    """The last report is of all photos, kept ones included."""
    seen: list[tuple[int, int, str]] = []
    for _ in range(2):
        run(originals, tmp_path / "out", on_photo=lambda n, of, p: seen.append((n, of, p.id)))
    assert [s[:2] for s in seen] == [(1, 2), (2, 2)] * 2
    assert {s[2] for s in seen} == {"a0001", "a0002"}


@pytest.mark.parametrize(
    "content", [b'{"format": 99}\n', b'{"format": 1}\n', b'{"format": 1, "settings": 3}\n']
)
def test_a_foreign_or_damaged_manifest_is_told(
    originals: Path, tmp_path: Path, content: bytes
) -> None:
    """It is neither overwritten nor guessed at."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/manifest.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=r"manifest\.jsonl"):
        run(originals, tmp_path / "out")


def test_no_set_is_no_set(tmp_path: Path) -> None:
    """Reading a folder that was never developed says so."""
    with pytest.raises(DataError, match="no developed set"):
        read_developed(tmp_path)


def test_a_bit_depth_that_is_none(originals: Path, tmp_path: Path) -> None:
    """Eight or sixteen; and at least one job."""
    with pytest.raises(ValueError, match="received 12"):
        Settings(bit_depth=12)
    with pytest.raises(ValueError, match=r"jobs.*0"):
        run(originals, tmp_path / "out", jobs=0)


def test_an_interrupt_is_passed_on(originals: Path, tmp_path: Path) -> None:
    """Ctrl-C ends the run; what was developed is in the manifest, and the next run goes on."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(originals, tmp_path / "out", on_photo=interrupt)
    assert len(read_developed(tmp_path / "out").photos) == 1
    assert len(run(originals, tmp_path / "out")) == 2


def test_a_folder_that_cannot_be_written_is_told(originals: Path, tmp_path: Path) -> None:
    """Trouble with the disk stops the run, with the file's name."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PhotoWriteError, match="file"):
        run(originals, tmp_path / "file/out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/input").write_text("in the way")
    with pytest.raises(PhotoWriteError, match=r"input/a000\d\.png"):
        run(originals, tmp_path / "out")


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """Signal 9 in the middle, then a second run: the same set as from one that was left alone."""
    root = tmp_path / "fivek"
    for n in range(1, 13):
        write_photo_of(root, f"a{n:04d}-x", n, "ab")
    program = (
        "import sys; from pathlib import Path\n"
        "from fivefold.data.develop import develop\n"
        "from fivefold.data.developed import Settings\n"
        "from fivefold.data.folders import find_renditions\n"
        "from fivefold.data.rendition import Size\n"
        "root = Path(sys.argv[1])\n"
        "develop(find_renditions(root), root, Path(sys.argv[2]),"
        " Settings(size=Size(long_side_px=60)))"
    )
    command = [sys.executable, "-c", program, str(root), str(tmp_path / "killed")]
    process = subprocess.Popen(command)
    manifest = tmp_path / "killed/manifest.jsonl"
    while not manifest.exists() or manifest.read_bytes().count(b"\n") < 4:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed = run(root, tmp_path / "killed")
    assert killed == run(root, tmp_path / "whole")
    for path in (tmp_path / "whole").rglob("*.png"):
        again = tmp_path / "killed" / path.relative_to(tmp_path / "whole")
        assert again.read_bytes() == path.read_bytes()
