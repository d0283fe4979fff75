"""The HTTP service: photos in, enhanced photos or grids out, and the page that uses it.

Every request for work goes the same way: its address is checked, it is let in or told to come
back, its photo is read into memory, a thread works on it while somebody watches whether the client
is still there, and the answer is sent. Nothing is written to disk.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fivefold.photo.threads import available_threads
from fivefold.web import metrics, parameters
from fivefold.web.experts import Experts
from fivefold.web.guard import Guard, hide_error
from fivefold.web.jobs import Answer, Jobs
from fivefold.web.metrics import Metrics
from fivefold.web.openapi import describe
from fivefold.web.page import page_routes
from fivefold.web.problems import ProblemError
from fivefold.web.settings import Settings
from fivefold.web.uploads import Upload, drain, read_upload
from fivefold.web.workshop import Job, Workshop

if TYPE_CHECKING:
    from fivefold.runtime.enhancer import Enhancer

_PART_BYTES = 256 << 10

Task = Callable[[Upload, Job], Answer]


def create_app(experts: Mapping[str, Enhancer], settings: Settings | None = None) -> ASGIApp:
    """The service as an ASGI application.

    Args:
        experts: Enhancers by the name that requests call them; the first is the default. They are
            called from several threads at once. Those that are styles of one bundle can be
            blended.
        settings: Limits, and who may ask.

    Raises:
        ValueError: If there is no expert.
    """
    if not experts:
        raise ValueError("experts must have at least one enhancer, received none")
    settings = settings or Settings()
    service = _Service(Experts(experts), settings)
    work = {
        "/enhance": service.plan_enhance,
        "/grid": service.plan_grid,
        "/preview": service.plan_preview,
        "/check": service.plan_check,
    }
    routes = [
        *(Route(path, _Work(service, plan), methods=["POST"]) for path, plan in work.items()),
        Route("/health", service.health),
        Route("/metrics", service.expose_metrics),
        Route("/openapi.json", service.openapi),
        *page_routes(),
    ]
    app = Starlette(
        routes=routes,
        lifespan=service.lifespan,
        exception_handlers={HTTPException: _refuse, Exception: hide_error},
    )
    app.router.redirect_slashes = False
    return Guard(
        app,
        metrics=service.metrics,
        paths=[route.path for route in routes],
        protected=[*work, "/metrics"],
        settings=settings,
    )


class _Service:
    def __init__(self, experts: Experts, settings: Settings) -> None:
        self.experts = experts
        self.settings = settings
        self.metrics = Metrics()
        self.workshop = Workshop(settings)
        threads = max(1, available_threads() // settings.workers)
        self._jobs = Jobs(settings.max_pixels, threads)

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self.workshop.close()

    def plan_enhance(self, query: QueryParams) -> Task:
        look = parameters.parse_look(query, self.experts)
        return lambda upload, job: self._jobs.enhance(upload, look, job)

    def plan_grid(self, query: QueryParams) -> Task:
        parameters.check_names(query, ("expert",))
        enhancer = parameters.parse_expert(query, self.experts)
        return lambda upload, job: self._jobs.predict(upload, enhancer, job)

    def plan_preview(self, query: QueryParams) -> Task:
        max_side_px = parameters.parse_max_side(query)
        return lambda upload, job: self._jobs.preview(upload, max_side_px, job)

    def plan_check(self, query: QueryParams) -> Task:
        parameters.check_names(query, ())
        return self._jobs.check

    async def health(self, request: Request) -> Response:
        from fivefold import __version__

        parameters.check_names(request.query_params, ())
        return JSONResponse(
            {
                "status": "ok",
                "version": __version__,
                "experts": self.experts.names,
                "needs_token": self.settings.token is not None,
                "max_upload_bytes": self.settings.max_upload_bytes,
                "max_pixels": self.settings.max_pixels,
            }
        )

    async def expose_metrics(self, request: Request) -> Response:
        parameters.check_names(request.query_params, ())
        workshop = self.workshop
        gauges = {
            "workers": ("Photos that may be worked on at a time.", self.settings.workers),
            "photos_running": ("Photos that are being worked on.", workshop.running),
            "photos_waiting": ("Requests that are sent, wait or are answered.", workshop.waiting),
            "held_bytes": ("Bytes of photos in memory, as sent.", workshop.held_bytes),
        }
        return Response(self.metrics.exposition(gauges), media_type=metrics.MEDIA_TYPE)

    async def openapi(self, request: Request) -> Response:
        parameters.check_names(request.query_params, ())
        blendable = list(self.experts.blendable())
        return JSONResponse(describe(self.experts.names, self.settings, blendable))


class _Work:
    """An endpoint that takes a photo."""

    def __init__(self, service: _Service, plan: Callable[[QueryParams], Task]) -> None:
        self._service = service
        self._plan = plan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        service = self._service
        try:
            task = self._plan(request.query_params)
            async with service.workshop.admit() as ticket:
                upload = await read_upload(request, service.settings, ticket.reserve)
                answer = await _while_wanted(request, ticket.run(partial(task, upload)))
                service.metrics.count_photo(answer.pixels, len(upload.content), len(answer.content))
                async with asyncio.timeout(service.settings.transfer_s):
                    await _send(answer, send)
        except ProblemError as problem:
            await drain(request, service.settings)
            await problem.response()(scope, receive, send)
        except ClientDisconnect:
            return


async def _while_wanted(request: Request, work: Coroutine[Any, Any, Answer]) -> Answer:
    """Do the work, unless the client leaves before it is done.

    Raises:
        ClientDisconnect: If it left; the work has been cancelled.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_leaving(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        for future in (working, leaving):
            if not future.done():
                future.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _leaving(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _send(answer: Answer, send: Send) -> None:
    """Send a file in parts, so that no second copy of it waits in the connection's buffer."""
    headers = {
        "Content-Type": answer.media_type,
        "Content-Length": str(len(answer.content)),
    }
    if answer.name is not None:
        headers["Content-Disposition"] = _disposition(answer.name)
    raw = [(key.lower().encode(), value.encode()) for key, value in headers.items()]
    await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": raw})
    content = memoryview(answer.content)
    for start in range(0, len(content), _PART_BYTES):
        part = content[start : start + _PART_BYTES]
        await send({"type": "http.response.body", "body": bytes(part), "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _disposition(name: str) -> str:
    """RFC 6266: a plain name for old programs, and the real one."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    details = {
        404: "There is nothing at this address.",
        405: "This address does not take that method.",
    }
    detail = details.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    return ProblemError(HTTPStatus(error.status_code), detail, headers).response()
