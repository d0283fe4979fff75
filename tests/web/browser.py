"""A real browser on the page: what a person does, and what a person sees."""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image
from playwright.sync_api import BrowserContext, Page
from tests.web.chromium import Chromium

VISIT_S = 180.0
"""Visits take seconds; on a machine that does much else, a minute."""
DESK = {"viewport": {"width": 1000, "height": 760}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}

NO_WEBGL = """
const real = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind === "webgl2" ? null : real.call(this, kind, ...rest);
};
"""
SMALL_TEXTURES = """
const real = WebGL2RenderingContext.prototype.getParameter;
WebGL2RenderingContext.prototype.getParameter = function (name) {
  return name === this.MAX_TEXTURE_SIZE ? 160 : real.call(this, name);
};
"""
# Messages of the software renderer about the pictures that the tests take.
_NOISE = ("GPU stall due to ReadPixels",)
_WORK = ("/enhance", "/grid", "/preview", "/check", "/health")


class Visit:
    """One page in a fresh browser context; notes what goes wrong and what is asked for."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context = context
        self.requested: list[str] = []
        self.troubles: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", self._hear)
        self.page.goto(address)
        # The page's script writes this, so from now on it listens.
        self.page.wait_for_function("document.getElementById('promise').textContent !== ''")

    def _hear(self, message: Any) -> None:
        # That a photo was refused is for the page to show; the browser's own note is no trouble.
        is_refusal = urlsplit(message.location["url"]).path in _WORK
        is_noise = is_refusal or any(text in message.text for text in _NOISE)
        if message.type in ("error", "warning") and not is_noise:
            self.troubles.append(message.text)

    def pick(self, *files: Path) -> None:
        """Choose files in the system's dialog."""
        self.page.set_input_files("#files", [str(file) for file in files])

    def drop(self, *files: Path) -> None:
        """Drag files from the desktop onto the page, and let go."""
        self._transfer("drop", files)

    def paste(self, *files: Path) -> None:
        """Paste files from the clipboard."""
        self._transfer("paste", files)

    def _transfer(self, kind: str, files: tuple[Path, ...]) -> None:
        contents = [(f.name, base64.b64encode(f.read_bytes()).decode()) for f in files]
        self.page.evaluate(
            """([kind, contents]) => {
              const transfer = new DataTransfer();
              for (const [name, text] of contents) {
                const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
                transfer.items.add(new File([bytes], name));
              }
              const event = kind === "paste"
                ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })
                : new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
              document.body.dispatchEvent(event);
            }""",
            [kind, contents],
        )

    def until(self, scene: str, timeout_s: float = 30) -> None:
        """Wait until the page is in a scene, and nothing moves any more."""
        self.page.wait_for_selector(f'body[data-scene="{scene}"]', timeout=1000 * timeout_s)
        self.settle()

    def settle(self) -> None:
        """Wait for what was asked for to be drawn, also by the fallback that draws twice."""
        self.page.wait_for_timeout(250)
        self.page.evaluate("() => new Promise((r) => requestAnimationFrame(() => r()))")

    def place(self) -> tuple[int, int, int, int]:
        """Where the photo is on the screen: left, top, right, bottom in CSS pixels.

        The line goes from its upper to its lower edge, and Home and End take it to the others.
        """
        page = self.page
        before = page.evaluate(LINE)
        page.keyboard.press("Home")
        self.settle()
        left = page.evaluate(LINE)
        page.keyboard.press("End")
        self.settle()
        right = page.evaluate(LINE)
        page.keyboard.press("Home")
        self.settle()
        assert before["top"] == left["top"]
        return (
            round(left["left"]),
            round(left["top"]),
            round(right["left"]),
            round(left["top"] + left["height"]),
        )

    def shown(self, box: tuple[int, int, int, int]) -> np.ndarray:
        """The pixels of the photo on the screen, without what lies over it."""
        left, top, right, bottom = box
        self.page.evaluate(HIDE, True)
        clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        picture = self.page.screenshot(clip=clip)
        self.page.evaluate(HIDE, False)
        with Image.open(io.BytesIO(picture)) as image:
            return np.asarray(image.convert("RGB"))

    def enhanced(self) -> np.ndarray:
        """The whole photo on the screen, all of it enhanced."""
        return self.shown(self.place())


LINE = """() => {
  const { left, top, height } = document.getElementById("split").style;
  return { left: parseFloat(left), top: parseFloat(top), height: parseFloat(height) };
}"""
HIDE = """(hidden) => {
  for (const selector of ["#split", ".tag", ".notices", ".film"]) {
    for (const element of document.querySelectorAll(selector)) {
      element.style.visibility = hidden ? "hidden" : "";
    }
  }
}"""


@contextlib.contextmanager
def visiting(
    browser: Chromium, address: str, *scripts: str, limit_s: float = VISIT_S, **options: Any
) -> Iterator[Visit]:
    """A visit that must end, and without a message of trouble.

    Args:
        browser: Where.
        address: Of the page.
        scripts: Run before the page's own.
        limit_s: How long it may take.
        options: Of the browser's context; movement is reduced, so that tests need not wait.
    """
    settings = {**DESK, "reduced_motion": "reduce", "accept_downloads": True, **options}
    with browser.within(limit_s):
        context = browser.new_context(**settings)
        for script in scripts:
            context.add_init_script(script)
        try:
            visit = Visit(context, address)
            yield visit
            assert visit.troubles == []
        finally:
            context.close()
