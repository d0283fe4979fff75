"""The photo in a request's body: streamed, counted, held in memory only."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

import python_multipart
from python_multipart.exceptions import MultipartParseError
from starlette.requests import ClientDisconnect, Request

from fivefold.web.problems import ProblemError, too_large, too_slow
from fivefold.web.settings import Settings

FIELD = "file"
_UNNAMED = "photo"
_LONGEST_NAME = 120
_MOST_OTHER_BYTES = 64 << 10  # of a form: boundaries, headers, and fields that are not the photo


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent.

    Attributes:
        name: The file's own name without folders, or ``"photo"``.
        content: Its bytes.
    """

    name: str
    content: bytes


class _Sink(Protocol):
    def write(self, chunk: bytes) -> None: ...
    def finish(self) -> Upload: ...


async def read_upload(
    request: Request, settings: Settings, reserve: Callable[[int], None]
) -> Upload:
    """Read the photo of a request: the field ``file`` of a form, or the whole body.

    Args:
        request: Its body has not been read.
        settings: Limits of size and time.
        reserve: Called with the number of bytes of every chunk before it is kept; raises
            when the service holds too much already.

    Raises:
        ProblemError: 400, 408 or 413; or what ``reserve`` raises.
        ClientDisconnect: If the client left.
    """
    limit = settings.max_upload_bytes
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > limit + _MOST_OTHER_BYTES:
        raise too_large(limit)
    sink = _sink_for(request, limit)

    def keep(chunk: bytes) -> None:
        reserve(len(chunk))
        sink.write(chunk)

    await _pump(request, settings, keep)
    return sink.finish()


async def drain(request: Request, settings: Settings) -> None:
    """Read what a refused client still sends and forget it, so that it gets to see the refusal.

    A client that sends a photo looks at the answer only when it is done. This costs no memory,
    and no more bytes or time than an accepted photo.
    """
    size = 0

    def forget(chunk: bytes) -> None:
        nonlocal size
        size += len(chunk)
        if size > settings.max_upload_bytes + _MOST_OTHER_BYTES:
            raise too_large(settings.max_upload_bytes)

    # It may have left, be too slow, send without end, or have been read already.
    with contextlib.suppress(ClientDisconnect, ProblemError, RuntimeError):
        await _pump(request, settings, forget)


async def _pump(request: Request, settings: Settings, take: Callable[[bytes], None]) -> None:
    """Hand every chunk of the body to ``take``, for no longer than the settings allow."""
    clock = asyncio.get_running_loop().time
    end_s = clock() + settings.transfer_s
    stream = request.stream()
    try:
        while True:
            async with asyncio.timeout(min(settings.idle_s, end_s - clock())):
                chunk = await anext(stream, None)
            if chunk is None:
                return
            take(chunk)
    except TimeoutError as error:
        raise too_slow("Sending the photo") from error


def _sink_for(request: Request, limit: int) -> _Sink:
    kind, parameters = python_multipart.multipart.parse_options_header(
        request.headers.get("content-type")
    )
    if kind != b"multipart/form-data":
        return _Body(limit)
    boundary = parameters.get(b"boundary")
    if not boundary:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "The form has no boundary.")
    return _Form(boundary, limit)


class _Body:
    """The body is the photo."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._content = bytearray()

    def write(self, chunk: bytes) -> None:
        if len(self._content) + len(chunk) > self._limit:
            raise too_large(self._limit)
        self._content += chunk

    def finish(self) -> Upload:
        return _checked(Upload(_UNNAMED, bytes(self._content)))


class _Form:
    """The photo is the form's field ``file``; other fields are passed over."""

    def __init__(self, boundary: bytes, limit: int) -> None:
        self._limit = limit
        self._content: bytearray | None = None
        self._name = _UNNAMED
        self._is_file = False
        self._is_complete = False
        self._other_bytes = 0
        self._header = bytearray()
        self._value = bytearray()
        callbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._take_header,
            "on_header_value": self._take_value,
            "on_header_end": self._end_header,
            "on_part_data": self._take_data,
            "on_end": self._end,
        }
        try:
            self._parser = python_multipart.MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        except MultipartParseError as error:
            raise _malformed() from error

    def write(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise _malformed() from error

    def finish(self) -> Upload:
        if not self._is_complete:
            raise _malformed()
        if self._content is None:
            raise ProblemError(
                HTTPStatus.BAD_REQUEST, f"The form has no field {FIELD!r} with a photo."
            )
        return _checked(Upload(self._name, bytes(self._content)))

    def _begin(self) -> None:
        self._is_file = False

    def _take_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._read_disposition(bytes(self._value))
        self._header.clear()
        self._value.clear()

    def _read_disposition(self, value: bytes) -> None:
        _, parameters = python_multipart.multipart.parse_options_header(value)
        if parameters.get(b"name") != FIELD.encode():
            return
        if self._content is not None:
            raise ProblemError(HTTPStatus.BAD_REQUEST, "One photo at a time, please.")
        self._is_file = True
        self._content = bytearray()
        self._name = plain_name(parameters.get(b"filename", b"").decode(errors="replace"))

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file and self._content is not None:
            if len(self._content) + end - start > self._limit:
                raise too_large(self._limit)
            self._content += data[start:end]
            return
        self._other_bytes += end - start
        if self._other_bytes > _MOST_OTHER_BYTES:
            raise self._too_much_else()

    def _too_much_else(self) -> ProblemError:
        """The answer to a form with too much beside the photo, which may be in a misnamed field."""
        kilobytes = _MOST_OTHER_BYTES >> 10
        if self._content is None:
            return ProblemError(
                HTTPStatus.BAD_REQUEST,
                f"The form has no field {FIELD!r} with a photo within its first {kilobytes} KB.",
            )
        return ProblemError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The form has more than {kilobytes} KB besides the photo.",
        )

    def _end(self) -> None:
        self._is_complete = True


def plain_name(name: str) -> str:
    """A file's name as it may be shown and sent back: no folders, nothing invisible, not long."""
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(char for char in name if char.isprintable()).strip(" .")
    if len(name) > _LONGEST_NAME:
        stem, dot, suffix = name.rpartition(".")
        keep = _LONGEST_NAME - len(suffix) - 1
        name = f"{stem[:keep]}.{suffix}" if dot and keep > 0 else name[:_LONGEST_NAME]
    return name or _UNNAMED


def _checked(upload: Upload) -> Upload:
    if not upload.content:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "No photo was sent.")
    return upload


def _malformed() -> ProblemError:
    return ProblemError(HTTPStatus.BAD_REQUEST, "The form is malformed or incomplete.")
