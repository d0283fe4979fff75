"""A web server on this machine that misbehaves on request."""

from __future__ import annotations

import contextlib
import http.server
import re
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Mishap:
    """How one answer goes wrong. Without any field set, it does not."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    break_after: int | None = None  # bytes of the body before the connection drops
    ignore_range: bool = False
    wrong_range: bool = False  # a 206 answer that starts elsewhere
    no_length: bool = False
    chunked: bool = False
    stall_s: float = 0.0


@dataclass
class Asked:
    """One request that came in."""

    path: str
    method: str
    range: str | None
    if_range: str | None


class UnreliableServer:
    """Serves ``files`` (path to bytes); ``mishaps[path]`` are used up one an answer."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}
        self.mishaps: dict[str, deque[Mishap]] = defaultdict(deque)
        self.always: dict[str, Mishap] = {}
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self.stopping = threading.Event()
        self._at_once = 0
        self._lock = threading.Lock()
        self.url = ""

    @contextlib.contextmanager
    def running(self) -> Iterator[UnreliableServer]:
        """Serve on a free port until the block ends."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        server.block_on_close = False
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.stopping.set()
            server.shutdown()
            server.server_close()
            thread.join()

    def requests_for(self, path: str, method: str = "GET") -> list[Asked]:
        """What was asked about one path."""
        return [a for a in self.asked if a.path == path and a.method == method]

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self._answer(with_body=False)

            def do_GET(self) -> None:
                with outer._lock:
                    outer._at_once += 1
                    outer.most_at_once = max(outer.most_at_once, outer._at_once)
                try:
                    self._answer(with_body=True)
                finally:
                    with outer._lock:
                        outer._at_once -= 1

            def _answer(self, *, with_body: bool) -> None:
                path = self.path.lstrip("/")
                with outer._lock:
                    outer.asked.append(
                        Asked(
                            path, self.command, self.headers.get("Range"), self.headers["If-Range"]
                        )
                    )
                    queue = outer.mishaps[path]
                    mishap = (
                        queue.popleft() if queue and with_body else outer.always.get(path, Mishap())
                    )
                outer.stopping.wait(mishap.stall_s)
                self.close_connection = True
                if mishap.status is not None:
                    return self._plain(mishap.status, mishap.headers)
                if path not in outer.files:
                    return self._plain(404, {})
                body, etag = outer.files[path], outer.etags.get(path)
                start, status = 0, 200
                match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
                fresh = self.headers["If-Range"] in (None, etag)
                if match and fresh and not mishap.ignore_range:
                    start, status = int(match[1]), 206
                    if start >= len(body):
                        return self._plain(416, {"Content-Range": f"bytes */{len(body)}"})
                    if mishap.wrong_range:
                        start = max(start - 1, 0)
                self.send_response(status)
                for name, value in mishap.headers.items():
                    self.send_header(name, value)
                if etag is not None:
                    self.send_header("ETag", etag)
                if status == 206:
                    self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
                if mishap.chunked:
                    self.send_header("Transfer-Encoding", "chunked")
                elif not mishap.no_length:
                    self.send_header("Content-Length", str(len(body) - start))
                self.send_header("Connection", "close")
                self.end_headers()
                if not with_body:
                    return None
                payload = body[start:]
                if mishap.break_after is not None:
                    payload = payload[: mishap.break_after]
                if mishap.chunked:
                    payload = b"%x\r\n%s\r\n" % (len(payload), payload)
                    payload += b"" if mishap.break_after is not None else b"0\r\n\r\n"
                self.wfile.write(payload)
                return None

            def _plain(self, status: int, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.send_header("Connection", "close")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler
