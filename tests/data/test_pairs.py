"""Samples are what training thinks they are."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fivefold.data.pack import fivek_pairs, styled_pairs
from fivefold.data.pair import Pair
from fivefold.data.pairs import Draw, PairSet
from fivefold.data.simulate import Looks, apply_look
from fivefold.errors import DataError, PhotoReadError
from fivefold.photo import colour, profile
from fivefold.photo.files import write_photo
from fivefold.photo.image import Photo
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


def test_pictures_that_do_not_fit_are_decoded_for_each_draw(study_pack: Path) -> None:
    """With no memory to keep them samples are the same, and damage is told when it is drawn."""
    pairs = styled_pairs(study_pack, ["expert_e"])
    kept = PairSet(pairs, augment=True)
    anew = PairSet(pairs, augment=True, keep_bytes=0)
    for index in range(len(pairs)):
        assert torch.equal(kept[index].photo, anew[index].photo)
        assert torch.equal(kept[index].target, anew[index].target)
    pairs[3].target.write_bytes(b"no picture")
    with pytest.raises(PhotoReadError, match=pairs[3].target.name):
        anew[3]
    with pytest.raises(PhotoReadError, match=pairs[3].target.name):
        PairSet(pairs, augment=True)


def test_sixteen_bits_and_profiles_reach_training(tmp_path: Path) -> None:
    """16-bit codes keep their steps; a picture in a wider space is converted to sRGB."""
    codes = np.linspace(0, 65535, 16 * 16 * 3).reshape(16, 16, 3).astype(np.uint16)
    write_photo(Photo(codes), tmp_path / "fine.png")
    sample = PairSet([_itself(tmp_path / "fine.png")], augment=False)[0]
    np.testing.assert_allclose(
        sample.photo.permute(1, 2, 0).numpy(), codes / 65535, atol=1e-7, rtol=0
    )
    grey = np.full((16, 16, 3), 118, np.uint8)
    gamma = profile.build_rgb(
        colour.matrix_from_primaries([[0.64, 0.33], [0.21, 0.71], [0.15, 0.06]], colour.WHITE_D50),
        b"curv" + struct.pack(">IIH", 0, 1, 563),
        "gamma 2.2",
    )
    write_photo(Photo(grey, icc_profile=gamma), tmp_path / "wide.png")
    sample = PairSet([_itself(tmp_path / "wide.png")], augment=False)[0]
    linear = (118 / 255) ** (563 / 256)
    expected = 1.055 * linear ** (1 / 2.4) - 0.055
    np.testing.assert_allclose(sample.photo.numpy(), expected, atol=0.51 / 255)


def test_looks_are_fresh_each_epoch_and_the_same_again(study_pack: Path) -> None:
    """A pair with looks makes its input from the target: by seed, photo and epoch alone."""
    file = styled_pairs(study_pack, ["fivek_c"])[0].target
    pair = Pair("p", file, file, style="finished", kind="simulated", looks=Looks())
    drawn = PairSet([pair], augment=False, seed=3)
    first, later = drawn[Draw(0, epoch=0)], drawn[Draw(0, epoch=1)]
    assert not torch.equal(first.photo, later.photo)
    assert torch.equal(first.target, later.target)
    again = PairSet([pair], augment=False, seed=3)[Draw(0, epoch=1)]
    assert torch.equal(later.photo, again.photo)
    target = first.target.permute(1, 2, 0).numpy()
    look = apply_look(target, Looks().draw(3, "p", 0))
    np.testing.assert_allclose(first.photo.permute(1, 2, 0).numpy(), look, atol=0.51 / 255, rtol=0)


def _itself(path: Path) -> Pair:
    return Pair(path.name, path, path, style="itself", kind="real")
