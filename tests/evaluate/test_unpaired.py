"""Steadiness and artefacts: each figure finds what it is made for, and nothing in its absence."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from command_line import Command
from fivefold.evaluate.artefacts import artefacts, ramp_faults
from fivefold.evaluate.benchmark import untouched
from fivefold.evaluate.steadiness import (
    FAMILIES,
    exposed,
    recompressed,
    saturated,
    shifted_in_temperature,
    steadiness,
    variants,
)
from fivefold.evaluate.unpaired import judge_unpaired
from fivefold.kernels.grid import BilateralGrid
from fivefold.photo.image import Photo
from fivefold.runtime.enhancer import Enhancer

Codes = NDArray[np.uint8]


@pytest.fixture(scope="module")
def scene() -> Codes:
    """A smooth sky above a skin-coloured ground with edges, 96 × 128."""
    y, x = np.mgrid[0:96, 0:128]
    sky = np.stack([70 + y, 110 + y, 190 + y * 0.5], 2)
    ground = np.stack([150 + 30 * (x // 9 % 2), 110 + 24 * (x // 9 % 2), 90 + 20 * (x // 9 % 2)], 2)
    return np.where((y < 48)[..., None], sky, ground).astype(np.uint8)


def _constant(_: Photo) -> Photo:
    return Photo(np.full((64, 64, 3), 90, np.uint8))


def test_untouched_photos_have_no_artefacts(scene: Codes) -> None:
    """A photo that is its own result has every figure at its zero point."""
    found = artefacts(scene, scene)
    assert found.reversed_edges == found.new_clipping == found.sky_hue == found.skin_hue == 0
    assert found.cells == 1.0


def test_reversed_edges_are_found(scene: Codes) -> None:
    """A negative reverses every edge that is there; a plain brightening none."""
    assert artefacts(scene, 255 - scene).reversed_edges > 0.95
    brighter = np.minimum(scene.astype(int) + 20, 255).astype(np.uint8)
    assert artefacts(scene, brighter).reversed_edges == 0


def test_new_clipping_is_found(scene: Codes) -> None:
    """Only pixels that were within their range and no longer are count."""
    result = scene.copy()
    result[:24, :, 2] = 255
    assert artefacts(scene, result).new_clipping == pytest.approx(0.25)
    assert artefacts(result, result).new_clipping == 0


def test_visible_cells_are_found() -> None:
    """A gain that bends on the grid's lines is told from one that bends everywhere alike."""
    flat = np.full((256, 256, 3), 100, np.uint8)
    centres = (np.arange(16) + 0.5) * 16 - 0.5
    zigzag = np.interp(np.arange(256), centres, np.where(np.arange(16) % 2, 60, -20))
    smooth = 40 * np.sin(np.arange(256) / 7)
    for gain, found in ((zigzag, True), (smooth, False)):
        result = np.rint(flat + gain[:, None, None]).astype(np.uint8)
        assert (artefacts(flat, result).cells > 2) is found


def test_turned_hues_are_found(scene: Codes) -> None:
    """Mixing green into the sky turns blue pixels only."""
    result = scene.copy()
    result[:48, :, 1] += 25
    found = artefacts(scene, result)
    assert found.sky_hue > 5
    assert found.skin_hue == 0


def test_lost_white_is_found(scene: Codes) -> None:
    """By its darkest channel, on the pixels that were white only; none where nothing was."""
    assert np.isnan(artefacts(scene, scene).lost_white)
    with_white = scene.copy()
    with_white[:10] = 255
    result = with_white.copy()
    result[:10] = 250, 240, 245
    result[:5] = 255
    result[20:] //= 2
    assert artefacts(with_white, result).lost_white == 5
    assert artefacts(with_white, with_white).lost_white == 0


def test_pictures_that_cannot_be_compared_are_refused(scene: Codes) -> None:
    """Other shapes, or fewer pixels than a grid needs, raise an error with what was received."""
    with pytest.raises(ValueError, match="shapes must be equal"):
        artefacts(scene, scene[1:])
    with pytest.raises(ValueError, match="64 pixels or more"):
        artefacts(scene[:32], scene[:32])


