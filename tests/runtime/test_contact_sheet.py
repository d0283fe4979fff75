"""The contact sheet shows each photo before and after, as its profile means it."""

from __future__ import annotations

import numpy as np
import pytest

from fivefold.photo import colour, profile
from fivefold.photo.image import Photo
from fivefold.runtime.contact_sheet import contact_sheet


def flat(
    level: float, dtype: str = "uint8", size: tuple[int, int] = (60, 90), **facts: object
) -> Photo:
    scale = 1 if dtype == "float32" else np.iinfo(dtype).max
    return Photo(np.full((*size, 3), level * scale, dtype), **facts)


def levels(sheet: np.ndarray) -> dict[int, int]:
    """Grey levels of the sheet that cover at least a thousand pixels."""
    values, counts = np.unique(sheet, return_counts=True)
    return {int(v): int(n) for v, n in zip(values, counts, strict=True) if n > 1000}


def test_both_photos_of_a_pair_are_shown() -> None:
    """Before left of after, at their own size if they are small, on light paper."""
    sheet = np.asarray(contact_sheet([("a", flat(0.2), flat(0.6, "uint16"))]))
    shown = levels(sheet)
    assert shown[51] == shown[153] == 60 * 90 * 3
    assert np.argwhere(sheet == 51)[:, 1].max() < np.argwhere(sheet == 153)[:, 1].min()
    assert shown[250] > sheet.size / 2


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 2, 1), (2, 2, 1), (5, 2, 3), (3, 1, 3)])
def test_pairs_fill_rows(count: int, columns: int, rows: int) -> None:
    """The sheet is as high as its rows, and no wider than its pairs."""
    pairs = [("x", flat(0.1, size=(300, 100)), flat(0.9, size=(300, 100)))] * count
    sheet = contact_sheet(pairs, columns=columns, tile_px=120)
    assert sheet.height == rows * (120 + 22 + 16) + 16
    assert sheet.width == min(columns, count) * (244 + 16) + 16


def test_photos_are_shown_as_their_profile_means_them() -> None:
    """Linear light 0.2 is coded as sRGB; half-transparent black lies on white."""
    linear = profile.build_rgb(profile.SRGB_COLORANTS, profile.parametric_curve(1.0), "linear")
    photo = flat(0.2, "float32", icc_profile=linear)
    clear = flat(0.0, alpha=np.full((60, 90), 128, np.uint8))
    shown = levels(np.asarray(contact_sheet([("a", photo, clear)])))
    # 51 is 0.2 at 8 bits; the tile is reduced before it is converted.
    assert round(float(colour.linear_to_srgb(np.full(3, 51 / 255))[0]) * 255) in shown
    assert 127 in shown


def test_an_empty_sheet_is_a_mistake() -> None:
    """There is nothing to show."""
    with pytest.raises(ValueError, match="received 0"):
        contact_sheet([])
