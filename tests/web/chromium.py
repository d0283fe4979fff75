"""Chromium for many tests, of which none can keep it from the others.

Playwright's own time limits are kept by its driver, a process that may hang or starve with the
browser. The limits here are kept by this process, and end both.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import psutil
from playwright.sync_api import Browser, BrowserContext, Error, Playwright, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--force-color-profile=srgb",
]


class BrowserStuckError(Exception):
    """The browser did not come to an end with a visit, and was ended."""


class Chromium:
    """A browser that starts when it is needed, and again when it has gone."""

    def __init__(self, executable: str) -> None:
        """Keep in mind which one to start."""
        self._executable = executable
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def new_context(self, **options: Any) -> BrowserContext:
        """A fresh context of the browser, or of a fresh browser."""
        if self._browser is not None and self._browser.is_connected():
            # One that has just gone may not be known to have.
            with contextlib.suppress(Error):
                return self._browser.new_context(**options)
        self.stop()
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(
            executable_path=self._executable, args=FLAGS
        )
        return self._browser.new_context(**options)

    @contextlib.contextmanager
    def within(self, limit_s: float) -> Iterator[None]:
        """End browser and driver if what is done in here takes longer.

        Raises:
            BrowserStuckError: If it did.
        """
        over = threading.Event()

        def end() -> None:
            over.set()
            self.kill()

        timer = threading.Timer(limit_s, end)
        timer.start()
        try:
            yield
        except Error as error:
            if over.is_set():
                raise BrowserStuckError(f"ended after {limit_s:g} s: {error}") from error
            raise
        finally:
            timer.cancel()
            timer.join()
            if over.is_set():
                self.stop()

    def stop(self) -> None:
        """Stop the browser and its driver, as far as they are there."""
        with contextlib.suppress(Error):
            if self._browser is not None:
                self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()
        self._browser = self._playwright = None

    def kill(self) -> None:
        """End browser and driver at once, whatever state they are in."""
        for driver in self.drivers():
            with contextlib.suppress(psutil.NoSuchProcess):
                self.end([*driver.children(recursive=True), driver])

    @staticmethod
    def end(processes: list[psutil.Process]) -> None:
        """End processes of which some end by themselves when others do."""
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    @staticmethod
    def drivers() -> list[psutil.Process]:
        """The driver's process, if it runs; the browser's are its children."""
        found = []
        for process in psutil.Process().children():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if "run-driver" in process.cmdline():
                    found.append(process)
        return found
