"""What the page draws, compared with the reference pixel by pixel."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.photo.photo_samples import made_dng
from tests.web.browser import NO_WEBGL, SMALL_TEXTURES, visiting
from tests.web.conftest import encoded, picture

from fivefold.kernels import reference
from fivefold.photo.files import encode_photo, read_photo
from fivefold.photo.image import Photo
from fivefold.photo.resize import area_average
from fivefold.runtime.enhancer import Enhancer

WIDTH, HEIGHT = 420, 300
SHADER_CODES = 2
"""How far a pixel on the screen may be from the float64 reference, in codes of 255."""


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return picture(WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def photo(tmp_path_factory, pixels) -> Path:
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    path.write_bytes(encoded(pixels))
    return path


def expected(enhancer: Enhancer, pixels: np.ndarray, strength: float = 1) -> np.ndarray:
    """The reference's picture, by the grid that the service predicts."""
    grid = enhancer.predict(Photo(pixels))
    return reference.render(pixels, grid.with_strength(strength))


def assert_close(received: np.ndarray, wanted: np.ndarray, codes: float = SHADER_CODES) -> None:
    assert received.shape == wanted.shape
    difference = np.abs(received.astype(int) - wanted.astype(int))
    assert difference.max() <= codes, f"{difference.max()} codes"


RENDERERS = {"webgl2": (), "tiles": (SMALL_TEXTURES,), "canvas": (NO_WEBGL,)}


@pytest.mark.parametrize("renderer", RENDERERS)
def test_the_photo_is_drawn_as_the_reference_renders_it(
    browser, service, experts, photo, pixels, renderer
):
    """Dropped at its own size: within 2 codes everywhere, on WebGL2, in tiles and on the canvas."""
    with visiting(browser, service, *RENDERERS[renderer]) as visit:
        visit.drop(photo)
        visit.until("ready")
        assert visit.page.inner_text("#zoom-figure") == "100 %"
        assert_close(visit.enhanced(), expected(experts["consensus"], pixels))


@pytest.mark.parametrize("renderer", ["webgl2", "canvas"])
def test_strength_and_expert_act_at_once(browser, service, experts, photo, pixels, renderer):
    """Slider and strip change the picture as the reference says; the server is not asked again."""
    with visiting(browser, service, *RENDERERS[renderer]) as visit:
        page = visit.page
        visit.pick(photo)
        visit.until("ready")
        page.wait_for_function("() => !document.querySelector('.pending')")
        box = visit.place()
        asked = len(visit.requested)
        for strength in (0.0, 0.4, 1.3):
            page.fill("#strength", str(round(100 * strength)))
            visit.settle()
            assert_close(visit.shown(box), expected(experts["consensus"], pixels, strength))
        page.get_by_label("Expert A").check()
        visit.settle()
        assert_close(visit.shown(box), expected(experts["a"], pixels, 1.3))
        assert len(visit.requested) == asked


@pytest.mark.parametrize("renderer", ["webgl2", "canvas"])
def test_left_of_the_line_the_photo_is_untouched(
    browser, service, experts, photo, pixels, renderer
):
    """Before is the photo to the last code, after is enhanced, and the line is between them."""
    with visiting(browser, service, *RENDERERS[renderer]) as visit:
        visit.pick(photo)
        visit.until("ready")
        left, top, *_ = box = visit.place()
        visit.page.mouse.move(left + 40, top + 150)
        visit.page.mouse.down()
        visit.page.mouse.move(left + 60, top + 150)
        visit.page.mouse.move(left + 130, top + 150)
        visit.page.mouse.up()
        visit.settle()
        received = visit.shown(box)
        assert np.array_equal(received[:, :129], pixels[:, :129])
        wanted = expected(experts["consensus"], pixels)
        assert_close(received[:, 131:], wanted[:, 131:])
        visit.page.keyboard.down("b")
        visit.settle()
        assert np.array_equal(visit.shown(box), pixels)
        visit.page.keyboard.up("b")
        visit.settle()
        assert_close(visit.shown(box)[:, 131:], wanted[:, 131:])


@pytest.mark.parametrize("renderer", ["webgl2", "tiles", "canvas"])
def test_zoomed_in_every_pixel_is_a_square(browser, service, experts, photo, pixels, renderer):
    """At 400 % a pixel is 4 × 4 on the screen, unblurred; zoom and drag keep the point grasped."""
    with visiting(browser, service, *RENDERERS[renderer]) as visit:
        page = visit.page
        visit.pick(photo)
        visit.until("ready")
        left, top, *_ = visit.place()
        x, y = left + WIDTH // 2, top + HEIGHT // 2
        page.mouse.dblclick(x, y)
        visit.settle()
        assert page.inner_text("#zoom-figure") == "200 %"
        page.mouse.dblclick(x, y)
        visit.settle()
        assert page.inner_text("#zoom-figure") == "100 %"
        for _ in range(2):
            page.mouse.wheel(0, -360)  # a doubling each
            visit.settle()
        assert page.inner_text("#zoom-figure") == "400 %"
        page.keyboard.press("Home")
        visit.settle()
        received = visit.shown((x - 40, y - 40, x + 40, y + 40))
        # The point under the mouse stays: 40 pixels left of it are 10 of the photo.
        wanted = expected(experts["consensus"], pixels)[140:160, 200:220]
        assert_close(received, wanted.repeat(4, 0).repeat(4, 1))
        page.mouse.move(x + 40, y + 40)  # off the line, which stands at the window's edge
        page.mouse.down()
        page.mouse.move(x + 20, y + 60)
        page.mouse.move(x, y + 80)
        page.mouse.up()
        visit.settle()
        assert_close(visit.shown((x - 80, y, x, y + 80)), wanted.repeat(4, 0).repeat(4, 1))


