"""Photos beyond the limit of pixels, which can be moved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from fivefold.cli import main, parser
from fivefold.photo.files import read_photo, write_photo
from fivefold.photo.image import Photo
from fivefold.runtime.batch import Settings
from tiny_bundle import bundle_path, network

__all__ = ["bundle_path", "network"]

PIXELS = np.random.default_rng(1).integers(0, 255, (1100, 1000, 3)).astype(np.uint8)


def test_the_limit_of_the_command_is_that_of_the_library() -> None:
    """As long as nobody asks for another."""
    options = parser(("enhance",)).parse_args(["enhance", "x.jpg"])
    assert options.max_megapixels * 1_000_000 == Settings().max_pixels


def test_beyond_the_limit(
    tmp_path: Path, bundle_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A JPEG is refused in one line and enhanced under a higher limit; a TIFF goes in strips."""
    write_photo(Photo(PIXELS), tmp_path / "a.jpg")
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, photometric="rgb")
    command = ["enhance", "--bundle", str(bundle_path), "--max-megapixels"]
    assert main([*command, "1", str(tmp_path / "a.jpg")]) == 1
    assert "1000 × 1100 pixels are more than the limit of 1000000" in capsys.readouterr().err
    assert main([*command, "2", str(tmp_path / "a.jpg")]) == 0
    for megapixels in ("1", "2"):
        target = tmp_path / f"{megapixels}.tif"
        assert main([*command, megapixels, str(tmp_path / "a.tif"), "-o", str(target)]) == 0
    in_strips, whole = (read_photo(tmp_path / f"{n}.tif").pixels for n in (1, 2))
    assert np.array_equal(in_strips, whole)
