"""Work shared out among threads comes back in order, and errors come to who asked."""

from __future__ import annotations

import threading
import time

import pytest

from fivefold.photo.threads import Later, share_out


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_results_are_in_the_order_of_the_items(threads: int, count: int) -> None:
    """Whatever thread is done first."""

    def work(item: int) -> int:
        time.sleep(0.002 * (count - item))
        return item * item

    assert share_out(work, range(count), threads) == [n * n for n in range(count)]


def test_no_more_threads_run_than_were_allowed() -> None:
    """This thread is one of them."""
    lock, running, most = threading.Lock(), 0, 0

    def work(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    share_out(work, range(12), 3)
    assert 1 <= most <= 3


@pytest.mark.parametrize("bad", [0, 3, 9])
def test_an_error_ends_the_work(bad: int) -> None:
    """It is raised once no call runs any more, and what was not begun is left out."""
    done: list[int] = []

    def work(item: int) -> None:
        if item == bad:
            raise LookupError(f"item {item}")
        time.sleep(0.002)
        done.append(item)

    with pytest.raises(LookupError, match=f"item {bad}"):
        share_out(work, range(10), 2)
    after = list(done)
    time.sleep(0.01)
    assert done == after
    assert len(done) < 10


def test_a_result_may_be_asked_for_again() -> None:
    """A value, and an error alike."""
    value = Later(lambda: 7)
    assert (value.result(), value.result()) == (7, 7)
    error = Later(lambda: 1 // 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            error.result()
