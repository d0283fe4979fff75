"""What the page shows when something is missing, broken, busy or away; and to whom."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from tests.web.browser import DESK, PHONE, visiting
from tests.web.conftest import encoded, hosted, picture

ROOT = Path(__file__).parents[2]
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def photo(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    path.write_bytes(encoded(picture(300, 200)))
    return path


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "notes.txt"
    path.write_bytes(b"this is not a photo")
    return path


def test_a_file_that_is_no_photo_is_said_to_be_none(browser, service, broken, photo):
    """The reason is shown, the rest goes on, and the file can be tried again or taken off."""
    with visiting(browser, service) as visit:
        page = visit.page
        visit.pick(broken, photo)
        visit.until("failed")
        assert page.inner_text("#failure-title") == "notes.txt did not open"
        assert page.inner_text("#failure-text").startswith("Not a picture")
        page.wait_for_selector(".film li:nth-child(2) [data-status=ready]")
        page.click("#retry")
        visit.until("failed")
        page.click("#dismiss")
        visit.until("ready")
        assert page.inner_text("#name") == "photo.png"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("anim.gif", "Not a picture, or of a format that is not handled."),
        ("x.bmp", "Not a picture, or of a format that is not handled."),
        ("anim.webp", "An animated WebP, not a photo."),
        ("ink.jpg", "CMYK without a colour profile; convert it to RGB first."),
    ],
)
def test_what_only_the_browser_can_read_is_not_shown_as_enhanced(
    browser, service, tmp_path, name, reason
):
    """The server's reason is on the photo before anybody tries to save it, from its first bytes."""
    pixels = np.random.default_rng(1).integers(0, 256, (400, 600, 3), np.uint8)
    first, second = Image.fromarray(pixels), Image.fromarray(255 - pixels)
    path = tmp_path / name
    if name.startswith("anim"):
        first.save(path, save_all=True, append_images=[second])
    else:
        first.convert("CMYK" if name == "ink.jpg" else "RGB").save(path)
    assert path.stat().st_size > 1 << 18
    sent = []
    with visiting(browser, service) as visit:
        visit.page.on("request", lambda request: sent.append(request))
        visit.pick(path)
        visit.until("failed")
        assert visit.page.inner_text("#failure-title") == f"{name} did not open"
        assert visit.page.inner_text("#failure-text") == reason
        assert visit.page.is_disabled("#save")
        assert [urlsplit(request.url).path for request in sent] == ["/check"]
        assert int(sent[0].all_headers()["content-length"]) < (1 << 18) + 1000


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_pixels": 419_999}, "700 × 600 pixels are more than the limit of 419999."),
        ({"max_upload_bytes": 1 << 20}, "The file is larger than 1 MB, the limit here."),
    ],
)
def test_a_large_photo_is_refused_before_it_is_shown_as_enhanced(
    browser, experts, tmp_path, limits, reason
):
    """Bytes and pixels above the server's limits are told when the photo is opened."""
    path = tmp_path / "large.png"
    noise = np.random.default_rng(1).integers(0, 256, (600, 700, 3), np.uint8)
    path.write_bytes(encoded(noise))
    with hosted(experts, **limits) as address, visiting(browser, address) as visit:
        visit.pick(path)
        visit.until("failed")
        assert visit.page.inner_text("#failure-text") == reason


def test_without_the_server_the_page_waits_and_goes_on(browser, service, photo):
    """Away: what is open stays usable, and says so. Back: the rest is done without a click."""
    with visiting(browser, service) as visit:
        page = visit.page
        visit.pick(photo)
        visit.until("ready")
        page.wait_for_function("() => !document.querySelector('.pending')")
        page.route("**/*", lambda route: route.abort())
        visit.pick(photo)
        page.wait_for_selector("#offline", state="visible")
        assert "photos are still here" in page.inner_text("#offline")
        page.click(".film li:nth-child(1) button")
        visit.until("ready")
        page.fill("#strength", "40")
        page.click(".film li:nth-child(2) button")
        visit.until("thinking")
        page.unroute_all()
        visit.until("ready")
        assert not page.is_visible("#offline")
        visit.troubles.clear()  # the browser's notes about the aborted requests


def test_a_photo_that_breaks_every_connection_is_given_up(browser, service, photo):
    """When the server is there but this photo's requests are cut off, the photo is the trouble."""
    with visiting(browser, service) as visit:
        visit.page.route("**/grid*", lambda route: route.abort())
        visit.pick(photo)
        visit.until("failed")
        assert not visit.page.is_visible("#offline")
        visit.page.unroute_all()
        visit.page.click("#retry")
        visit.until("ready")
        visit.troubles.clear()  # the browser's notes about the aborted requests


def test_a_file_above_the_limit_is_not_even_sent(browser, experts, tmp_path):
    """The limit is known and told beforehand: a refusal midway would look like an outage."""
    path = tmp_path / "large.tif"
    path.write_bytes(encoded(picture(800, 600), "TIFF"))
    with (
        hosted(experts, max_upload_bytes=1 << 20) as address,
        visiting(browser, address) as visit,
    ):
        visit.pick(path)
        visit.until("failed")
        assert "larger than 1 MB" in visit.page.inner_text("#failure-text")
        assert not [url for url in visit.requested if "/preview" in url]


