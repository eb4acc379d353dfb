"""Pages of other origins that may use the API: with a bearer token, never with a cookie."""

from __future__ import annotations

from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.origins import header

_PREFLIGHT = [
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type, x-request-id, x-runwatch-cost"),
    (b"access-control-max-age", b"600"),
]
_EXPOSED = (b"access-control-expose-headers", b"retry-after, x-request-id")
_VARY = (b"vary", b"Origin")


class Cors:
    """ASGI: lets pages of `origins` read answers of /graphql and /api. Their preflights need no sign-in.

    It never sends Access-Control-Allow-Credentials, so browsers keep cookies out of it.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        concerns = self._origins and scope["type"] == "http" and scope["path"].split("/")[1:2] in _DOORS
        if not concerns:
            await self._app(scope, receive, send)
            return
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


_DOORS = (["graphql"], ["api"])
