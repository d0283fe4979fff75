"""Adobe RGB that only EXIF states is honoured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from photo_samples import PROFILES, exif_of_adobe_rgb, pillow_file, random_photo, srgb_profile
from PIL import Image

from fivefold.photo import profile
from fivefold.photo.dcf import with_stated_profile
from fivefold.photo.files import encode_photo, read_photo
from fivefold.photo.image import Metadata

PICTURE = Image.fromarray(np.full((8, 8, 3), (200, 60, 90), np.uint8))


def stated(block: bytes, **options: object) -> bytes | None:
    return read_photo(pillow_file(PICTURE, "JPEG", exif=b"Exif\0\0" + block, **options)).icc_profile


def test_a_camera_s_adobe_rgb_gets_its_profile() -> None:
    """Its primaries and curve are Adobe RGB's, to the precision of a profile."""
    made = profile.matrix_profile(stated(exif_of_adobe_rgb()))
    known = profile.matrix_profile(PROFILES["Adobe RGB"])
    assert made.matrix == pytest.approx(known.matrix, abs=1e-4)
    codes = np.linspace(0, 1, 11)
    assert made.curves[0].to_linear(codes) == pytest.approx(
        known.curves[0].to_linear(codes), abs=1e-5
    )


def test_the_result_has_the_profile_and_still_says_so() -> None:
    """Written and read again, in the same format and in one that has no such rule."""
    photo = read_photo(pillow_file(PICTURE, "JPEG", exif=b"Exif\0\0" + exif_of_adobe_rgb()))
    for file_format in ("JPEG", "PNG", "TIFF", "WEBP"):
        back = read_photo(encode_photo(photo, format=file_format))
        assert back.icc_profile == photo.icc_profile
        assert b"R03" in back.metadata.exif


@pytest.mark.parametrize(
    "block",
    [exif_of_adobe_rgb(index="R98"), exif_of_adobe_rgb(colour_space=1), b"II*\0\x08\0\0\0R03"],
)
def test_what_states_srgb_or_nothing_stays_untagged(block: bytes) -> None:
    """Another index, ColorSpace 1, a block that is damaged."""
    assert stated(block) is None


def test_a_profile_in_the_file_counts_more() -> None:
    """What is embedded is not replaced."""
    assert stated(exif_of_adobe_rgb(), icc_profile=srgb_profile()) == srgb_profile()


def test_developed_camera_raw_is_srgb_whatever_the_camera_was_set_to() -> None:
    """It says so in a profile; formats that state their colours otherwise are left alone."""
    described = random_photo((8, 8), metadata=Metadata(exif_of_adobe_rgb()))
    raw = with_stated_profile(replace(described, format="RAW"))
    assert profile.is_srgb(raw.icc_profile)
    assert with_stated_profile(replace(described, format="PNG")).icc_profile is None
