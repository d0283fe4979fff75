"""The study pack is read as its README describes it."""

from collections import Counter
from pathlib import Path

import pytest

from fivefold.data.pack import FOLDS, STYLED_TARGETS, fivek_pairs, fold_of, styled_pairs
from fivefold.errors import DataError


def test_fivek_pairs_carry_their_masks(study_pack: Path) -> None:
    """Reconstructed pairs have a mask, real ones none, and all files are there."""
    pairs = fivek_pairs(study_pack)
    assert Counter(p.kind for p in pairs) == {"real": 4, "reconstructed": 4}
    assert all((p.mask is not None) == (p.kind == "reconstructed") for p in pairs)
    assert all(p.input.exists() and p.target.exists() for p in pairs)


def test_styled_pairs_are_every_input_with_every_label(study_pack: Path) -> None:
    """Ten photos with six labels make sixty pairs; fewer targets make fewer."""
    assert len(styled_pairs(study_pack)) == 10 * len(STYLED_TARGETS)
    only = styled_pairs(study_pack, ["expert_e"])
    assert {p.style for p in only} == {"expert_e"}
    assert len({p.id for p in only}) == 10


def test_unknown_target_is_the_callers_mistake(study_pack: Path) -> None:
    """A label that does not exist is named."""
    with pytest.raises(ValueError, match="expert_z"):
        styled_pairs(study_pack, ["expert_z"])


def test_missing_index_and_column_are_named(study_pack: Path) -> None:
    """The message names the file, and the column that it lacks."""
    index = study_pack / "fivek_pairs/pairs.csv"
    index.write_text("id,input\na1,x.png\n")
    with pytest.raises(DataError, match=r"pairs\.csv: has no column expert_c, kind, mask"):
        fivek_pairs(study_pack)
    index.unlink()
    with pytest.raises(DataError, match=r"pairs\.csv: No such file"):
        fivek_pairs(study_pack)


def test_folds_are_even_and_fixed() -> None:
    """Folds hold about a fifth each, and a photo's fold never changes."""
    counts = Counter(fold_of(f"a{i:04}") for i in range(5000))
    assert sorted(counts) == list(range(FOLDS))
    assert all(900 < n < 1100 for n in counts.values())
    assert [fold_of(name) for name in ("a0001", "a2500", "a4999")] == [3, 1, 1]
