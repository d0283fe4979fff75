from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from originals import scene, write_prophoto
from PIL import Image

from fivefold.data.rendition import Size
from fivefold.data.sets import check_photo, open_set
from fivefold.data.simulate import FIELD_COLUMNS, FIELD_ROWS, Look, Looks, apply_look, light_field
from fivefold.data.simulated import Simulation, simulate_folder
from fivefold.errors import DataError, PhotoWriteError
from fivefold.photo.colour import linear_to_srgb, srgb_to_linear
from fivefold.photo.files import read_photo

KNOTS = FIELD_ROWS * FIELD_COLUMNS
GREYS = np.linspace(0, 0.75, 16, dtype=np.float32).repeat(3).reshape(4, 4, 3)


def picture(seed: int = 1) -> np.ndarray:
    return linear_to_srgb(scene(seed, 40, 60)).astype(np.float32)


def test_the_default_look_changes_nothing() -> None:
    """All parameters at their neutral values are the identity, below the shoulder."""
    np.testing.assert_allclose(apply_look(GREYS, Look()), GREYS, atol=1e-6)


@pytest.mark.parametrize("ev", [-2.0, -0.5, 0.2])
def test_exposure_is_in_linear_light(ev: float) -> None:
    """One stop halves the light."""
    undone = srgb_to_linear(apply_look(GREYS, Look(exposure_ev=ev)))
    np.testing.assert_allclose(undone, srgb_to_linear(GREYS) * 2**ev, atol=1e-5)


def test_the_shoulder_is_smooth_and_keeps_below_white() -> None:
    """Light above 0.8 bends towards 1 with the same slope, and the order of lights is kept."""
    light = np.linspace(0, 1, 1001, dtype=np.float32)
    ramp = linear_to_srgb(np.repeat(light[:, None, None], 3, axis=2))
    out = srgb_to_linear(apply_look(ramp.astype(np.float32), Look(exposure_ev=1.0)))[:, 0, 0]
    slopes = np.diff(out) / np.diff(light)
    np.testing.assert_allclose(slopes[:395], 2, rtol=0.01)
    assert np.abs(np.diff(slopes)).max() < 0.05
    assert (np.diff(out) > 0).all()
    assert 0.99 < out[-1] < 1


def test_contrast_and_black() -> None:
    """The pivot stays where it is but for the black that is taken off; worked by hand."""
    look = Look(contrast=0.8, pivot=0.4, black=0.5)  # black takes off 0.5 · 0.4 · 0.2 = 0.04
    values = np.float32([[[0.4] * 3, [0.5] * 3, [0.1] * 3]])
    np.testing.assert_allclose(apply_look(values, look)[0, :, 0], [0.36, 0.44, 0.12], atol=1e-5)


def test_saturation_keeps_luma() -> None:
    """Colours move towards their own grey, which stays."""
    colour = np.float32([[[0.6, 0.3, 0.2]]])
    luma = colour @ np.float32([0.2126, 0.7152, 0.0722])
    undone = apply_look(colour, Look(saturation=0.5))
    np.testing.assert_allclose(undone, (colour + luma[..., None]) / 2, atol=1e-5)


def test_white_balance() -> None:
    """Warmth trades blue for red, tint takes green off, as gains on light."""
    undone = srgb_to_linear(apply_look(GREYS[1:2, :1], Look(warmth=0.1, tint=0.05)))[0, 0]
    gains = undone / srgb_to_linear(GREYS[1:2, :1])[0, 0]
    np.testing.assert_allclose(gains, np.exp([0.1, -0.05, -0.1]), rtol=1e-4)


def test_local_light_goes_through_its_knots() -> None:
    """The surface has the knots' values at the knots, and nothing beyond them between."""
    knots = tuple(float(v) for v in np.random.default_rng(0).normal(size=KNOTS))
    field = light_field(knots, 2 * 10 + 1, 3 * 10 + 1)
    np.testing.assert_allclose(field[::10, ::10].ravel(), knots, atol=1e-6)
    assert field.max() <= max(knots) + 1e-6
    assert field.min() >= min(knots) - 1e-6
    assert np.abs(np.diff(field, axis=1)).max() < 0.2 * (max(knots) - min(knots))


def test_local_light_is_in_stops() -> None:
    """A field of one stop everywhere is an exposure of one stop."""
    even = apply_look(GREYS, Look(local_ev=(-1.0,) * KNOTS))
    np.testing.assert_allclose(even, apply_look(GREYS, Look(exposure_ev=-1.0)), atol=1e-6)


def test_a_look_is_a_function_of_seed_photo_and_draw() -> None:
    """The same three give the same look on every machine; any other one, another."""
    look = Looks().draw(1, "a0001", 0)
    assert look == Looks().draw(1, "a0001", 0)
    others = [Looks().draw(2, "a0001", 0), Looks().draw(1, "a0002", 0), Looks().draw(1, "a0001", 1)]
    assert len({look, *others}) == 4
    assert look == Look(
        exposure_ev=look.exposure_ev,
        **{k: v for k, v in vars_of(look).items() if k != "exposure_ev"},
    )


def vars_of(look: Look) -> dict[str, object]:
    return {name: getattr(look, name) for name in Look.__dataclass_fields__}


def test_draws_are_pinned() -> None:
    """These numbers may never change: sets and runs that name a seed depend on them."""
    look = Looks().draw(0, "a0001", 0)
    assert (look.exposure_ev, look.contrast, look.saturation) == (-0.5246, 0.9357, 0.6654)
    assert look.local_ev[0] == -0.5204


@given(st.integers(0, 2**31), st.text(max_size=20), st.integers(0, 1000))
def test_draws_stay_within_their_ranges(seed: int, photo_id: str, draw: int) -> None:
    """Whatever is drawn is among the looks, and local light has no mean exposure of its own."""
    looks = Looks()
    look = looks.draw(seed, photo_id, draw)
    for name in ("exposure_ev", "contrast", "pivot", "black", "saturation", "warmth", "tint"):
        low, high = getattr(looks, name)
        assert low <= getattr(look, name) <= high
    assert abs(sum(look.local_ev)) < 1e-2
    undone = apply_look(picture(), look)
    assert undone.dtype == np.float32
    assert undone.min() >= 0
    assert undone.max() <= 1


def test_even_light_can_be_asked_for() -> None:
    """A spread of 0 is no field at all."""
    assert Looks(local_ev=0.0).draw(0, "x", 0).local_ev == ()


