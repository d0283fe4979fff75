"""What the service does when there is too much, too slow, or nobody there any more."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from tests.web.conftest import encoded, hosted, picture
from tests.web.http_client import ask, form

from fivefold.runtime.enhancer import Enhancer


@pytest.fixture(scope="module")
def png() -> bytes:
    return encoded(picture(20, 20))


class Held:
    """An enhancer that works for as long as a test wants, and counts."""

    def __init__(self, enhancer: Enhancer) -> None:
        self._enhancer = enhancer
        self.bundle = enhancer.bundle
        self.model_name = enhancer.model_name
        self.release = threading.Event()
        self.predicted = 0
        self.rendered = 0
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def predict(self, photo):
        """As the enhancer, once the test lets go."""
        with self._lock:
            self.predicted += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.release.wait(20)
        with self._lock:
            self.at_once -= 1
        return self._enhancer.predict(photo)

    def render(self, *arguments, **options):
        """As the enhancer."""
        self.rendered += 1
        return self._enhancer.render(*arguments, **options)


@pytest.fixture
def held(experts) -> Iterator[Held]:
    expert = Held(experts["consensus"])
    yield expert
    expert.release.set()


def until(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    """Wait for something that another thread does."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "it did not happen"
        time.sleep(0.01)


def gauge(address: str, name: str) -> float:
    lines = ask(address, "/metrics").content.decode().splitlines()
    values = (line.split()[-1] for line in lines if line.startswith(f"fivefold_{name} "))
    return float(next(values, "0"))


def test_a_full_queue_answers_503_and_when_to_come_back(held, png):
    """Workers and queue are bounded; one more is told to wait, and nobody inside is lost."""
    with hosted({"x": held}, workers=2, queue=3) as address, ThreadPoolExecutor(5) as pool:
        inside = [pool.submit(ask, address, "/enhance", png) for _ in range(5)]
        until(lambda: gauge(address, "photos_running") == 2)
        until(lambda: gauge(address, "photos_waiting") == 3)
        refused = ask(address, "/enhance", png)
        assert refused.status == 503
        assert int(refused.headers["Retry-After"]) >= 1
        held.release.set()
        assert [future.result().status for future in inside] == [200] * 5
        assert held.most_at_once == 2
        assert ask(address, "/enhance", png).status == 200


def test_memory_for_uploads_is_bounded(experts, png):
    """Bodies that do not fit together are told to wait, though a place is free."""
    size = 200_000
    with hosted(experts, max_memory_bytes=size + 1000, idle_s=10) as address:
        with socket.create_connection(split(address)) as slow:
            slow.sendall(head("/enhance", size) + b"x" * (size - 1))
            until(lambda: gauge(address, "held_bytes") == size - 1)
            reply = ask(address, "/enhance", b"x" * 5000)
            assert reply.status == 503
            assert "Retry-After" in reply.headers
        until(lambda: gauge(address, "held_bytes") == 0)
        assert ask(address, "/enhance", png).status == 200


@pytest.mark.parametrize("way", ["body", "form", "chunked"])
def test_a_large_file_is_refused_before_it_is_kept(experts, way):
    """413 for a body above the limit, whether its length is stated or not."""
    content = b"\x89PNG" + bytes(300_000)
    with hosted(experts, max_upload_bytes=100_000) as address:
        if way == "chunked":
            reply = ask(address, "/enhance", iter([content[:150_000], content[150_000:]]))
        else:
            body, headers = (content, {}) if way == "body" else form(content)
            reply = ask(address, "/enhance", body, headers)
        assert reply.status == 413
        assert gauge(address, "held_bytes") == 0


def test_a_photo_with_too_many_pixels_is_refused(experts):
    """413 names the pixels, and a photo just below the limit passes."""
    with hosted(experts, max_pixels=900) as address:
        assert ask(address, "/grid", encoded(picture(30, 30))).status == 200
        reply = ask(address, "/grid", encoded(picture(31, 30)))
        assert reply.status == 413
        assert "31 × 30" in reply.json["detail"]


def test_a_client_that_stops_sending_is_let_go(experts, png):
    """408 after the allowed pause; its place and its bytes are free again."""
    with hosted(experts, workers=1, queue=0, idle_s=0.3) as address:
        with socket.create_connection(split(address), timeout=10) as slow:
            slow.sendall(head("/enhance", 1000) + b"x" * 10)
            assert b" 408 " in slow.recv(4096).splitlines()[0]
        assert gauge(address, "held_bytes") == 0
        assert ask(address, "/enhance", png).status == 200


def test_a_trickle_is_let_go(experts):
    """A client that sends a byte now and then has no longer than the whole transfer may take."""
    with (
        hosted(experts, idle_s=5, transfer_s=0.6) as address,
        socket.create_connection(split(address), timeout=10) as slow,
    ):
        slow.sendall(head("/enhance", 100_000))
        slow.settimeout(0.05)
        answer = b""
        for _ in range(100):
            slow.sendall(b"x")
            try:
                answer = slow.recv(4096)
            except TimeoutError:
                continue
            break
        assert b" 408 " in answer.splitlines()[0]


def test_work_that_takes_too_long_is_given_up(held, png):
    """504 when the time is up, 503 for who never came to a worker; nothing is done in vain."""
    with hosted({"x": held}, workers=1, work_s=0.4) as address, ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, address, "/enhance", png)
        until(lambda: held.predicted == 1)
        second = pool.submit(ask, address, "/enhance", png)
        assert first.result().status == 504
        assert second.result().status == 503
        assert gauge(address, "photos_running") == 1  # the thread itself cannot be stopped
        held.release.set()
        until(lambda: gauge(address, "photos_running") == 0)
        until(lambda: gauge(address, "held_bytes") == 0)
        assert (held.predicted, held.rendered) == (1, 0)


def test_work_for_a_client_that_left_is_dropped(held, png):
    """When the client goes, its job ends at the next step and its place is free."""
    with hosted({"x": held}, workers=1, queue=0) as address:
        with socket.create_connection(split(address)) as leaving:
            leaving.sendall(head("/enhance", len(png)) + png)
            until(lambda: held.predicted == 1)
        until(lambda: gauge(address, 'requests_total{path="/enhance",status="499"}') == 1)
        assert gauge(address, "photos_running") == 1
        held.release.set()
        until(lambda: gauge(address, "photos_running") == 0)
        assert held.rendered == 0
        until(lambda: gauge(address, "held_bytes") == 0)
        assert ask(address, "/enhance", png).status == 200


def test_nothing_is_written_to_disk(service):
    """Not even for the time of a request: no file is opened to write while a form is served."""
    written: list[object] = []
    armed = True

    def audit(event: str, arguments: tuple) -> None:
        if armed and event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            written.append(arguments[0])

    sys.addaudithook(audit)
    body, headers = form(encoded(picture(900, 900)))  # more than frameworks keep in memory
    assert len(body) > 1 << 20
    reply = ask(service, "/enhance", body, headers)
    armed = False
    assert reply.status == 200
    assert not written


def split(address: str) -> tuple[str, int]:
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def head(path: str, length: int) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()
