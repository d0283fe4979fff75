"""What a person does on the page, with mouse, keyboard and fingers, and what comes of it."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from tests.web.browser import PHONE, visiting
from tests.web.conftest import encoded, picture
from tests.web.http_client import ask, form

from fivefold.photo.files import read_photo
from fivefold.photo.formats import READABLE


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> list[Path]:
    """Three photos in two formats, two of them with one name."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "more").mkdir()
    paths = [folder / "one.jpg", folder / "two ü.png", folder / "more" / "one.jpg"]
    paths[0].write_bytes(encoded(picture(300, 200, 1), "JPEG", quality=95))
    paths[1].write_bytes(encoded(picture(200, 260, 2)))
    paths[2].write_bytes(encoded(picture(240, 240, 3), "JPEG", quality=95))
    return paths


def saved(visit, action) -> tuple[str, bytes]:
    """The name and bytes of the file that an action makes the browser save."""
    with visit.page.expect_download() as download:
        action()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


@pytest.mark.parametrize("way", ["pick", "drop", "paste"])
def test_photos_come_in_every_way(browser, service, photos, way):
    """Picked, dropped or pasted, several at a time: all are opened, the first is shown."""
    with visiting(browser, service) as visit:
        getattr(visit, way)(*photos)
        visit.until("ready")
        frames = visit.page.locator(".film button")
        assert frames.count() == 3
        visit.page.wait_for_selector(".film li:nth-child(3) [data-status=ready]")
        assert visit.page.inner_text("#name") == "one.jpg"
        assert visit.page.inner_text("#size") == "300 × 200"
        assert frames.first.get_attribute("aria-current") == "true"


def test_the_dialog_offers_what_the_server_reads(browser, service):
    """Camera RAW, JPEG XL and all other files that are read can be chosen, by their suffixes."""
    with visiting(browser, service) as visit:
        offered = visit.page.get_attribute("#files", "accept").split(",")
        assert sorted(offered) == sorted(["image/*", *READABLE])


def test_nothing_is_asked_of_other_hosts(browser, service, photos):
    """From opening to saving, every request goes to the service itself."""
    with visiting(browser, service) as visit:
        visit.pick(photos[0])
        visit.until("ready")
        saved(visit, lambda: visit.page.click("#save"))
        assert len(visit.requested) > 5
        assert {url for url in visit.requested if not url.startswith((service, "blob:"))} == set()


def test_the_saved_file_is_the_services_own(browser, service, photos):
    """Save gives the full-resolution file of the exact kernel, byte for byte, under its name."""
    with visiting(browser, service) as visit:
        page = visit.page
        visit.pick(photos[0])
        visit.until("ready")
        page.get_by_label("Expert A").check()
        page.fill("#strength", "70")
        visit.settle()
        name, content = saved(visit, lambda: page.click("#save"))
        body, headers = form(photos[0].read_bytes(), "one.jpg")
        reply = ask(service, "/enhance?expert=a&strength=0.7", body, headers)
        assert name == "one_enhanced.jpg"
        assert content == reply.content
        assert page.inner_text("#notice-text") == "Saved one_enhanced.jpg"


def test_another_format_can_be_chosen(browser, service, photos):
    """The format in the menu is the one that is saved."""
    with visiting(browser, service) as visit:
        visit.pick(photos[0])
        visit.until("ready")
        visit.page.click("#save-more")
        visit.page.select_option("#format", "tiff")
        visit.page.keyboard.press("Escape")
        name, content = saved(visit, lambda: visit.page.click("#save"))
        assert name == "one_enhanced.tif"
        assert read_photo(content).format == "TIFF"


