"""``fivefold.enhance`` takes whatever a program holds, and gives the same kind back."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fivefold
from fivefold.kernels.grid import Guide
from fivefold.photo.image import Photo
from fivefold.runtime import shortcut
from fivefold.runtime.bundle import write_bundle
from fivefold.runtime.enhancer import Enhancer
from tiny_bundle import FACTS, brightening, make_network

pytestmark = pytest.mark.usefixtures("shipped")


def pixels(dtype: str = "uint8", channels: tuple[int, ...] = (3,)) -> np.ndarray:
    values = np.random.default_rng(5).uniform(0.1, 0.6, (20, 30, *channels))
    return (values * (1 if dtype == "float32" else np.iinfo(dtype).max)).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [(), (3,), (4,)])
def test_arrays(dtype: str, channels: tuple[int, ...]) -> None:
    """Same shape and type, brighter, alpha untouched, the original as it was."""
    array = pixels(dtype, channels)
    before = array.copy()
    result = fivefold.enhance(array)
    assert (result.shape, result.dtype) == (array.shape, array.dtype)
    assert np.array_equal(array, before)
    colours = result[..., :3] if channels else result
    assert colours.mean() > 1.2 * (array[..., :3] if channels else array).mean()
    if channels == (4,):
        assert np.array_equal(result[..., 3], array[..., 3])


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P"])
def test_pil_images(mode: str) -> None:
    """A PIL image gives one of the same size and mode, with its info; palettes become full."""
    image = Image.fromarray(pixels()).convert(mode)
    image.info["dpi"] = (72, 72)
    result = fivefold.enhance(image)
    assert isinstance(result, Image.Image)
    assert (result.mode, result.size) == ("RGB" if mode == "P" else mode, image.size)
    assert result.info["dpi"] == (72, 72)
    assert np.asarray(result.convert("L")).mean() > 1.2 * np.asarray(image.convert("L")).mean()


def test_all_ways_agree(tmp_path: Path) -> None:
    """Path, photo, PIL image and array of the same picture give the same pixels."""
    array = pixels()
    path = tmp_path / "photo.png"
    Image.fromarray(array).save(path)
    expected = fivefold.enhance(array, strength=0.7)
    for given in (path, str(path), Photo(array)):
        result = fivefold.enhance(given, strength=0.7)
        assert isinstance(result, Photo)
        assert np.array_equal(result.pixels, expected)
    assert np.array_equal(
        np.asarray(fivefold.enhance(Image.fromarray(array), strength=0.7)), expected
    )


@pytest.mark.parametrize("kind", ["path", "array", "image"])
def test_the_result_can_be_written_as_well(tmp_path: Path, kind: str) -> None:
    """``output`` writes what is returned."""
    array = pixels()
    path = tmp_path / "photo.png"
    Image.fromarray(array).save(path)
    given = {"path": path, "array": array, "image": Image.fromarray(array)}[kind]
    target = tmp_path / "better.png"
    fivefold.enhance(given, output=target)
    assert np.array_equal(np.asarray(Image.open(target)), fivefold.enhance(array))


@pytest.mark.parametrize("name", ["photo.png", "link.png"])
def test_the_original_is_replaced_only_when_asked_to(tmp_path: Path, name: str) -> None:
    """An ``output`` that is the photo's own file, under whatever name, needs to be asked for."""
    path = tmp_path / "photo.png"
    Image.fromarray(pixels()).save(path)
    before = path.read_bytes()
    target = tmp_path / name
    if target != path:
        os.link(path, target)
    with pytest.raises(ValueError, match="must be another file than the photo, received"):
        fivefold.enhance(path, output=target)
    assert path.read_bytes() == target.read_bytes() == before
    expected = fivefold.enhance(path).pixels
    fivefold.enhance(path, output=path, overwrite_original=True)
    assert np.array_equal(np.asarray(Image.open(path)), expected)
    fivefold.enhance(pixels(), output=path)  # another file is replaced, as ever


@pytest.mark.parametrize("expert", ["a", "consensus=0.25,a=0.75", {"consensus": 1, "a": 3}])
def test_a_style_or_blend_can_be_asked_for(shipped: Path, expert: str | dict[str, float]) -> None:
    """``expert`` is what ``--expert`` is: a style, or a blend of several."""
    grids = make_network(brightening(), styles=2, style_gain=0.8)
    write_bundle(
        shipped / "consensus.fivefold",
        network=grids,
        guide=Guide.identity(),
        styles=("consensus", "a"),
        **FACTS,
    )
    array = pixels()
    result = fivefold.enhance(array, expert=expert)
    assert np.array_equal(result, Enhancer.load(expert=expert)(Photo(array)).pixels)
    assert result.mean() < 0.9 * fivefold.enhance(array).mean()
    with pytest.raises(ValueError, match="there is no 'z'"):
        fivefold.enhance(array, expert="z")


def test_other_things_are_refused() -> None:
    """The type that was received is named."""
    with pytest.raises(TypeError, match="received list"):
        fivefold.enhance([[1, 2, 3]])
    with pytest.raises(ValueError, match="received 2"):
        fivefold.enhance(pixels(), strength=2)


def test_an_output_of_another_kind_is_refused(tmp_path: Path) -> None:
    """A text is not written as a PNG of that name."""
    with pytest.raises(ValueError, match=r"\.txt files cannot be written, received .*x\.txt"):
        fivefold.enhance(pixels(), output=tmp_path / "x.txt")
    assert not (tmp_path / "x.txt").exists()


def test_the_bundle_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second call costs no loading."""
    fivefold.enhance(pixels())
    monkeypatch.setattr(shortcut.Enhancer, "load", lambda: pytest.fail("loaded again"))
    fivefold.enhance(pixels())
