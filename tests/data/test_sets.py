from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from originals import scene
from PIL import Image

from fivefold.data.develop import develop
from fivefold.data.developed import Settings
from fivefold.data.folders import find_renditions
from fivefold.data.parquet import write_parquet
from fivefold.data.rendition import Size
from fivefold.data.sets import check_photo, open_before_after, open_set
from fivefold.data.versions import PhotoVersions, to_pairs
from fivefold.errors import DataError


def save(path: Path, seed: int = 1, gain: float = 1.0, size: tuple[int, int] = (90, 60)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    codes = np.clip(scene(seed, size[1], size[0]) ** (1 / 2.2) * 255 * gain, 0, 255)
    Image.fromarray(codes.astype(np.uint8)).save(path)
    return path


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    root = tmp_path / "exports"
    for n in (1, 2):
        save(root / f"input/a000{n}-x.png", n)
        for expert in "ace":
            save(root / f"expert{expert.upper()}/a000{n}-x.png", n, 1.2)
    return root


def test_folders_of_experts(exports: Path) -> None:
    """An input folder beside folders of experts is a set, and what is odd about it is told."""
    save(exports / "expertB/a0009.png")
    save(exports / "misc/a0001.png")
    opened = open_set(exports)
    assert [photo.id for photo in opened.photos] == ["a0001", "a0002"]
    assert list(opened.photos[0].targets) == ["expert_a", "expert_c", "expert_e"]
    assert opened.remarks == [
        "a0009: has no input",
        f"{exports}/misc/a0001.png: lies in no folder of an expert or of inputs",
    ]


def test_a_developed_set(exports: Path, tmp_path: Path) -> None:
    """What was left out when developing is not in the set, and said."""
    save(exports / "expertE/a0002-x.png", seed=7)
    out = tmp_path / "out"
    develop(find_renditions(exports), exports, out, Settings(size=Size(long_side_px=90)))
    opened = open_set(out)
    assert opened.kind == "a developed set"
    assert [sorted(photo.targets) for photo in opened.photos] == [
        ["expert_a", "expert_c", "expert_e"],
        ["expert_a", "expert_c"],
    ]
    assert len(opened.remarks) == 1
    assert "a0002: " in opened.remarks[0]


def test_a_parquet_set(exports: Path, tmp_path: Path) -> None:
    """The same photos through another door."""
    pytest.importorskip("pyarrow")
    photos = open_set(exports).photos
    write_parquet(photos, tmp_path / "set")
    opened = open_set(tmp_path / "set")
    assert [(p.id, list(p.targets)) for p in opened.photos] == [
        (p.id, list(p.targets)) for p in photos
    ]


def test_before_and_after(tmp_path: Path) -> None:
    """Two folders are matched by name; who has no partner is told."""
    for folder, names in (("before", "ab"), ("after", "bc")):
        for name in names:
            save(tmp_path / folder / f"{name}.png")
    opened = open_set(tmp_path)
    assert [(p.id, list(p.targets), p.rendition) for p in opened.photos] == [
        ("b", ["target"], "before")
    ]
    assert [line.split(": ")[1] for line in opened.remarks] == ["has no partner"] * 2
    named = open_before_after(tmp_path / "after", tmp_path / "before", style="undone")
    assert list(named.photos[0].targets) == ["undone"]


def test_a_study_pack(study_pack: Path) -> None:
    """The pack opens like any other set; versions of one input are together."""
    opened = open_set(study_pack)
    assert opened.kind == "a study pack"
    styled = [photo for photo in opened.photos if photo.rendition == "styled"]
    assert len(styled) == 10
    assert all(len(photo.targets) == 6 for photo in styled)
    fivek = [photo for photo in opened.photos if photo.rendition != "styled"]
    assert len(fivek) == 8
    assert sum(photo.mask is not None for photo in fivek) == 4


def test_a_table(exports: Path) -> None:
    """A CSV of pairs is a set too."""
    table = exports / "pairs.csv"
    table.write_text(
        "photo,input,label\na1,input/a0001-x.png,expertA/a0001-x.png\n", encoding="utf-8"
    )
    (photo,) = open_set(table).photos
    assert (photo.id, list(photo.targets)) == ("a1", ["label"])


def test_nothing_is_no_set(tmp_path: Path) -> None:
    """A path that does not exist, and folders that hold nothing known, are told apart."""
    with pytest.raises(DataError, match="no such"):
        open_set(tmp_path / "gone")
    with pytest.raises(DataError, match="no folder"):
        open_set(tmp_path)
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
    save(tmp_path / "before/x.png")
    with pytest.raises(DataError, match=r"without a single photo.*x\.png: has no partner"):
        open_set(tmp_path)


def test_parts_of_a_set(exports: Path) -> None:
    """Ids and styles narrow a set; nothing left is an error, not an empty training run."""
    opened = open_set(exports)
    part = opened.only(ids={"a0002", "a0005"}, styles=["expert_e", "expert_b"])
    assert [(p.id, list(p.targets)) for p in part.photos] == [("a0002", ["expert_e"])]
    with pytest.raises(DataError, match="no photo"):
        opened.only(ids={"a0005"})
    with pytest.raises(DataError, match="no photo"):
        opened.only(styles=["expert_b"])


def test_pairs_for_training(exports: Path) -> None:
    """Each photo with each version, or with those asked for."""
    pytest.importorskip("torch")
    photos = open_set(exports).photos
    assert len(to_pairs(photos)) == 6
    pairs = to_pairs(photos, ["expert_c"])
    assert [(p.id, p.style, p.kind) for p in pairs] == [
        ("a0001", "expert_c", "exported"),
        ("a0002", "expert_c", "exported"),
    ]
    with pytest.raises(ValueError, match="expert_b"):
        to_pairs(photos, ["expert_b"])


def test_a_good_photo_has_no_problems(exports: Path) -> None:
    """Retouching is no misalignment."""
    assert [check_photo(photo) for photo in open_set(exports).photos] == [[], []]


def test_problems_are_found(tmp_path: Path) -> None:
    """Another size, another photo, and a damaged file are each told with the file's name."""
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    photo = PhotoVersions(
        "x",
        save(tmp_path / "input.png", 1),
        {
            "size": save(tmp_path / "small.png", 1, size=(80, 60)),
            "other": save(tmp_path / "other.png", 2),
            "broken": broken,
            "good": save(tmp_path / "good.png", 1, 0.8),
        },
    )
    small, other, damaged = check_photo(photo)
    assert small.endswith("small.png: is 80×60, its input 90×60")
    assert "other.png: does not lie on its input" in other
    assert "broken.png" in damaged
    assert len(check_photo(PhotoVersions("y", broken))) == 1


def test_opening_a_set_needs_no_torch(exports: Path) -> None:
    """Downloading, developing and checking a set work without the training extra."""
    program = (
        "import sys; from pathlib import Path\n"
        "from fivefold.data.sets import open_set, check_photo\n"
        "import fivefold.data.download, fivefold.data.develop, fivefold.data.parquet\n"
        "check_photo(open_set(Path(sys.argv[1])).photos[0])\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(exports)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
