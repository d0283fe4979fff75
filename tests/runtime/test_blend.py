"""Blends of styles: what people may write, and what it comes to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivefold.runtime.blend import blend_weights, blended, parse_blend

STYLES = ["consensus", "a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "blend"),
    [
        ("a", {"a": 1.0}),
        ("a=0.5,c=0.5", {"a": 0.5, "c": 0.5}),
        (" a = 1 , consensus=-.25 ", {"a": 1.0, "consensus": -0.25}),
    ],
)
def test_blends_are_read(text: str, blend: dict[str, float]) -> None:
    """A style alone, or styles with weights, with or without spaces."""
    assert parse_blend(text) == blend


@pytest.mark.parametrize("text", ["", "a=", "a=x", "a=inf", "a=nan", "=1", "a,,b", "a=1=2"])
def test_what_is_no_blend_is_refused(text: str) -> None:
    """The message tells what is expected and what was received."""
    with pytest.raises(ValueError, match="expected a style, or NAME=WEIGHT"):
        parse_blend(text)


def test_impossible_blends_are_refused() -> None:
    """A style named twice, one that is not there, and weights that cancel."""
    with pytest.raises(ValueError, match="named twice"):
        parse_blend("a,a")
    with pytest.raises(ValueError, match="there is no 'd', 'e'"):
        blend_weights("d,a,e", STYLES)
    with pytest.raises(ValueError, match="must have a sum"):
        blend_weights("a=1,b=-1", STYLES)
    with pytest.raises(ValueError, match="must have a sum"):
        blend_weights({}, STYLES)


def test_the_first_style_is_the_default() -> None:
    """Nothing asked for is the first style alone."""
    assert blend_weights(None, STYLES).tolist() == [1, 0, 0, 0]


@given(st.dictionaries(st.sampled_from(STYLES), st.floats(0.01, 100), min_size=1))
def test_weights_have_a_sum_of_one_and_keep_their_ratios(blend: dict[str, float]) -> None:
    """Weights count relative to their sum, and come in the order of the styles."""
    weights = blend_weights(blend, STYLES)
    assert np.isclose(weights.sum(), 1, atol=1e-6)
    total = sum(blend.values())
    for style, weight in zip(STYLES, weights, strict=True):
        assert np.isclose(weight, blend.get(style, 0) / total, atol=1e-6)


@pytest.mark.parametrize("blend", ["c", "a=0.5,c=0.5", "consensus=2,b=-1"])
def test_grids_are_blended(blend: str) -> None:
    """One style is its grid, to the bit; several are the weighted sum. The result is contiguous."""
    grids = np.random.default_rng(0).normal(size=(2, 3, 5, 12, 4)).astype(np.float32)
    grids = grids.transpose(4, 3, 0, 1, 2)
    weights = blend_weights(blend, STYLES)
    result = blended(grids, weights)
    assert result.flags.c_contiguous
    np.testing.assert_allclose(result, np.einsum("s,s...", weights, grids), rtol=1e-5, atol=1e-6)
    if blend == "c":
        assert (result == grids[3]).all()
