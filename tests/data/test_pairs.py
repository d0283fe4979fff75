"""Samples are what training thinks they are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fivefold.data.pack import fivek_pairs, styled_pairs
from fivefold.data.pairs import Draw, Pair, PairSet
from fivefold.errors import DataError
from fivefold.photo.resize import thumbnail


def test_plain_sample_is_the_files_content(study_pack: Path) -> None:
    """Without augmentation a sample holds the decoded files, scaled to 0…1, and the mask."""
    pair = next(p for p in fivek_pairs(study_pack) if p.mask is not None)
    sample = PairSet([pair], augment=False)[0]
    pixels = np.asarray(Image.open(pair.input))
    np.testing.assert_allclose(sample.photo.permute(1, 2, 0).numpy(), pixels / 255, atol=1e-7)
    np.testing.assert_array_equal(sample.thumbnail.permute(1, 2, 0).numpy(), thumbnail(pixels))
    assert sample.mask[:8].sum() == 0
    assert sample.mask[8:].min() == 1


def test_augmentation_is_the_same_for_both_pictures(study_pack: Path) -> None:
    """Where the target is a pixelwise function of the input, it still is after crop and flip."""
    pairs = styled_pairs(study_pack, ["fivek_c"])
    drawn = PairSet(pairs, augment=True, smallest_crop=0.5)
    for index in range(len(pairs)):
        sample = drawn[index]
        expected = (sample.photo * 255 * 1.4).clamp(max=255).floor() / 255
        torch.testing.assert_close(sample.target, expected, atol=1.01 / 255, rtol=0)


def test_augmentation_depends_on_seed_epoch_and_index_only(study_pack: Path) -> None:
    """The same draw twice is equal; another epoch or seed draws something else."""
    pairs = styled_pairs(study_pack, ["fivek_c"])
    one, two = PairSet(pairs, augment=True, seed=1), PairSet(pairs, augment=True, seed=1)
    two[5]
    assert torch.equal(one[3].photo, two[3].photo)
    first = one[3].photo
    later = one[Draw(3, epoch=1)].photo
    assert first.shape != later.shape or not torch.equal(first, later)
    other = PairSet(pairs, augment=True, seed=2)[3].photo
    assert first.shape != other.shape or not torch.equal(first, other)


def test_sizes_that_differ_are_refused(tmp_path: Path) -> None:
    """A pair whose pictures differ in size is named, not trained on."""
    for name, size in (("a.png", (8, 8)), ("b.png", (8, 9))):
        Image.new("RGB", size).save(tmp_path / name)
    pair = Pair("a", tmp_path / "a.png", tmp_path / "b.png", style="c", kind="real")
    with pytest.raises(DataError, match=r"b\.png: its size differs"):
        PairSet([pair], augment=False)
