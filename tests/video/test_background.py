"""Work in another thread: the same items, the same errors, and nothing that stays."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from fivefold.video.background import in_background


def count(log: list[str], upto: int = 10**9, fail_at: int = -1) -> Generator[int]:
    """Numbers from 0; notes in which thread it was closed."""
    try:
        for i in range(upto):
            if i == fail_at:
                raise OSError("no more")
            yield i
    finally:
        log.append(threading.current_thread().name)


def test_the_items_are_the_same() -> None:
    """All of them, in order, also through two threads, which end."""
    log: list[str] = []
    assert list(in_background(in_background(count(log, 1000)))) == list(range(1000))
    assert log == ["fivefold-video"]
    assert "fivefold-video" not in {thread.name for thread in threading.enumerate()}


def test_an_error_comes_behind_its_items() -> None:
    """With its own type and words."""
    items = in_background(count([], fail_at=20))
    assert [next(items) for _ in range(20)] == list(range(20))
    with pytest.raises(OSError, match="no more"):
        next(items)


def test_closing_ends_the_other_threads() -> None:
    """In the middle of endless work, and each generator is closed by the thread that ran it."""
    log: list[str] = []
    items = in_background(in_background(count(log)))
    assert next(items) == 0
    items.close()
    assert log == ["fivefold-video"]
    assert "fivefold-video" not in {thread.name for thread in threading.enumerate()}


def test_only_a_few_items_are_made_ahead() -> None:
    """Who uses them slowly is not flooded."""
    made = []

    def make() -> Generator[int]:
        for i in range(1000):
            made.append(i)
            yield i

    items = in_background(make())
    for expected in range(20):
        assert next(items) == expected
        assert len(made) <= expected + 12
    items.close()
