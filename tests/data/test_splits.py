from __future__ import annotations

import hashlib

import pytest

from fivefold.data.splits import SPLITS, part_of, split_ids, split_parts

LUT3D_TEST_SHA256 = "2d70c95af09d5cd255de8e19d3d2fc68dace25a772bd59fbadf3b97a3a99d09b"
SIZES = {
    "lut3d": {"train": 4500, "test": 498},
    "dpe": {"train": 2250, "unpaired_target": 2250, "test": 500},
    "upe": {"train": 4500, "test": 500},
}


@pytest.mark.parametrize("split", SPLITS)
def test_parts_have_their_published_sizes_and_do_not_overlap(split: str) -> None:
    """Every photo is in at most one part, and the counts are those that papers state."""
    parts = split_parts(split)
    assert {name: len(ids) for name, ids in parts.items()} == SIZES[split]
    everything = [photo_id for ids in parts.values() for photo_id in ids]
    assert len(set(everything)) == len(everything)
    assert set(everything) <= {f"a{n:04d}" for n in range(1, 5001)}


def test_known_members() -> None:
    """Facts that can be checked by hand against the published lists."""
    assert part_of("a0004", "lut3d") == "test"
    assert part_of("a2250", "dpe") == "train"
    assert part_of("a2251", "dpe") == "unpaired_target"
    assert [part_of(i, "upe") for i in ("a4500", "a4501")] == ["train", "test"]
    assert part_of("a9999", "upe") is None
    listed = {photo_id for ids in split_parts("lut3d").values() for photo_id in ids}
    assert len({f"a{n:04d}" for n in range(1, 5001)} - listed) == 2


def test_the_irregular_list_is_unchanged() -> None:
    """The test list of the 3D-LUT family has no rule behind it: its hash guards it."""
    ids = "\n".join(sorted(split_ids("lut3d", "test"))).encode()
    assert hashlib.sha256(ids).hexdigest() == LUT3D_TEST_SHA256


def test_unknown_names_are_refused() -> None:
    """The message says what there is."""
    with pytest.raises(ValueError, match=r"lut3d.*received 'hdrnet'"):
        split_parts("hdrnet")
    with pytest.raises(ValueError, match=r"train.*received 'val'"):
        split_ids("upe", "val")
