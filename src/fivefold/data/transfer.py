"""One file over HTTP, whole or not at all: ranges, restarts, retries, and a limit on the pace.

What has arrived lies in ``NAME.part`` beside the goal, with ``NAME.part.json`` saying which version
of the file it is a part of. A transfer that ends at any byte goes on from there, provided that the
server still has that version; otherwise it starts over. The goal appears only when its size is the
one the server stated.
"""

from __future__ import annotations

import email.utils
import http.client
import random
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path

from fivefold.data.fivek import RemoteFile
from fivefold.data.pace import Pace, Patience
from fivefold.data.part import Part, Version
from fivefold.errors import DataError

BLOCK_BYTES = 256 * 1024
_RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONTENT_RANGE = re.compile(r"bytes (?:(?P<first>\d+)-(?P<last>\d+)|\*)/(?P<size>\d+|\*)")


class MissingFileError(DataError):
    """The server has no such file."""


class _InterruptedError(Exception):
    """The connection or the server failed in a way that may pass."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


def fetch(
    file: RemoteFile,
    folder: Path,
    *,
    pace: Pace,
    patience: Patience,
    on_size: Callable[[int], None] = lambda _: None,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> int:
    """Bring one file into ``folder``, going on from an earlier part if there is one.

    Args:
        file: What to fetch, and the path to keep it at.
        folder: What that path is relative to.
        pace: The limit shared with other transfers; its ``stop`` ends this one.
        patience: When to give up.
        on_size: Called with the whole size once the server states it.
        on_bytes: Called with the number of bytes at hand: what an earlier run left, then at every
            change; it falls on a restart.

    Returns:
        Size in bytes.

    Raises:
        MissingFileError: The server says 404 or 410.
        StoppedError: ``pace.stop`` was set.
        DiskError: The folder cannot be written.
        DataError: Any other refusal, or failures without progress beyond ``patience``.
    """
    part = Part(folder / file.path, on_bytes)
    failures, most_bytes = 0, part.size_bytes
    while True:
        try:
            pace.before_request()
            _receive(file, part, pace, patience, on_size)
            return part.finish()
        except _InterruptedError as error:
            failures = 0 if part.size_bytes > most_bytes else failures + 1
            most_bytes = max(most_bytes, part.size_bytes)
            if failures >= patience.attempts:
                raise DataError(
                    f"{file.url}: {error} (gave up after {failures} attempts in a row)"
                ) from error
            wait_s = patience.wait_s(max(failures, 1), random.random())  # noqa: S311 (jitter, no secret)
            if error.wait_s is not None:
                wait_s = max(wait_s, min(error.wait_s, patience.longest_wait_s))
            pace.sleep(wait_s)


def remote_size(file: RemoteFile, *, pace: Pace, patience: Patience) -> int | None:
    """The size that the server states for a file, in bytes, or ``None`` if it cannot be asked."""
    request = urllib.request.Request(file.url, method="HEAD", headers=_HEADERS)  # noqa: S310
    pace.before_request()
    try:
        with urllib.request.urlopen(request, timeout=patience.timeout_s) as response:  # noqa: S310
            return _length(response.headers)
    except (OSError, http.client.HTTPException):
        return None


_HEADERS = {"User-Agent": "fivefold", "Accept-Encoding": "identity"}


def _receive(
    file: RemoteFile, part: Part, pace: Pace, patience: Patience, on_size: Callable[[int], None]
) -> None:
    """One request: what is still missing of the file, or all of it. Returns when it is whole."""
    headers = dict(_HEADERS)
    if part.size_bytes and part.version is not None:
        headers["Range"] = f"bytes={part.size_bytes}-"
        if part.version.condition is not None:
            headers["If-Range"] = part.version.condition
    request = urllib.request.Request(file.url, headers=headers)  # noqa: S310 (host of the caller)
    with _network(file.url):
        try:
            response = urllib.request.urlopen(request, timeout=patience.timeout_s)  # noqa: S310
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416 and part.version is not None:
                    return _already_whole(file, part, error.headers)
                raise _refusal(file, error) from error
    with response:
        version = _version(response)
        if response.status != 206 or not _continues(part, version, response.headers):
            if response.status == 206:
                part.restart(Version(None, None, None))
                raise _InterruptedError("the file on the server changed")
            part.restart(version)
        if version.size_bytes is not None:
            on_size(version.size_bytes)
        part.append(_blocks(response, pace))
    expected = version.size_bytes or part.stated_bytes
    if expected is None and response.headers.get("Transfer-Encoding") != "chunked":
        part.restart(version)
        raise DataError(f"{file.url}: the server states no size, so that none can be checked")
    if expected is not None and part.size_bytes != expected:
        raise _InterruptedError(f"{part.size_bytes} of {expected} bytes arrived")
    return None


def _already_whole(file: RemoteFile, part: Part, headers: Message) -> None:
    """Answer to 416: nothing is missing if the size is right, and otherwise all is."""
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    size = match["size"] if match else str(part.stated_bytes)
    if size != str(part.size_bytes):
        part.restart(Version(None, None, None))
        raise _InterruptedError(f"{file.path}: the file on the server changed")


def _continues(part: Part, version: Version, headers: Message) -> bool:
    """A 206 answer goes on exactly where the part ends, in the same version of the file."""
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    return (
        match is not None
        and match["first"] == str(part.size_bytes)
        and part.version is not None
        and part.version.agrees(version)
    )


def _version(response: http.client.HTTPResponse) -> Version:
    headers = response.headers
    size = _length(headers)
    if response.status == 206:
        match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        size = int(match["size"]) if match and match["size"] != "*" else None
    return Version(size, headers.get("ETag"), headers.get("Last-Modified"))


def _length(headers: Message) -> int | None:
    length = headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _blocks(response: http.client.HTTPResponse, pace: Pace) -> Iterator[bytes]:
    while True:
        with _network(response.url):
            block = response.read1(BLOCK_BYTES)
        if not block:
            return
        yield block
        pace.after_bytes(len(block))


@contextmanager
def _network(url: str) -> Iterator[None]:
    """Name failures of the connection, which may pass, apart from refusals."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise DataError(f"{url}: {reason}") from error
        raise _InterruptedError(f"{type(error).__name__}: {reason}") from error


def _refusal(file: RemoteFile, error: urllib.error.HTTPError) -> Exception:
    if error.code in (404, 410):
        return MissingFileError(f"{file.url}: the server has no such file ({error.code})")
    reason = f"{error.code} {error.reason}"
    if error.code in _RETRIED_STATUS:
        return _InterruptedError(reason, _retry_after_s(error.headers.get("Retry-After")))
    return DataError(f"{file.url}: {reason}")


def _retry_after_s(value: str | None) -> float | None:
    """The wait that ``Retry-After`` asks for, given in seconds or as a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
