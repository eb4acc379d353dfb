"""The body of every answer that is a refusal, whichever door gives it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from app.errors import AppError, shown


def error_body(error: Mapping[str, Any], *, indented: bool = False) -> bytes:
    """A GraphQL response with one error, as `errors.shown` or `masked` give it; no `data`: nothing was executed."""
    return orjson.dumps({"errors": [error]}, option=orjson.OPT_INDENT_2 if indented else None)


def last_answer(error: AppError) -> bytes:
    """A whole answer of HTTP/1.1, behind which the connection ends, for what no application sees."""
    status, body = HTTPStatus(error.status), error_body(shown(error))
    return (
        b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        b"x-content-type-options: nosniff\r\nconnection: close\r\n\r\n%b"
        % (status, status.phrase.encode(), len(body), body)
    )


async def refuse_websocket(
    scope: Scope, receive: Receive, send: Send, error: AppError, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Answer the handshake of a WebSocket, which has no body, by an error."""
    await receive()  # websocket.connect
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 4400})  # before it was accepted: the server answers 403
        return
    body = error_body(shown(error))
    about = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-content-type-options", b"nosniff"),  # all other answers have it of the server
        *headers,
    ]
    await send({"type": "websocket.http.response.start", "status": error.status, "headers": about})
    await send({"type": "websocket.http.response.body", "body": body})
