"""``fivefold serve``: the page and the HTTP service on this computer."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from fivefold.errors import FivefoldError, MissingExtraError

if TYPE_CHECKING:
    import socket

    import uvicorn
    from starlette.types import ASGIApp

    from fivefold.runtime.enhancer import Enhancer
    from fivefold.web.settings import Settings

DEFAULT_PORT = 8555
TOKEN_VARIABLE = "FIVEFOLD_TOKEN"  # noqa: S105, the name of a variable

_MOST_CONNECTIONS = 512
_KEEP_ALIVE_S = 15
_SHUTDOWN_S = 5
_MEGABYTE = 1 << 20
_EXAMPLES = """\
examples:
  fivefold serve                       the page, on this computer only
  fivefold serve --port 8000           at another port; 0 takes a free one
  fivefold serve --bundle look.fivefold --bundle consensus
                                       several models to choose from
  fivefold serve --host 0.0.0.0 --token
                                       for other devices, which need the token that is printed
"""


def add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments of ``fivefold serve``."""
    parser.description = "Open the page, and serve the HTTP API that it uses."
    parser.epilog = _EXAMPLES
    add = parser.add_argument
    add("--host", default="127.0.0.1", metavar="H", help="address (default: this computer only)")
    add("--port", type=int, default=DEFAULT_PORT, metavar="P", help="default: %(default)s")
    add(
        "--bundle",
        action="append",
        metavar="B",
        help="model to offer: a file or a name that 'info' lists; may be repeated, the first is "
        "the default (default: all that came with the program)",
    )
    add(
        "--token",
        nargs="?",
        const="",
        metavar="T",
        help="what clients must bring; without T one is made up and printed "
        f"(also from the variable {TOKEN_VARIABLE})",
    )
    add("--workers", type=int, metavar="N", help="photos at a time (default: one for each core)")
    add("--queue", type=int, metavar="N", help="requests that may wait (default: 32)")
    add("--max-megabytes", type=int, metavar="N", help="largest file (default: 200)")
    add("--max-megapixels", type=int, metavar="N", help="largest photo (default: 120)")
    add(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="another name for this service, as behind a proxy; may be repeated",
    )
    opening = parser.add_mutually_exclusive_group()
    opening.add_argument("--open", action="store_true", default=None, help="open the browser")
    opening.add_argument(
        "--no-open", action="store_false", dest="open", help="do not (default: on a terminal)"
    )


def serve(options: argparse.Namespace, settings: Settings, say: Callable[[str], None]) -> int:
    """Serve until Ctrl-C.

    Args:
        options: What :func:`add_serve_arguments` describes.
        settings: What :func:`settings_of` made of them.
        say: Prints a line for the person at the terminal.

    Returns:
        0.

    Raises:
        MissingExtraError: If the web extra is not installed.
        FivefoldError: If a bundle cannot be read, or the address not be used.
    """
    try:
        import uvicorn  # noqa: F401, missed here and not when the first bundle is loaded

        from fivefold.web.app import create_app
    except ImportError as error:
        raise MissingExtraError(f"the web service ({error.name})", "web") from error

    experts = load_experts(options.bundle, settings.workers)
    with listen(options.host, options.port) as listener:
        address = page_address(listener, settings.token)
        say(f"the page is at {address} (Ctrl-C stops it)")
        if settings.token is None and not _is_loopback(listener):
            say("everybody who can reach this computer can use it; --token asks for a token")
        server = make_server(create_app(experts, settings))
        if _should_open(options):
            import webbrowser

            webbrowser.open(address)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    return 0


def make_server(app: ASGIApp) -> uvicorn.Server:
    """The HTTP server, not yet running; ``run(sockets=[...])`` does."""
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(
            app,
            lifespan="on",
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_SHUTDOWN_S,
        )
    )


def settings_of(options: argparse.Namespace) -> Settings:
    """The service's limits, as the command line changes them.

    Raises:
        ValueError: If one is out of range.
    """
    from fivefold.web.settings import Settings

    token = options.token if options.token is not None else os.environ.get(TOKEN_VARIABLE)
    if token == "":
        import secrets

        token = secrets.token_urlsafe(18)
    changed = {
        "workers": options.workers,
        "queue": options.queue,
        "max_upload_bytes": options.max_megabytes and options.max_megabytes * _MEGABYTE,
        "max_pixels": options.max_megapixels and options.max_megapixels * 1_000_000,
    }
    return Settings(
        token=token,
        hosts=frozenset([*options.allow_host, options.host]),
        **{name: value for name, value in changed.items() if value is not None},
    )


def load_experts(bundles: list[str] | None, workers: int) -> dict[str, Enhancer]:
    """Enhancers by style, or by bundle where it has one only, the default one first.

    Args:
        bundles: Files and names; ``None`` means all that came with the package.
        workers: How many photos share the cores.

    Raises:
        FivefoldError: If there is none, two have one name, or one cannot be read.
    """
    from fivefold.photo.threads import available_threads
    from fivefold.runtime.enhancer import Enhancer

    threads = max(1, available_threads() // workers)
    experts: dict[str, Enhancer] = {}
    for bundle in offered_bundles(bundles):
        enhancer = Enhancer.load(bundle, threads=threads)
        for style in enhancer.styles:
            if style in experts:
                raise FivefoldError(f"{bundle}: another bundle is called {style} too, or has it")
            experts[style] = enhancer.in_style(style)
    return experts


def offered_bundles(chosen: list[str] | None) -> list[str]:
    """The bundles that were chosen, or all that came with the package, the default one first."""
    from fivefold.runtime.enhancer import DEFAULT_BUNDLE, shipped_bundles

    shipped = sorted(shipped_bundles(), key=lambda name: (name != DEFAULT_BUNDLE, name))
    return chosen or shipped or [DEFAULT_BUNDLE]


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections.

    Raises:
        FivefoldError: If the address is not there, taken, or not allowed.
    """
    import socket

    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_MOST_CONNECTIONS)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FivefoldError(f"{host}:{port}: {reason.lower()}") from error


def page_address(listener: socket.socket, token: str | None) -> str:
    """Where the page is; the token follows in the part that browsers keep to themselves."""
    import ipaddress
    import socket

    host, port = listener.getsockname()[:2]
    place = ipaddress.ip_address(host)
    if place.is_unspecified:
        host = socket.gethostname()
    elif place.version == 6:
        host = f"[{host}]"
    return f"http://{host}:{port}/" + (f"#token={token}" if token else "")


def _is_loopback(listener: socket.socket) -> bool:
    import ipaddress

    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def _should_open(options: argparse.Namespace) -> bool:
    if options.open is not None:
        return bool(options.open)
    has_screen = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return has_screen and sys.stderr.isatty()
