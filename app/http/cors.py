"""Pages of other origins that may use the API: with a bearer token, never with a cookie.

Browsers keep answers from other pages, but let any page open a WebSocket: there we look at Origin ourselves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.asgi.answers import refuse_websocket
from app.errors import Forbidden
from app.http.origins import header, is_own_page

_PREFLIGHT = [
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type, if-none-match, x-request-id, x-runwatch-cost"),
    (b"access-control-max-age", b"600"),
]
_EXPOSED = (b"access-control-expose-headers", b"etag, retry-after, x-request-id")
_VARY = (b"vary", b"Origin")
OTHER_PAGE = (
    "Origin: pages of other origins must not open WebSockets here, unless RUNWATCH_ALLOWED_ORIGINS lists them; behind a"
    " proxy that replaces Host, RUNWATCH_PUBLIC_URL must say this server's own"
)


class Cors:
    """ASGI: lets pages of `origins` read answers of /graphql and /api, and open sockets, as those of this server may.

    Their preflights need no sign-in. Programs send no Origin, or Authorization, which no page can send on a socket.

    It never sends Access-Control-Allow-Credentials, so browsers keep cookies out of it.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str], public_url: str) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._public_url = public_url

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """One connection."""
        if scope["type"] == "websocket" and self._is_of_other_page(scope):
            return refuse_websocket(scope, receive, send, Forbidden(OTHER_PAGE))
        if self._origins and scope["type"] == "http" and scope["path"].split("/")[1:2] in _DOORS:
            return self._to_door(scope, receive, send)
        return self._app(scope, receive, send)

    async def _to_door(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = header(scope, b"origin")
        allowed = [_VARY]
        if origin in self._origins:
            assert origin is not None  # the collection has only texts
            allowed = [(b"access-control-allow-origin", origin.encode("latin-1")), _VARY]
            if scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method") is not None:
                await send({"type": "http.response.start", "status": 204, "headers": [*allowed, *_PREFLIGHT]})
                await send({"type": "http.response.body", "body": b""})
                return
            allowed.append(_EXPOSED)

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *allowed]
            await send(message)

        await self._app(scope, receive, send_with_origin)

    def _is_of_other_page(self, scope: Scope) -> bool:
        sent = {name for name, _ in scope["headers"]}
        if b"origin" not in sent or b"authorization" in sent:
            return False
        return header(scope, b"origin") not in self._origins and not is_own_page(scope, self._public_url)


_DOORS = (["graphql"], ["api"])
