"""Reads bodies of requests, no further than their bound."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import Receive

from app.errors import BadInput, LimitExceeded


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body; LimitExceeded as soon as it is known to be longer than `limit` bytes."""
    return await receive_body(request.receive, request.headers.get("content-length", ""), limit)


async def receive_body(receive: Receive, declared: str, limit: int) -> bytes:
    """The same, for a Content-Length that the client has declared, or ""."""
    if declared.isascii() and declared.isdigit() and int(declared[:19]) > limit:
        raise LimitExceeded(f"The body has {declared[:19]} bytes; at most {limit} are allowed")
    body, more = b"", True
    chunks: list[bytes] = []
    size = 0
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadInput("The client disconnected before its body was complete")
        body, more = message.get("body", b""), message.get("more_body", False)
        size += len(body)
        if size > limit:
            raise LimitExceeded(f"The body is longer than {limit} bytes")
        chunks.append(body)
    return body if len(chunks) == 1 else b"".join(chunks)