def test_ramps_show_bands_and_reversals() -> None:
    """Rounding to few levels makes large steps, a fold makes the ramp run backwards."""

    def banded(photo: Photo) -> Photo:
        return photo.with_pixels((photo.pixels // 4096 * 4096).astype(np.uint16))

    def folded(photo: Photo) -> Photo:
        value = photo.pixels.astype(np.int64)
        return photo.with_pixels(
            np.where(value > 40000, 80000 - value, value).clip(0).astype(np.uint16)
        )

    assert ramp_faults(untouched).largest_step < 1.5
    assert ramp_faults(untouched).reversed_steps == 0
    assert ramp_faults(banded).largest_step > 100
    assert ramp_faults(folded).reversed_steps > 0.2


def test_variants_are_what_their_names_say(scene: Codes) -> None:
    """Stops double the light, grey keeps its hue at any saturation, kelvins turn white blue."""
    grey = np.full((8, 8, 3), 100, np.uint8)
    twice = ((100 / 255 + 0.055) / 1.055) ** 2.4 * 2
    assert exposed(grey, 1.0)[0, 0, 0] == round(255 * (1.055 * twice ** (1 / 2.4) - 0.055))
    assert np.array_equal(saturated(grey, 0.5), grey)
    assert np.array_equal(shifted_in_temperature(grey, 0.0), grey)
    red, _, blue = shifted_in_temperature(grey, 800.0)[0, 0].astype(int)
    assert blue > 100 > red
    red, _, blue = shifted_in_temperature(grey, -800.0)[0, 0].astype(int)
    assert blue < 100 < red
    assert recompressed(scene, 40).shape == scene.shape
    assert {family for family, _, _ in variants(scene)} == set(FAMILIES)


def test_steadiness_tells_models_apart(scene: Codes) -> None:
    """An untouched photo keeps all differences; a model that always makes one picture, none."""
    for seen in steadiness(untouched, scene, "scene"):
        assert seen.after == seen.before > 0
    for seen in steadiness(_constant, scene, "scene"):
        assert seen.after == 0 < seen.before
        assert seen.held is None


def test_what_a_retouch_magnifies_is_told_from_what_is_decided_anew(
    scene: Codes, bundle_path: Path
) -> None:
    """A model whose retouch never depends on the photo differs by just what that magnifies."""

    class Stubborn(Enhancer):
        def predict(self, _: Photo) -> BilateralGrid:
            return replace(first, coefficients=2 * first.coefficients)

    model = Enhancer.load(bundle_path)
    first = model.predict(Photo(scene))
    stubborn = Stubborn(model.bundle)
    for seen in steadiness(stubborn, scene, "scene"):
        assert seen.held == seen.after != seen.before
    judged = [seen.held for seen in steadiness(model, scene, "scene")]
    assert None not in judged


def test_a_folder_is_judged_and_failures_stop_nothing(scene: Codes, tmp_path: Path) -> None:
    """Every readable photo has its record; the others are named with the reason."""
    Image.fromarray(scene).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    judged = judge_unpaired(untouched, sorted(tmp_path.iterdir()), name="untouched")
    assert [photo.name for photo in judged.photos] == ["a.png"]
    assert len(judged.failures) == 1
    assert "b.png" in judged.failures[0]
    assert judged.changes().tolist() == [0]
    families = judged.families()
    assert families["exposure"].before == families["exposure"].after
    assert families["exposure"].held is None
    counts = {"exposure": 6, "temperature": 4, "saturation": 2, "jpeg": 3}
    mean = sum(families[family].before.mean * n for family, n in counts.items()) / 15
    assert families["all"].before.mean == pytest.approx(mean)
    assert "| exposure |" in judged.markdown()
    assert "| change (ΔE2000) | 0.00 | 0.00 | 0.00 |" in judged.markdown()
    header, row = judged.csv().splitlines()
    assert header.startswith("photo,change,reversed_edges,")
    assert len(row.split(",")) == len(next(csv.reader([header])))
    assert replace(judged, photos=[]).csv() == ""


def test_the_command_judges_without_retouched_versions(
    fivefold: Command, scene: Codes, bundle_path: Path, tmp_path: Path
) -> None:
    """``evaluate --unpaired`` prints tables or JSON, writes a CSV, and refuses what it cannot."""
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(scene).save(photos / "a.png")
    done = fivefold("evaluate", photos, bundle_path, "--unpaired", "--csv", tmp_path / "scores")
    assert done.code == 0
    assert "| temperature |" in done.out
    assert "with the photo's retouch" in done.out
    assert next((tmp_path / "scores").iterdir()).read_text().startswith("photo,change,")
    done = fivefold("evaluate", photos, "untouched", "--unpaired", "--json")
    facts = json.loads(done.out)
    assert facts["change"] == {"mean": 0, "worst": 0}
    assert facts["steadiness"]["jpeg"]["before"] == facts["steadiness"]["jpeg"]["after"]
    assert facts["steadiness"]["jpeg"]["held"] is None
    assert fivefold("evaluate", photos, "experts", "--unpaired").code == 2
    assert fivefold("evaluate", tmp_path / "none", "untouched", "--unpaired").code != 0
