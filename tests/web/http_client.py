"""The smallest HTTP client that tells everything about an answer."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

BOUNDARY = "----a-boundary-of-the-tests"


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def json(self) -> Any:
        """The content, parsed."""
        return json.loads(self.content)


def ask(
    address: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    *,
    method: str | None = None,
    timeout_s: float = 60,
) -> Reply:
    """Send one request; a body makes it a POST."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=timeout_s)
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, body, headers or {})
        answer = connection.getresponse()
        return Reply(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def form(content: bytes, filename: str = "photo.png", field: str = "file") -> tuple[bytes, dict]:
    """A form with one file, and its headers."""
    head = f'Content-Disposition: form-data; name="{field}"; filename="{filename}"'
    body = b"".join(
        [
            f"--{BOUNDARY}\r\n{head}\r\nContent-Type: image/png\r\n\r\n".encode(),
            content,
            f"\r\n--{BOUNDARY}--\r\n".encode(),
        ]
    )
    return body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