def test_a_photo_larger_than_the_window_is_shown_whole(browser, service, experts, tmp_path):
    """Reduced to fit, it looks like the reduced reference, also where it is made of tiles."""
    pixels = picture(1500, 1100, seed=4)
    smooth = np.rint(255 * area_average(pixels, 275, 375)).astype(np.uint8)
    pixels = np.asarray(Image.fromarray(smooth).resize((1500, 1100), Image.Resampling.BICUBIC))
    path = tmp_path / "large.png"
    path.write_bytes(encoded(pixels))
    wanted = expected(experts["consensus"], pixels)
    for scripts in (RENDERERS["webgl2"], RENDERERS["tiles"]):
        with visiting(browser, service, *scripts) as visit:
            visit.pick(path)
            visit.until("ready")
            received = visit.enhanced()
            height, width, _ = received.shape
            assert abs(width / height - 1500 / 1100) < 0.01
            reduced = 255 * area_average(wanted, height, width)
            difference = np.abs(received - reduced)
            assert difference.mean() < 1
            assert np.quantile(difference, 0.999) < 8  # no seams


def test_the_browsers_turn_is_the_servers_turn(browser, service, experts, tmp_path):
    """A photo with EXIF orientation 6 is shown upright and enhanced as such."""
    pixels = picture(240, 320, seed=9)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.png"
    path.write_bytes(encoded(np.rot90(pixels), exif=exif))
    with visiting(browser, service) as visit:
        visit.pick(path)
        visit.until("ready")
        assert_close(visit.enhanced(), expected(experts["consensus"], pixels))


@pytest.mark.parametrize("file_format", ["TIFF", "HEIF", "PPM"])
def test_what_the_browser_cannot_open_the_server_shows(
    browser, service, experts, tmp_path, file_format
):
    """A 16-bit TIFF, HEIC or PPM is shown through a preview, by the grid of the file itself."""
    pixels = picture(300, 200, seed=3)
    deep = Photo(pixels.astype(np.uint16) * 257)
    path = tmp_path / f"photo.{file_format.lower()}"
    path.write_bytes(encode_photo(deep, format=file_format))
    with visiting(browser, service) as visit:
        visit.pick(path)
        visit.until("ready")
        received = visit.enhanced()
        wanted = expected(experts["consensus"], pixels)
        # The preview is a JPEG, so single pixels differ, and the whole does not.
        assert np.abs(received.mean((0, 1)) - wanted.mean((0, 1))).max() < 1
        assert visit.page.inner_text("#size") == ""


def test_camera_raw_is_shown(browser, service, experts, tmp_path):
    """What a camera saw is developed by the server, and shown through a preview as well."""
    pytest.importorskip("rawpy")
    path = tmp_path / "photo.dng"
    path.write_bytes(made_dng())
    with visiting(browser, service) as visit:
        visit.pick(path)
        visit.until("ready")
        developed = read_photo(path).pixels / 65535
        wanted = expected(experts["consensus"], np.rint(developed * 255).astype(np.uint8))
        assert np.abs(visit.enhanced().mean((0, 1)) - wanted.mean((0, 1))).max() < 1


def test_a_grey_photo_stays_grey(browser, service, tmp_path):
    """A file with one channel is sent whole, so that its grid keeps greys neutral."""
    path = tmp_path / "grey.png"
    path.write_bytes(encoded(picture(200, 150)[..., 0]))
    with visiting(browser, service) as visit:
        visit.pick(path)
        visit.until("ready")
        received = visit.enhanced().astype(int)
        assert np.ptp(received, axis=-1).max() <= 1
        assert received.std() > 10


def test_transparency_shows_what_is_behind(browser, service, tmp_path):
    """Where the photo is transparent a checkerboard shows, and opaque parts are not affected."""
    pixels = picture(200, 160, seed=2)
    alpha = np.full((160, 200), 255, np.uint8)
    alpha[:, :96] = 0
    path = tmp_path / "cut.png"
    path.write_bytes(encoded(np.dstack([pixels, alpha])))
    with visiting(browser, service) as visit:
        visit.pick(path)
        visit.until("ready")
        received = visit.enhanced()
        clear = received[:, :90].reshape(-1, 3)
        assert len(np.unique(clear, axis=0)) == 2
        opaque = io.BytesIO()
        Image.fromarray(pixels).save(opaque, "PNG")
        assert received[:, 100:].std() > 10


def test_a_lost_graphics_context_comes_back(browser, service, experts, photo, pixels):
    """When the system takes the graphics processor away and gives it back, the photo is there."""
    with visiting(browser, service) as visit:
        visit.pick(photo)
        visit.until("ready")
        visit.page.evaluate(
            """async () => {
              const gl = document.getElementById("picture").getContext("webgl2");
              const loss = gl.getExtension("WEBGL_lose_context");
              loss.loseContext();
              await new Promise((r) => setTimeout(r, 100));
              loss.restoreContext();
              await new Promise((r) => setTimeout(r, 300));
            }"""
        )
        assert_close(visit.enhanced(), expected(experts["consensus"], pixels))