def test_mistakes_are_told() -> None:
    """Backward ranges, a negative spread, and a field of the wrong size."""
    with pytest.raises(ValueError, match="contrast must rise"):
        Looks(contrast=(0.9, 0.7))
    with pytest.raises(ValueError, match="local_ev"):
        Looks(local_ev=-0.1)
    with pytest.raises(ValueError, match="received 3"):
        Look(local_ev=(1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="draws"):
        Simulation(draws=0)


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    folder = tmp_path / "finished"
    (folder / "trip").mkdir(parents=True)
    codes = (picture(1) * 255).astype(np.uint8)
    Image.fromarray(codes).save(folder / "one.jpg", quality=95)
    Image.fromarray(codes[::-1]).save(folder / "trip/one.png")
    write_prophoto(folder / "wide.tif", scene(3, 40, 60))
    return folder


SMALL = Simulation(draws=3, seed=5, size=Size(long_side_px=30))


def test_a_folder_becomes_a_set(finished: Path, tmp_path: Path) -> None:
    """Three photos with three looks each: nine aligned pairs, and their parameters."""
    out = tmp_path / "set"
    assert simulate_folder(finished, out, SMALL) == []
    opened = open_set(out)
    assert sorted({photo.id for photo in opened.photos}) == ["one", "trip-one", "wide"]
    assert len(opened.photos) == 9
    assert all(list(photo.targets) == ["label"] for photo in opened.photos)
    assert [problem for photo in opened.photos for problem in check_photo(photo)] == []


def test_the_recorded_parameters_make_the_input_again(finished: Path, tmp_path: Path) -> None:
    """What the table tells is what was done, to one code of rounding."""
    out = tmp_path / "set"
    simulate_folder(finished, out, SMALL)
    for row in csv.DictReader((out / "pairs.csv").read_text().splitlines()):
        values = {k: float(row[k]) for k in Look.__dataclass_fields__ if k != "local_ev"}
        look = Look(**values, local_ev=tuple(map(float, row["local_ev"].split())))
        target = read_photo(out / row["label"]).pixels / np.float32(255)
        expected = apply_look(target, look) * 255
        got = read_photo(out / row["input"]).pixels.astype(float)
        assert np.abs(got - expected).max() < 2.5  # the target was rounded to 8 bits in between
        assert np.abs(got - expected).mean() < 0.5


def test_a_second_run_writes_nothing_and_a_lost_file_comes_back(
    finished: Path, tmp_path: Path
) -> None:
    """An interrupted run goes on, and ends with the same bytes."""
    out = tmp_path / "set"
    simulate_folder(finished, out, SMALL, jobs=2)
    files = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    simulate_folder(finished, out, SMALL)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.png")} == stamps
    (out / "input/wide-1.png").unlink()
    simulate_folder(finished, out, SMALL)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == files


def test_other_settings_need_another_folder(finished: Path, tmp_path: Path) -> None:
    """Two simulations are never mixed."""
    simulate_folder(finished, tmp_path / "set", SMALL)
    with pytest.raises(DataError, match="other settings"):
        simulate_folder(finished, tmp_path / "set", Simulation(seed=6))
    settings = json.loads((tmp_path / "set/simulation.json").read_text())
    assert (settings["seed"], settings["draws"]) == (5, 3)


def test_a_damaged_photo_is_left_out(finished: Path, tmp_path: Path) -> None:
    """It is named, and the others are made."""
    (finished / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (line,) = simulate_folder(finished, tmp_path / "set", SMALL)
    assert "bad.jpg" in line
    assert len(open_set(tmp_path / "set").photos) == 9


def test_folders_that_cannot_be_simulated(finished: Path, tmp_path: Path) -> None:
    """No photo at all, or two of one name."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no photo"):
        simulate_folder(tmp_path / "empty", tmp_path / "set")
    Image.new("RGB", (8, 8)).save(finished / "one.png")
    with pytest.raises(DataError, match=r"rename one"):
        simulate_folder(finished, tmp_path / "set")


def test_an_interrupt_is_passed_on(finished: Path, tmp_path: Path) -> None:
    """Ctrl-C leaves no table that would pass for a whole set."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_folder(finished, tmp_path / "set", SMALL, on_photo=interrupt)
    assert not (tmp_path / "set/pairs.csv").exists()


def test_a_folder_that_cannot_be_written_is_told(finished: Path, tmp_path: Path) -> None:
    """Trouble with the disk stops the run; it is no fault of a photo."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PhotoWriteError, match="file"):
        simulate_folder(finished, tmp_path / "file/set", SMALL)
    (tmp_path / "set").mkdir()
    (tmp_path / "set/input").write_text("in the way")
    with pytest.raises(PhotoWriteError, match="input"):
        simulate_folder(finished, tmp_path / "set", SMALL)


def test_progress(finished: Path, tmp_path: Path) -> None:
    """Every photo is counted once."""
    seen: list[tuple[int, int]] = []
    simulate_folder(finished, tmp_path / "set", SMALL, on_photo=lambda *n: seen.append(n))
    assert seen == [(1, 3), (2, 3), (3, 3)]
