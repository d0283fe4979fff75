from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from originals import scene, write_dng, write_prophoto

from fivefold.data.dng import develop_linear, read_dng_tags
from fivefold.errors import PhotoReadError

FLAT = np.full((64, 96, 3), (0.3, 0.2, 0.1))


def develop(path: Path, shortest_long_side_px: int = 96) -> np.ndarray:
    return develop_linear(path, shortest_long_side_px=shortest_long_side_px)[0]


def middle(pixels: np.ndarray) -> np.ndarray:
    return pixels[8:-8, 8:-8]


def test_colours_come_back(tmp_path: Path) -> None:
    """A flat scene develops to its own linear sRGB colour, within LibRaw's integer arithmetic."""
    linear = develop(write_dng(tmp_path / "a.dng", FLAT))
    assert linear.dtype == np.float32
    np.testing.assert_allclose(middle(linear), middle(FLAT), atol=2e-3)


def test_the_camera_white_balance_is_used(tmp_path: Path) -> None:
    """Whatever the camera records for white, its neutral makes it white again."""
    path = write_dng(tmp_path / "a.dng", FLAT, neutral=(0.5, 1.0, 0.7))
    np.testing.assert_allclose(middle(develop(path)), middle(FLAT), atol=2e-3)


def test_brightness_is_not_automatic(tmp_path: Path) -> None:
    """A scene half as bright develops half as bright."""
    dark = develop(write_dng(tmp_path / "a.dng", FLAT / 2))
    np.testing.assert_allclose(middle(dark), middle(FLAT) / 2, atol=2e-3)


@pytest.mark.parametrize("ev", [-1.0, 0.0, 0.35, 1.0])
def test_baseline_exposure_brightens_by_stops(tmp_path: Path, ev: float) -> None:
    """LibRaw leaves the tag alone, so it is applied here, exactly once."""
    path = write_dng(tmp_path / "a.dng", FLAT, baseline_exposure_ev=ev)
    assert read_dng_tags(path).baseline_exposure_ev == pytest.approx(ev, abs=1e-4)
    np.testing.assert_allclose(middle(develop(path)), middle(FLAT) * 2**ev, atol=4e-3)


def test_highlights_are_clipped_at_white(tmp_path: Path) -> None:
    """Nothing comes out above 1, and what was pushed beyond is 1."""
    linear = develop(write_dng(tmp_path / "a.dng", FLAT, baseline_exposure_ev=2.0))
    assert linear.max() == 1.0
    np.testing.assert_allclose(middle(linear)[0, 0], (1.0, 0.8, 0.4), atol=6e-3)


def test_a_dng_without_the_tags_is_taken_whole(tmp_path: Path) -> None:
    """No baseline exposure is 0 EV, and no crop is no crop."""
    path = write_dng(tmp_path / "a.dng", FLAT)
    assert read_dng_tags(path).crop == (0.0, 0.0, 1.0, 1.0)
    assert develop(path).shape == (64, 96, 3)


@pytest.mark.parametrize("sub_ifd", [False, True])
def test_the_default_crop_is_cut_out(tmp_path: Path, sub_ifd: bool) -> None:
    """LibRaw gives the whole active area; what the DNG calls its picture is cut out of it.

    The mosaic may lie in the first directory or, as Adobe writes it, in a sub-directory.
    """
    linear = scene(1, 64, 96)
    whole = develop(write_dng(tmp_path / "whole.dng", linear, sub_ifd=sub_ifd))
    path = write_dng(tmp_path / "cut.dng", linear, crop=(10, 6, 80, 52), sub_ifd=sub_ifd)
    np.testing.assert_array_equal(develop(path), whole[6:58, 10:90])


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_pictures_are_upright(tmp_path: Path, orientation: int, turns: int) -> None:
    """The crop is cut in the sensor's orientation and the picture turned afterwards."""
    linear = scene(2, 64, 96)
    lying = develop(write_dng(tmp_path / "1.dng", linear, crop=(10, 6, 80, 52)))
    path = write_dng(tmp_path / "n.dng", linear, crop=(10, 6, 80, 52), orientation=orientation)
    np.testing.assert_array_equal(develop(path), np.rot90(lying, turns))


def test_half_resolution_shows_the_same(tmp_path: Path) -> None:
    """Where detail is to spare, 2×2 blocks become pixels: half the size, the same picture."""
    path = write_dng(tmp_path / "a.dng", scene(3, 64, 96), crop=(16, 8, 64, 48))
    full, half = develop(path, 96), develop(path, 48)
    assert half.shape == (24, 32, 3)
    assert [develop_linear(path, shortest_long_side_px=s)[1] for s in (96, 48)] == [1, 2]
    blocks = full.reshape(24, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(middle(blocks) - middle(half)).mean() < 0.02


def test_a_crop_outside_of_the_picture_is_told(tmp_path: Path) -> None:
    """Damaged tags are damage, not an empty picture."""
    path = write_dng(tmp_path / "a.dng", FLAT, crop=(50, 6, 80, 52))
    with pytest.raises(PhotoReadError, match=r"a\.dng.*crop"):
        read_dng_tags(path)


@pytest.mark.parametrize("content", [b"", b"II*\0", b"hello" * 100])
def test_a_file_that_is_no_dng_is_told(tmp_path: Path, content: bytes) -> None:
    """The message is one line that names the file."""
    path = tmp_path / "a.dng"
    path.write_bytes(content)
    with pytest.raises(PhotoReadError, match=r"a\.dng") as caught:
        develop(path)
    assert "\n" not in str(caught.value)


def test_a_truncated_dng_is_told(tmp_path: Path) -> None:
    """Half a mosaic is no photo."""
    path = write_dng(tmp_path / "a.dng", FLAT)
    path.write_bytes(path.read_bytes()[:-6000])
    with pytest.raises(PhotoReadError, match=r"a\.dng"):
        develop(path)


def test_a_tiff_is_no_negative(tmp_path: Path) -> None:
    """A finished picture under the wrong name is not developed."""
    with pytest.raises(PhotoReadError, match=r"a\.dng: LibRaw"):
        develop(write_prophoto(tmp_path / "a.dng", FLAT))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(PhotoReadError, match=r"none\.dng"):
        develop(tmp_path / "none.dng")