def test_all_photos_go_into_one_archive(browser, service, photos, tmp_path):
    """Save all makes a ZIP with every photo once, names told apart, and says what did not work."""
    broken = tmp_path / "broken.png"
    broken.write_bytes(photos[1].read_bytes()[:3000] + bytes(500))
    with visiting(browser, service) as visit:
        page = visit.page
        visit.pick(*photos, broken)
        page.wait_for_selector(".film li:nth-child(4) [data-status=failed]")
        page.wait_for_selector(".film li:nth-child(3) [data-status=ready]")
        page.click("#save-more")
        name, content = saved(visit, lambda: page.click("#save-all"))
        assert name == "fivefold-photos.zip"
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            assert archive.namelist() == [
                "one_enhanced.jpg",
                "two ü_enhanced.png",
                "one_enhanced 2.jpg",
            ]
            for path, entry in zip(photos, archive.infolist(), strict=True):
                body, headers = form(path.read_bytes(), path.name)
                assert archive.read(entry) == ask(service, "/enhance", body, headers).content


def test_what_cannot_be_saved_is_named_once(browser, service, photos):
    """A file that turns out to be damaged while all are saved is told by its name, once."""
    with visiting(browser, service) as visit:
        page = visit.page
        visit.pick(*photos)
        page.wait_for_selector(".film li:nth-child(3) [data-status=ready]")
        refusals = iter([json.dumps({"detail": "one.jpg: damaged JPEG: truncated"})])

        def refuse_one(route):
            body = next(refusals, None)
            if body is None:
                route.continue_()
            else:
                route.fulfill(status=422, body=body)

        page.route("**/enhance*", refuse_one)
        page.click("#save-more")
        saved(visit, lambda: page.click("#save-all"))
        page.wait_for_selector("#notice.trouble")
        text = page.inner_text("#notice-text")
        assert text == "1 of 3 not saved. one.jpg: damaged JPEG: truncated."


def test_every_photo_keeps_its_own_look(browser, service, photos):
    """Strength and expert belong to a photo, until they are used for all."""
    with visiting(browser, service) as visit:
        page = visit.page
        visit.pick(*photos)
        visit.until("ready")
        page.fill("#strength", "60")
        page.get_by_label("Expert A").check()
        page.click(".film li:nth-child(2) button")
        visit.until("ready")
        assert page.input_value("#strength") == "100"
        assert page.get_by_label("Consensus").is_checked()
        page.click(".film li:nth-child(1) button")
        visit.settle()
        assert page.input_value("#strength") == "60"
        page.click("#everywhere")
        page.click(".film li:nth-child(3) button")
        visit.until("ready")
        assert page.input_value("#strength") == "60"
        assert page.get_by_label("Expert A").is_checked()
        assert not page.is_visible("#everywhere")


def test_added_photos_start_at_the_default_look(browser, service, photos):
    """What was set for one photo is not set for the next, until it is used for all."""
    with visiting(browser, service) as visit:
        page = visit.page
        visit.pick(photos[0])
        visit.until("ready")
        page.fill("#strength", "60")
        page.get_by_label("Expert A").check()
        for place, (strength, label) in ((2, ("100", "Consensus")), (3, ("60", "Expert A"))):
            visit.pick(photos[1])
            page.wait_for_selector(f".film li:nth-child({place}) [aria-current=true]")
            visit.until("ready")
            assert page.input_value("#strength") == strength
            assert page.get_by_label(label).is_checked()
            page.click(".film li:nth-child(1) button")
            visit.until("ready")
            if place == 2:
                page.click("#everywhere")


def test_with_one_expert_the_strip_offers_strengths(browser, single, photos):
    """A service with one bundle offers steps of strength, which the slider follows and marks."""
    with visiting(browser, single) as visit:
        page = visit.page
        visit.pick(photos[0])
        visit.until("ready")
        assert page.locator(".version").count() == 4
        assert page.get_by_label("Full 100 %").is_checked()
        page.get_by_label("Gentle 50 %").check()
        visit.settle()
        assert page.input_value("#strength") == "50"
        page.fill("#strength", "64")
        visit.settle()
        assert page.locator(".version input:checked").count() == 0
        page.dblclick("#strength")
        visit.settle()
        assert page.inner_text("#strength-figure") == "100 %"


