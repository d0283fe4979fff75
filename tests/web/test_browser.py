"""One stuck or lost browser costs one test."""

from __future__ import annotations

import signal

import pytest
from tests.web.browser import visiting
from tests.web.chromium import BrowserStuckError


def test_a_stuck_browser_fails_its_visit_and_no_other(browser, service):
    """A driver that answers nothing more is ended with a reason; the next visit is a fresh one."""

    def wait_in_vain():
        with visiting(browser, service, limit_s=2) as visit:
            for process in browser.drivers():
                process.send_signal(signal.SIGSTOP)
            visit.page.evaluate("1 + 1")

    with pytest.raises(BrowserStuckError, match=r"^ended after 2 s: "):
        wait_in_vain()
    with visiting(browser, service) as visit:
        assert visit.page.evaluate("1 + 1") == 2


def test_a_lost_browser_is_replaced(browser, service):
    """One that crashed between two visits, with its driver or without, is started again."""
    for part in ("browser", "driver"):
        with visiting(browser, service):
            pass
        (driver,) = browser.drivers()
        browser.end([driver] if part == "driver" else driver.children(recursive=True))
        with visiting(browser, service) as visit:
            assert visit.page.evaluate("1 + 1") == 2
