"""The page's own files, in memory: what is not among them cannot be asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_STATIC = Path(__file__).resolve().parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    tag: str


def page_routes() -> list[Route]:
    """A route for every file of the page; the page itself is at ``/``."""
    return [_route(path) for path in sorted(_STATIC.rglob("*")) if path.is_file()]


def _route(path: Path) -> Route:
    content = path.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    asset = _Asset(content, _TYPES[path.suffix], tag)
    name = path.relative_to(_STATIC).as_posix()

    async def answer(request: Request) -> Response:
        headers = {"ETag": asset.tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == asset.tag:
            return Response(status_code=304, headers=headers)
        return Response(asset.content, headers=headers, media_type=asset.media_type)

    return Route("/" if name == "index.html" else f"/{name}", answer, name=name)