def test_saving_can_be_stopped(browser, service, photos):
    """While a photo is being saved the button stops it, and the page goes on as before."""
    with visiting(browser, service) as visit:
        page = visit.page
        visit.pick(photos[0])
        visit.until("ready")
        page.route("**/enhance*", lambda _: None)  # never answered
        page.click("#save")
        page.wait_for_selector("#save-label:text('Stop')")
        assert page.is_visible("#progress")
        page.click("#save")
        page.wait_for_selector("#save-label:text('Save')")
        assert page.inner_text("#notice-text") == "Stopped"
        page.unroute_all(behavior="ignoreErrors")
        assert saved(visit, lambda: page.click("#save"))[0] == "one_enhanced.jpg"


def test_everything_can_be_done_with_the_keyboard(browser, service, photos):
    """Open, compare, choose, zoom, change photos and save without touching the mouse."""
    with visiting(browser, service) as visit:
        page = visit.page
        with page.expect_file_chooser() as chooser:
            for _ in range(10):
                page.keyboard.press("Tab")
                if page.evaluate("document.activeElement.id") == "pick":
                    break
            page.keyboard.press("Enter")
        chooser.value.set_files([str(path) for path in photos])
        visit.until("ready")

        def line() -> int:
            visit.settle()
            return int(page.get_attribute("#split", "aria-valuenow"))

        start = line()
        page.keyboard.press("ArrowLeft")
        assert line() == start - 2
        page.keyboard.press("Shift+ArrowRight")
        assert line() == start + 8
        page.keyboard.press("ArrowUp")
        visit.settle()
        assert page.input_value("#strength") == "105"
        page.keyboard.press("2")
        visit.settle()
        assert page.get_by_label("Expert A").is_checked()
        page.keyboard.press("z")
        visit.settle()
        assert page.inner_text("#zoom-figure") == "200 %"
        page.keyboard.press("f")
        visit.settle()
        assert page.inner_text("#zoom-figure") == "100 %"
        page.keyboard.press("PageDown")
        visit.until("ready")
        assert page.inner_text("#name") == "two ü.png"
        name, _ = saved(visit, lambda: page.keyboard.press("s"))
        assert name == "two ü_enhanced.png"
        page.keyboard.press("Delete")
        visit.settle()
        assert page.locator(".film li").count() == 2
        page.keyboard.press("?")
        assert page.is_visible("#keys")
        page.keyboard.press("Escape")
        assert not page.is_visible("#keys")


def test_every_control_can_be_reached_and_seen_with_tab(browser, service, photos):
    """Tab visits every visible control once, each marked where the focus is."""
    with visiting(browser, service) as visit:
        page = visit.page
        visit.pick(*photos[:2])
        visit.until("ready")
        reached = []
        for _ in range(40):
            page.keyboard.press("Tab")
            facts = page.evaluate(
                """() => {
                  const element = document.activeElement;
                  const label = element.closest("label");
                  const marks = [element, label?.querySelector("canvas"), element.firstElementChild]
                    .filter(Boolean).map((part) => getComputedStyle(part).outlineStyle);
                  const range = element.type === "range";
                  return { name: element.id || element.value || element.ariaLabel,
                           marked: range || marks.some((style) => style !== "none") };
                }"""
            )
            if facts["name"] in reached or facts["name"] is None:
                break
            assert facts["marked"], facts
            reached.append(facts["name"])
        wanted = {"zoom-out", "zoom-toggle", "zoom-in", "add", "remove", "theme", "help", "save"}
        assert wanted | {"save-more", "split", "consensus", "strength"} <= set(reached)


def test_single_keys_can_be_switched_off(browser, service, photos):
    """Who talks to the computer can switch single-letter shortcuts off, for good."""
    with visiting(browser, service) as visit:
        page = visit.page
        visit.pick(photos[0])
        visit.until("ready")
        page.keyboard.press("?")
        page.uncheck("#keys-on")
        page.keyboard.press("Escape")
        page.keyboard.press("z")
        visit.settle()
        assert page.inner_text("#zoom-figure") == "100 %"
        page.reload()
        page.keyboard.press("?")
        assert not page.is_visible("#keys")


