"""What every request passes first and every answer last: who may ask, and what browsers may do."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import re
import secrets
import socket
import time
from collections.abc import Iterable
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fivefold.web.metrics import Metrics
from fivefold.web.problems import ProblemError
from fivefold.web.settings import Settings
from fivefold.web.uploads import drain

_log = logging.getLogger("fivefold.web")

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
"""The page loads nothing from elsewhere, sends nothing elsewhere and runs in nobody's frame."""

ERROR_NUMBER = "fivefold.error_number"
"""Where a request's scope holds the number under which the log would have its error."""

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]]+))(?::\d+)?")
_CLIENT_LEFT = 499  # what proxies write into their logs for an answer that nobody waited for
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


async def hide_error(request: Request, _: Exception) -> Response:
    """The answer to a request that met a bug: what it was is for the log, where paths may stand."""
    number = request.scope[ERROR_NUMBER]
    return ProblemError(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        f"Something went wrong here; the server's log says what, as error {number}.",
    ).response()


class Guard:
    """The outermost layer of the application.

    Args:
        app: What it guards.
        metrics: Where answers are counted.
        paths: The routes that exist; everything else is counted as one.
        protected: The routes that ask for the token, if there is one.
        settings: The token and the names of the service, and its limits.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        paths: Iterable[str],
        protected: Iterable[str],
        settings: Settings,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = frozenset(paths)
        self._protected = frozenset(protected)
        self._settings = settings
        self._token = settings.token
        name = socket.gethostname().lower()
        self._hosts = frozenset(host.lower() for host in settings.hosts) | {
            "localhost",
            name,
            f"{name}.local",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[ERROR_NUMBER] = secrets.token_hex(4)
        start_s = time.perf_counter()
        status = _CLIENT_LEFT

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, receive, watch)
        except ProblemError as problem:
            await drain(Request(scope, receive), self._settings)
            await problem.response()(scope, receive, watch)
        except Exception:
            _log.exception("error %s", scope[ERROR_NUMBER])  # it has been answered inside
        finally:
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._metrics.count(path, status, time.perf_counter() - start_s)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_own(host):
            # A name that a stranger's DNS points here would let his page read our answers.
            raise ProblemError(
                HTTPStatus.MISDIRECTED_REQUEST,
                "This name is not one of this service's; fivefold serve --allow-host adds it.",
            )
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            raise ProblemError(HTTPStatus.FORBIDDEN, "Other sites may not use this service.")
        if self._token is not None and scope["path"] in self._protected:
            self._check_token(headers.get("authorization", ""))

    def _is_own(self, host: str) -> bool:
        match = _HOST.fullmatch(host.lower())
        if match is None:
            return False
        name = match[1] or match[2]
        if name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)  # no DNS is asked about a number
        except ValueError:
            return False
        return True

    def _check_token(self, authorization: str) -> None:
        assert self._token is not None
        scheme, _, given = authorization.partition(" ")
        is_right = hmac.compare_digest(given.strip().encode(), self._token.encode())
        if scheme.lower() != "bearer" or not is_right:
            raise ProblemError(
                HTTPStatus.UNAUTHORIZED,
                "The token is missing or wrong.",
                {"WWW-Authenticate": 'Bearer realm="fivefold"'},
            )
