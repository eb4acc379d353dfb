"""Reads bodies of requests, no further than their bound."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request

from app.errors import BadInput, LimitExceeded


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body; LimitExceeded as soon as it is known to be longer than `limit` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:19]) > limit:
        raise LimitExceeded(f"The body has {declared[:19]} bytes; at most {limit} are allowed")
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise LimitExceeded(f"The body is longer than {limit} bytes")
            chunks.append(chunk)
    except ClientDisconnect:
        raise BadInput("The client disconnected before its body was complete") from None
    return b"".join(chunks)