class Fingers:
    """A hand on the screen."""

    def __init__(self, visit) -> None:
        self._session = visit.context.new_cdp_session(visit.page)

    def drag(self, *steps: tuple[tuple[float, float], ...]) -> None:
        """Put fingers down, move them from step to step, lift them."""
        self._send("touchStart", steps[0])
        for points in steps[1:]:
            self._send("touchMove", points)
        self._send("touchEnd", ())

    def _send(self, kind: str, points: tuple[tuple[float, float], ...]) -> None:
        touches = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def test_fingers_move_the_line_and_pinch(browser, service, photos):
    """On a phone one finger moves the line, two zoom, and a finger then moves the photo."""
    with visiting(browser, service, **PHONE) as visit:
        page = visit.page
        visit.pick(photos[0])
        visit.until("ready")

        def line() -> float:
            visit.settle()
            return float(page.get_attribute("#split", "aria-valuenow"))

        fingers = Fingers(visit)
        fingers.drag(((195, 400),), ((215, 400),), ((290, 400),))
        assert line() > 70
        before = page.inner_text("#zoom-figure")
        fingers.drag(((150, 400), (240, 400)), ((120, 400), (270, 400)), ((60, 400), (330, 400)))
        visit.settle()
        zoomed = page.inner_text("#zoom-figure")
        assert int(zoomed.split()[0]) > 2 * int(before.split()[0])
        shown = page.screenshot()
        fingers.drag(((60, 300),), ((80, 330),), ((120, 380),))
        visit.settle()
        assert page.inner_text("#zoom-figure") == zoomed
        assert page.screenshot() != shown
        for _ in range(2):
            page.touchscreen.tap(100, 400)
        visit.settle()
        assert page.inner_text("#zoom-figure") == before


@pytest.mark.parametrize("width", [320, 390, 760, 1000, 1920])
def test_everything_fits_at_every_width(browser, service, photos, width):
    """Nothing sticks out of the window, and every control is large enough to hit."""
    options = {**PHONE, "viewport": {"width": width, "height": 720}}
    with visiting(
        browser, service, **(options if width < 760 else {"viewport": options["viewport"]})
    ) as visit:
        for state in ("start", "ready"):
            if state == "ready":
                visit.pick(*photos)
                visit.until("ready")
            boxes = visit.page.evaluate(
                """() => [...document.querySelectorAll("button, input, select")]
                  .filter((element) => element.checkVisibility() && element.offsetWidth)
                  .filter((element) => !element.closest(".versions, .film, [popover], dialog"))
                  .map((element) => {
                    const { left, right, top, bottom } = element.getBoundingClientRect();
                    return { name: element.id, left, right, top, bottom };
                  })"""
            )
            assert boxes
            for box in boxes:
                assert box["left"] >= 0, box
                assert box["right"] <= width, box
                assert box["bottom"] <= 720, box
                assert min(box["right"] - box["left"], box["bottom"] - box["top"]) >= 28, box
            overflow = visit.page.evaluate(
                "() => document.documentElement.scrollWidth - innerWidth"
            )
            assert overflow <= 0


def test_dark_and_light(browser, service):
    """The page follows the system, can be told otherwise, and remembers that."""
    ground = "() => getComputedStyle(document.documentElement).backgroundColor"
    with visiting(browser, service, color_scheme="light") as visit:
        page = visit.page
        light = page.evaluate(ground)
        page.click("#theme")
        dark = page.evaluate(ground)
        assert sum(map(int, light[4:-1].split(","))) > 3 * 180
        assert sum(map(int, dark[4:-1].split(","))) < 3 * 60
        page.reload()
        assert page.evaluate(ground) == dark
        page.click("#theme")
        assert page.evaluate("localStorage.length") == 0
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(ground) == dark
