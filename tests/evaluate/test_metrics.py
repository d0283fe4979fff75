from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import color

from fivefold.evaluate.metrics import delta_e_76, delta_e_2000, psnr, score, ssim
from fivefold.photo.colour import srgb_to_lab

PICTURES = arrays(np.uint8, (13, 15, 3), elements=st.integers(0, 255))


def picture(seed: int = 0, height: int = 24, width: int = 30) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def grey(code: int) -> np.ndarray:
    return np.full((16, 16, 3), code, np.uint8)


def test_psnr_by_hand() -> None:
    """An error of 10 codes everywhere is 20 log₁₀(25.5) dB; of 255, 0 dB; of none, infinite."""
    assert psnr(grey(100), grey(110)) == pytest.approx(20 * np.log10(25.5))
    assert psnr(grey(0), grey(255)) == 0
    assert psnr(grey(7), grey(7)) == float("inf")


def test_delta_e_by_hand() -> None:
    """Black and white are 100 apart in both measures; greys differ by L* alone in CIE 1976."""
    assert delta_e_76(grey(0), grey(255)) == pytest.approx(100, abs=0.01)
    assert delta_e_2000(grey(0), grey(255)) == pytest.approx(100, abs=0.01)
    lightness = [srgb_to_lab(np.full(3, code / 255))[0] for code in (100, 120)]
    assert delta_e_76(grey(100), grey(120)) == pytest.approx(lightness[1] - lightness[0], abs=0.01)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_ciede2000_matches_published_values(
    one: tuple[float, ...], other: tuple[float, ...], expected: float
) -> None:
    """The measure is the one of Sharma, Wu and Dalal's test data (2005)."""
    assert color.deltaE_ciede2000(one, other) == pytest.approx(expected, abs=1e-4)


def test_ssim_of_constant_pictures_by_hand() -> None:
    """Without structure only the luminance term is left: (2ab + C₁) / (a² + b² + C₁)."""
    a, b, c1 = 100.0, 150.0, (0.01 * 255) ** 2
    expected = (2 * a * b + c1) / (a * a + b * b + c1)
    assert ssim(grey(100), grey(150)) == pytest.approx(expected)


@given(PICTURES, PICTURES)
@settings(max_examples=25)
def test_measures_are_symmetric(one: np.ndarray, other: np.ndarray) -> None:
    """Which of two pictures is the target changes no measure."""
    there, back = score(one, other), score(other, one)
    for name, value in vars(there).items():
        assert value == pytest.approx(getattr(back, name), rel=1e-6, abs=1e-9)


@given(PICTURES)
@settings(max_examples=25)
def test_a_picture_equals_itself(pixels: np.ndarray) -> None:
    """Equal pictures score perfectly in every measure."""
    scores = score(pixels, pixels)
    assert scores.psnr == float("inf")
    assert scores.ssim == pytest.approx(1)
    assert scores.delta_e_76 == 0
    assert scores.delta_e_2000 == pytest.approx(0, abs=1e-9)


def test_a_mask_leaves_pixels_out() -> None:
    """Only masked pixels count: the scores are those of the picture without the others."""
    target = picture(1)
    result = target.copy()
    result[:, 15:] ^= 255
    mask = np.zeros(target.shape[:2], bool)
    mask[:, :9] = True  # so far left that no SSIM window reaches the changed half
    scores = score(result, target, mask)
    assert scores.psnr == float("inf")
    assert scores.ssim == pytest.approx(1)
    assert scores.delta_e_76 == scores.delta_e_2000 == 0
    assert score(result, target, ~mask).psnr < 10


def test_a_full_mask_changes_nothing() -> None:
    """A mask of everything is no mask."""
    one, other = picture(1), picture(2)
    assert score(one, other, np.ones(one.shape[:2], bool)) == score(one, other)


def test_score_is_its_parts() -> None:
    """Together or alone, the measures are the same."""
    one, other = picture(3), picture(4)
    scores = score(one, other)
    assert scores.psnr == psnr(one, other)
    assert scores.ssim == ssim(one, other)
    assert scores.delta_e_76 == delta_e_76(one, other)
    assert scores.delta_e_2000 == delta_e_2000(one, other)


def test_mistakes_are_told() -> None:
    """Shapes, types, masks and sizes that do not fit."""
    with pytest.raises(ValueError, match="shapes must be equal"):
        psnr(picture(), picture()[1:])
    with pytest.raises(TypeError, match="float64"):
        ssim(picture() / 255, picture() / 255)
    with pytest.raises(ValueError, match=r"mask must be \(24, 30\)"):
        delta_e_76(picture(), picture(), np.ones((3, 3), bool))
    with pytest.raises(ValueError, match="received none"):
        delta_e_2000(picture(), picture(), np.zeros((24, 30), bool))
    with pytest.raises(ValueError, match="received 30×10"):
        ssim(picture()[:10], picture()[:10])
