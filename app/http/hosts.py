"""Which hosts this server answers to.

Whoever owns a name may have it resolve to 127.0.0.1 (DNS rebinding): a page of theirs then speaks to us as its own
origin. So only hosts that we know are ours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import URL
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.asgi.answers import error_body, refuse_websocket
from app.delivery.page_links import BASE, local_address
from app.errors import BadInput, shown

UNKNOWN = "This server is not known by that Host: RUNWATCH_PUBLIC_URL and RUNWATCH_ALLOWED_HOSTS name its hosts"


class Misdirected(BadInput):
    """The Host is that of another server."""

    status = 421


PROBES = ("/health", "/health/live", "/health/ready")
# A name of DNS with a port; what is longer is not kept.
MAX_KEPT = 260
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class Hosts:
    """ASGI: passes on what names RUNWATCH_PUBLIC_URL's host, an allowed one, an address, or a name without a dot.

    Nobody owns an address or a name without a dot, so neither can be rebound. Everything else gets a 421, except for
    /health, which probes ask by whatever name they have.
    """

    def __init__(self, app: ASGIApp, public_url: str, allowed: Iterable[str]) -> None:
        self._app = app
        public = urlsplit(public_url).hostname
        self._names = {name.lower() for name in (*allowed, *([public] if public else []))}
        self._any = "*" in self._names
        self._knows_host = lru_cache(256)(self._knows_name)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """One connection."""
        if scope["type"] == "lifespan" or scope["path"] in PROBES or self._knows(scope):
            return self._app(scope, receive, send)
        return _misdirect(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        """Whether the Host header names one of them. HTTP/1.0 may have none; two are refused."""
        given = [value for name, value in scope["headers"] if name == b"host"]
        if self._any or not given:
            return True
        if len(given) > 1:
            return False
        return self._knows_host(given[0]) if len(given[0]) <= MAX_KEPT else self._knows_name(given[0])

    def _knows_name(self, host: bytes) -> bool:
        name = _name_of(host.decode("latin-1"))
        return name in self._names or "." not in name or _is_address(name)


class OneLoopback:
    """ASGI: pages that are asked for by another name of this machine are moved to the one that the server prints.

    A browser keeps a session by name: with a link to 127.0.0.1, somebody at localhost would not be signed in.
    """

    def __init__(self, app: ASGIApp, host: str, public_url: str) -> None:
        self._app = app
        printed = urlsplit(public_url or local_address(host, 0)).hostname or ""
        self._printed = printed if printed in _LOOPBACK else None

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """One connection."""
        if scope["type"] == "http" and self._printed is not None and _is_page(scope):
            given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
            if _name_of(given) in _LOOPBACK - {self._printed}:
                # The browser keeps the fragment.
                shown_as = f"[{self._printed}]" if ":" in self._printed else self._printed
                url = URL(scope=scope).replace(hostname=shown_as)
                return RedirectResponse(url, 303, {"cache-control": "no-store"})(scope, receive, send)
        return self._app(scope, receive, send)


def _is_page(scope: Scope) -> bool:
    """Whether a browser loads a page, and not a part of one."""
    if scope["method"] != "GET":
        return False
    path = scope["path"]
    asks = any(b"text/html" in value for name, value in scope["headers"] if name == b"accept")
    pages = path in ("/", "/graphiql", "/admin") or path.startswith((BASE, "/executions/"))
    return asks and pages


async def _misdirect(scope: Scope, receive: Receive, send: Send) -> None:
    error = Misdirected(UNKNOWN)
    if scope["type"] == "websocket":
        await refuse_websocket(scope, receive, send, error)
        return
    body = error_body(shown(error))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _name_of(host: str) -> str:
    """Without the port: `[::1]:8000` is `::1`."""
    lowered = host.lower()
    if lowered.startswith("["):
        return lowered[1:].partition("]")[0]
    return lowered.partition(":")[0].rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
