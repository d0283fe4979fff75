from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fivefold.data.sets import open_set
from fivefold.errors import DataError, PhotoReadError
from fivefold.evaluate.cases import cases_of, cases_with_results, expert_cases


@dataclass
class Versions:
    """A photo of a set, without the package that reads sets."""

    id: str
    input: Path
    targets: dict[str, Path] = field(default_factory=dict)
    rendition: str = "test"
    mask: Path | None = None


def save(path: Path, code: int, size: tuple[int, int] = (20, 16)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (code, code, code)).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> list[Versions]:
    folder = tmp_path / "set"
    photos = [
        Versions(
            f"a000{n}",
            save(folder / f"in{n}.png", n),
            {f"expert_{e}": save(folder / f"{e}{n}.png", 10 * n) for e in "abc"},
        )
        for n in (1, 2)
    ]
    del photos[1].targets["expert_b"]
    mask = np.zeros((16, 20), np.uint8)
    mask[:, :5] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    photos[1].mask = folder / "mask.png"
    return photos


def test_each_photo_with_each_version(photos: list[Versions]) -> None:
    """Photo by photo, the input decoded once and shared by its cases."""
    cases = list(cases_of(photos))
    assert [(c.id, c.style) for c in cases] == [
        ("a0001", "expert_a"),
        ("a0001", "expert_b"),
        ("a0001", "expert_c"),
        ("a0002", "expert_a"),
        ("a0002", "expert_c"),
    ]
    assert cases[0].input is cases[2].input
    assert cases[0].kind == "test"
    assert cases[0].target.pixels[0, 0, 0] == 10


def test_masks_are_read(photos: list[Versions]) -> None:
    """White counts, black does not; no mask is no mask."""
    cases = list(cases_of(photos, ["expert_c"]))
    assert cases[0].mask is None
    assert cases[1].mask is not None
    assert cases[1].mask.sum() == 16 * 5


def test_photos_are_decoded_as_they_are_asked_for(photos: list[Versions]) -> None:
    """A set larger than memory is scored one photo at a time."""
    cases = cases_of(photos)
    next(cases)
    photos[1].input.write_bytes(b"")
    for _ in range(2):
        next(cases)
    with pytest.raises(PhotoReadError, match=r"in2\.png"):
        next(cases)


def test_failures_can_be_collected(photos: list[Versions]) -> None:
    """With somebody to tell, a damaged picture costs its cases alone."""
    photos[0].targets["expert_b"].write_bytes(b"")
    photos[1].input.unlink()
    failures: list[str] = []
    cases = list(cases_of(photos, on_failure=failures.append))
    assert [(c.id, c.style) for c in cases] == [("a0001", "expert_a"), ("a0001", "expert_c")]
    assert len(failures) == 2
    assert "b1.png" in failures[0]
    assert "in2.png" in failures[1]


def test_a_damaged_mask_is_no_full_mask(photos: list[Versions]) -> None:
    """Scoring pixels that nobody vouches for would be wrong; the photo is left out."""
    assert photos[1].mask is not None
    photos[1].mask.write_bytes(b"")
    failures: list[str] = []
    assert {c.id for c in cases_of(photos, on_failure=failures.append)} == {"a0001"}
    assert len(failures) == 1


@pytest.mark.parametrize("name", ["a0001.png", "a0001-jmac_DSC.jpg", "a0001_enhanced.tif"])
def test_results_of_other_programs(photos: list[Versions], tmp_path: Path, name: str) -> None:
    """A result is found by the photo's id, whatever was added to it."""
    save(tmp_path / "results" / name, 77)
    save(tmp_path / "results/a00011.png", 1)
    (case,) = cases_with_results(cases_of(photos[:1], ["expert_c"]), tmp_path / "results")
    assert abs(int(case.input.pixels[0, 0, 0]) - 77) <= 1
    assert case.target.pixels[0, 0, 0] == 10


def test_results_by_style(photos: list[Versions], tmp_path: Path) -> None:
    """A program that was told whose version to make has a folder for each."""
    for code, place in ((1, "expert_a/a0001.png"), (2, "expert_b/a0001.png"), (3, "a0001.png")):
        save(tmp_path / "results" / place, code)
    cases = cases_with_results(cases_of(photos[:1]), tmp_path / "results")
    assert [int(c.input.pixels[0, 0, 0]) for c in cases] == [1, 2, 3]


def test_missing_and_doubtful_results(photos: list[Versions], tmp_path: Path) -> None:
    """No result, or two, is told with the photo's id; others are scored if somebody listens."""
    results = tmp_path / "results"
    save(results / "a0001-x.png", 1)
    save(results / "a0001-y.png", 1)
    save(results / "a0002.png", 2)
    with pytest.raises(DataError, match=r"a0001, found a0001-x\.png, a0001-y\.png"):
        list(cases_with_results(cases_of(photos), results))
    failures: list[str] = []
    cases = cases_with_results(cases_of(photos), results, on_failure=failures.append)
    assert {c.id for c in cases} == {"a0002"}
    assert len(failures) == 3
    with pytest.raises(DataError, match="no folder"):
        list(cases_with_results(cases_of(photos), tmp_path / "gone"))


def test_every_two_experts(photos: list[Versions]) -> None:
    """Each two versions of a photo once, in the order asked for; what is missing is passed over."""
    styles = ["expert_c", "expert_a", "expert_b"]
    cases = list(expert_cases(photos, styles))
    assert [(c.id, c.style) for c in cases] == [
        ("a0001", "expert_c/expert_a"),
        ("a0001", "expert_c/expert_b"),
        ("a0001", "expert_a/expert_b"),
        ("a0002", "expert_c/expert_a"),
    ]
    with pytest.raises(ValueError, match="at least two"):
        list(expert_cases(photos, ["expert_a"]))


def test_sets_of_the_data_package_fit(study_pack: Path) -> None:
    """What the data package opens is what is scored, although neither knows the other."""
    cases = list(cases_of(open_set(study_pack).photos))
    assert len(cases) == 10 * 6 + 8
    assert sum(case.mask is not None for case in cases) == 4