def test_a_busy_server_is_asked_again(browser, service, photo):
    """503 means to wait as long as the server says, and not to give up."""
    turns = []

    def answer(route):
        turns.append(1)
        if len(turns) > 2:
            route.continue_()
        else:
            route.fulfill(
                status=503,
                headers={"Retry-After": "1"},
                content_type="application/problem+json",
                body='{"title":"Service Unavailable","status":503,"detail":"Too many photos."}',
            )

    with visiting(browser, service) as visit:
        visit.page.route("**/grid*", answer)
        visit.pick(photo)
        visit.until("ready")
        assert len(turns) >= 3


def test_the_token_is_asked_for_once(browser, experts, photo):
    """Without the token the page asks for it, again after a wrong one; the right one opens."""
    with hosted(experts, token="a-right-token") as address, visiting(browser, address) as visit:
        page = visit.page
        visit.pick(photo)
        visit.until("token")
        page.fill("#token-text", "wrong")
        page.keyboard.press("Enter")
        page.wait_for_timeout(500)
        visit.until("token")
        page.fill("#token-text", "a-right-token")
        page.keyboard.press("Enter")
        visit.until("ready")
        page.reload()
        visit.pick(photo)
        visit.until("ready")


def test_the_token_in_the_printed_address_is_used_and_taken_out(browser, experts, photo):
    """The link from the terminal opens the page, and the token does not stay in the address bar."""
    with (
        hosted(experts, token="a-right-token") as address,
        visiting(browser, f"{address}/#token=a-right-token") as visit,
    ):
        visit.pick(photo)
        visit.until("ready")
        assert visit.page.url == f"{address}/"


def scenes(visit, photo: Path, broken: Path):
    """Bring the page into one state after the other; gives their names."""
    page = visit.page
    yield "start"
    visit.pick(photo, broken)
    visit.until("ready")
    page.wait_for_selector(".film li:nth-child(2) [data-status=failed]")
    yield "ready"
    page.click("#save-more")
    yield "menu"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    yield "help"
    page.keyboard.press("Escape")
    page.keyboard.press("PageDown")
    visit.until("failed")
    yield "failed"
    page.route("**/*", lambda route: route.abort())
    visit.pick(photo)
    page.wait_for_selector("#offline", state="visible")
    yield "offline"
    visit.troubles.clear()


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not there: run npm ci in web/")
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("device", ["desk", "phone"])
def test_axe_finds_nothing(browser, service, photo, broken, scheme, device):
    """No rule of axe-core is broken in any state, dark or light, on a desk or a phone."""
    options = DESK if device == "desk" else PHONE
    with visiting(browser, service, color_scheme=scheme, **options) as visit:
        for scene in scenes(visit, photo, broken):
            visit.page.evaluate(AXE.read_text())
            result = visit.page.evaluate(
                """async () => (await axe.run()).violations.map(
                  ({ id, help, nodes }) => [id, help, nodes.map((node) => node.html)])"""
            )
            assert result == [], scene


def test_screen_readers_hear_what_happens(browser, service, photo):
    """The line, the picture and what has been done have names, values and announcements."""
    with visiting(browser, service) as visit:
        page = visit.page
        visit.pick(photo)
        visit.until("ready")
        assert page.inner_text("#spoken") == "photo.png is enhanced"
        line = page.get_by_role("slider", name="Before and after")
        assert line.get_attribute("aria-valuetext") == "50 % before"
        strength = page.get_by_role("slider", name="Strength")
        assert strength.get_attribute("aria-valuetext") == "100 %"
        assert page.get_by_role("group", name="Expert").get_by_role("radio").count() == 2
        assert page.get_by_role("img", name="The photo").count() == 1


@pytest.mark.skipif(
    "FIVEFOLD_SCREENSHOTS" not in os.environ, reason="set FIVEFOLD_SCREENSHOTS to make them anew"
)
@pytest.mark.parametrize(
    ("name", "scheme", "device"),
    [
        ("page-dark", "dark", "desk"),
        ("page-light", "light", "desk"),
        ("page-phone", "dark", "phone"),
    ],
)
def test_screenshots_for_the_documentation(browser, name, scheme, device):
    """docs/images shows the page as it is, with the bundles of the package and its examples."""
    from fivefold.web.serve import load_experts

    options = {"viewport": {"width": 1280, "height": 800}} if "phone" not in name else PHONE
    examples = sorted((ROOT / "examples").glob("*.jpg"))
    with (
        hosted(load_experts(None, workers=1)) as address,
        visiting(browser, address, color_scheme=scheme, **options) as visit,
    ):
        upright = [path for path in examples if "portrait" in path.name]
        visit.pick(*(dict.fromkeys(upright + examples) if "phone" in name else examples))
        visit.until("ready")
        last = visit.page.locator(".film li").last.locator("[data-status=ready]")
        last.wait_for()
        visit.settle()
        target = ROOT / f"docs/images/{name}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        visit.page.screenshot(path=target, type="jpeg", quality=88)
