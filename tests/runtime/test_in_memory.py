"""Arrays and PIL images become photos and come back as the same kind of thing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from fivefold.photo import profile
from fivefold.runtime.in_memory import (
    array_of_photo,
    photo_of_array,
    photo_of_pil,
    pil_of_photo,
)

MODES = ["RGB", "RGBA", "L", "LA", "I;16"]


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    channels = draw(st.sampled_from([(), (3,), (4,)]))
    shape = (*draw(st.tuples(st.integers(1, 5), st.integers(1, 5))), *channels)
    dtype = draw(st.sampled_from(["uint8", "uint16", "float32"]))
    elements = st.floats(0, 1, width=32) if dtype == "float32" else None
    return draw(hnp.arrays(dtype, shape, elements=elements))


def picture(mode: str, size: tuple[int, int] = (7, 5)) -> Image.Image:
    random = np.random.default_rng(3)
    if mode == "I;16":
        return Image.fromarray(random.integers(0, 65536, size[::-1], np.uint16))
    channels = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,)}[mode]
    return Image.fromarray(random.integers(0, 256, (*size[::-1], *channels), np.uint8))


@settings(deadline=None)
@given(arrays())
def test_arrays_round_trip(array: np.ndarray) -> None:
    """Whatever shape and type an array has, it comes back with every value."""
    photo = photo_of_array(array)
    back = array_of_photo(photo)
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)
    assert photo.is_greyscale == (array.ndim == 2)
    assert (photo.alpha is not None) == (array.shape[2:] == (4,))


@pytest.mark.parametrize("shape", [(4,), (4, 4, 1), (4, 4, 2), (4, 4, 5), (0, 4, 3), (1, 4, 4, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    """The message says what is expected and what was received."""
    with pytest.raises(ValueError, match=r"\(H, W, 3\).*received shape"):
        photo_of_array(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("scale", [10, 255, 65535])
def test_floats_of_another_scale_are_refused(scale: float) -> None:
    """A float array whose values reach far beyond 1 would come out white, so it is refused."""
    array = np.linspace(0, scale, 48, dtype=np.float32).reshape(4, 4, 3)
    with pytest.raises(ValueError, match=f"must hold 0…1, received values up to {scale}"):
        photo_of_array(array)


@pytest.mark.parametrize("largest", [1.0, 1.3, 5.3])
def test_floats_may_overshoot(largest: float) -> None:
    """Sharpened edges, and all that HDR can show, are still taken for colours of 0…1."""
    array = np.linspace(-0.1, largest, 48, dtype=np.float32).reshape(4, 4, 3)
    assert np.array_equal(array_of_photo(photo_of_array(array)), array)


@pytest.mark.parametrize("dtype", ["float64", "int32", "bool", "object"])
def test_other_types_are_refused(dtype: str) -> None:
    """A float64 or int array has no agreed range, so it is not guessed."""
    with pytest.raises(TypeError, match=f"received {dtype}"):
        photo_of_array(np.zeros((4, 4, 3), dtype))


@pytest.mark.parametrize("mode", MODES)
def test_pil_images_round_trip(mode: str) -> None:
    """Mode, pixels and info come back; the photo knows grey, alpha and depth."""
    image = picture(mode)
    image.info["exif"] = b"Exif\0\0"
    image.info["dpi"] = (300, 300)
    photo = photo_of_pil(image)
    back = pil_of_photo(photo, image.info)
    assert (back.mode, back.size, back.info) == (mode, image.size, image.info)
    assert np.array_equal(np.asarray(back), np.asarray(image))
    assert photo.is_greyscale == (mode in ("L", "LA", "I;16"))
    assert (photo.alpha is not None) == mode.endswith("A")
    assert photo.bit_depth == (16 if mode == "I;16" else 8)


@pytest.mark.parametrize(
    ("mode", "transparent", "full"),
    [
        ("P", None, "RGB"),
        ("P", 3, "RGBA"),
        ("1", None, "L"),
        ("L", 3, "LA"),
        ("RGB", (1, 2, 3), "RGBA"),
    ],
)
def test_images_of_few_colours_become_full(mode: str, transparent: object, full: str) -> None:
    """Palettes, bitmaps and single transparent colours cannot hold the result as they are."""
    image = picture("RGB").convert(mode)
    if transparent is not None:
        image.info["transparency"] = transparent
    result = pil_of_photo(photo_of_pil(image), image.info)
    assert result.mode == full
    assert "transparency" not in result.info


def test_profiles_count_and_are_kept() -> None:
    """A colour profile is the photo's; a grey one becomes one of three channels, and comes back."""
    colour, grey = picture("RGB"), picture("L")
    colour.info["icc_profile"] = profile.srgb()
    assert photo_of_pil(colour).icc_profile == profile.srgb()
    grey.info["icc_profile"] = b"not a profile"
    assert photo_of_pil(grey).icc_profile is None
    assert pil_of_photo(photo_of_pil(grey), grey.info).info == grey.info


def test_a_profile_that_no_longer_holds_is_dropped() -> None:
    """A result in sRGB does not claim the profile of the original."""
    image = picture("RGB")
    result = pil_of_photo(photo_of_pil(image), {"icc_profile": b"another", "dpi": (72, 72)})
    assert result.info == {"dpi": (72, 72)}


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB", "HSV", "F", "I"])
def test_other_modes_are_refused(mode: str) -> None:
    """Modes that cannot come back as they were are not converted behind the caller's back."""
    with pytest.raises(ValueError, match=f"received mode {mode}"):
        photo_of_pil(Image.new(mode, (2, 2)))
