"""Answers to requests that cannot be served (RFC 9457): a reason for people, never a path."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import JSONResponse

from fivefold.errors import (
    FivefoldError,
    MissingExtraError,
    PhotoReadError,
    PhotoTooLargeError,
    UnsupportedPhotoError,
)

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """A request that is answered with an error.

    Attributes:
        status: The HTTP status.
        detail: One sentence for the person who sees it.
        headers: What the answer carries besides.
    """

    def __init__(
        self, status: HTTPStatus, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}

    def response(self) -> JSONResponse:
        """The answer."""
        body = {"title": self.status.phrase, "status": int(self.status), "detail": self.detail}
        return JSONResponse(body, self.status, self.headers, MEDIA_TYPE)


def busy(retry_after_s: int) -> ProblemError:
    """The answer to one request too many."""
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"Too many photos at a time; try again in {retry_after_s} s.",
        {"Retry-After": str(retry_after_s)},
    )


def too_large(limit_bytes: int) -> ProblemError:
    """The answer to a body above the limit."""
    return ProblemError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The file is larger than {limit_bytes / (1 << 20):.0f} MB, the most that is taken here.",
    )


def too_slow(what: str) -> ProblemError:
    """The answer to a client that sends too slowly."""
    return ProblemError(HTTPStatus.REQUEST_TIMEOUT, f"{what} took too long.")


def of_photo(error: FivefoldError) -> ProblemError:
    """The answer to a photo that cannot be read: its reader's own words."""
    if isinstance(error, PhotoTooLargeError):
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    elif isinstance(error, UnsupportedPhotoError | MissingExtraError):
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    elif isinstance(error, PhotoReadError):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    else:
        raise error
    return ProblemError(status, str(error))
