"""A TIFF enhanced a band at a time is the same as one enhanced whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from fivefold.errors import PhotoReadError, UnsupportedPhotoError
from fivefold.photo import colour, profile
from fivefold.photo.files import read_photo
from fivefold.photo.resize import BandedAverage, area_average
from fivefold.photo.tiff_bands import BAND_ROWS, TiffBands
from fivefold.runtime.batch import Settings, enhance_files
from fivefold.runtime.enhancer import Enhancer
from fivefold.runtime.plan import Task

HEIGHT_PX, WIDTH_PX = 3 * BAND_ROWS + 5, 83
WIDE_GAMUT = profile.build_rgb(
    colour.matrix_from_primaries([[0.73, 0.27], [0.16, 0.84], [0.04, 0.01]], colour.WHITE_D50),
    profile.parametric_curve(1.8, 1.0, 0.0, 1 / 16, 1 / 32),
    "wide",
)
LAYOUTS: dict[str, dict[str, Any]] = {
    "one strip": {},
    "strips": {"rowsperstrip": 7, "compression": "adobe_deflate", "predictor": 2},
    "high strips": {"rowsperstrip": 150, "compression": "lzw"},
    "tiles": {"tile": (48, 32), "compression": "adobe_deflate"},
    "plain tiles": {"tile": (16, 16)},
    "big endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True, "compression": "adobe_deflate"},
}


def noise(kind: str) -> np.ndarray:
    shape = (HEIGHT_PX, WIDTH_PX, 3)
    return np.random.default_rng(3).integers(0, np.iinfo(kind).max, shape).astype(kind)


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_bands_are_the_rows_of_the_photo(tmp_path: Path, layout: str, kind: str) -> None:
    """However the file lays them out, in bands of the height that is promised."""
    path, pixels = tmp_path / "a.tif", noise(kind)
    tifffile.imwrite(path, pixels, photometric="rgb", **LAYOUTS[layout])
    bands = [*TiffBands(path, threads=2).bands()]
    assert [len(band) for band in bands] == [BAND_ROWS] * 3 + [5]
    assert np.array_equal(np.concatenate(bands), pixels)


@pytest.mark.parametrize("with_profile", [False, True])
@pytest.mark.parametrize("bit_depth", [None, 8, 16])
def test_the_result_is_that_of_the_whole_photo(
    tmp_path: Path,
    enhancer: Enhancer,
    with_profile: bool,
    bit_depth: int | None,
) -> None:
    """Pixels to the last bit, profile and metadata."""
    source = tmp_path / "a.tif"
    tag = WIDE_GAMUT if with_profile else None
    tifffile.imwrite(source, noise("uint16"), photometric="rgb", iccprofile=tag, software="X")
    results = []
    for name, limit in (("whole.tif", 1 << 30), ("banded.tif", 1000)):
        settings = Settings(strength=0.7, bit_depth=bit_depth, max_pixels=limit)
        (outcome,) = enhance_files([Task(source, tmp_path / name)], lambda: enhancer, settings)
        assert outcome.error is None
        results.append(read_photo(tmp_path / name))
    whole, banded = results
    assert banded.pixels.dtype == whole.pixels.dtype
    assert np.array_equal(banded.pixels, whole.pixels)
    assert banded.icc_profile == whole.icc_profile
    assert banded.metadata == whole.metadata


def test_the_thumbnail_of_bands_is_that_of_the_whole() -> None:
    """Whatever the height of the bands."""
    pixels = noise("uint8")
    expected = area_average(pixels, 64, 64)
    for rows in (1, 7, 64, 500):
        average = BandedAverage(pixels.shape, 64, 64)
        for top in range(0, len(pixels), rows):
            average.add(pixels[top : top + rows])
        assert np.abs(average.result() - expected).max() < 1e-6


@pytest.mark.parametrize("layout", ["one strip", "strips", "tiles"])
def test_a_truncated_file_leaves_no_result(tmp_path: Path, enhancer: Enhancer, layout: str) -> None:
    """It is told in one line with the file's name."""
    source = tmp_path / "a.tif"
    tifffile.imwrite(source, noise("uint8"), photometric="rgb", **LAYOUTS[layout])
    content = bytearray(source.read_bytes())
    source.write_bytes(content[: len(content) * 3 // 4])
    task, settings = Task(source, tmp_path / "b.tif"), Settings(max_pixels=1000)
    (outcome,) = enhance_files([task], lambda: enhancer, settings)
    assert outcome.error is not None
    assert outcome.message.startswith(str(source))
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize(
    ("pixels", "given"),
    [
        (np.zeros((80, 80), np.uint8), {"photometric": "minisblack"}),
        (np.zeros((80, 80, 4), np.uint8), {"photometric": "rgb", "extrasamples": [2]}),
        (np.zeros((80, 80, 3), np.float32), {"photometric": "rgb"}),
        (np.zeros((3, 80, 80), np.uint8), {"photometric": "rgb", "planarconfig": "separate"}),
    ],
    ids=["grey", "alpha", "floating point", "planes"],
)
def test_other_kinds_are_refused(tmp_path: Path, pixels: np.ndarray, given: dict[str, Any]) -> None:
    """What is not read in bands is not read wrongly."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, **given)
    with pytest.raises(UnsupportedPhotoError):
        TiffBands(path, threads=1)


def test_what_is_no_tiff_is_refused(tmp_path: Path) -> None:
    """By the same error as elsewhere."""
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0" + bytes(3))
    with pytest.raises(PhotoReadError):
        TiffBands(path, threads=1)
