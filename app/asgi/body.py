"""Bodies of requests, read no further than their bound."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request

from app.errors import BadInput, LimitExceeded


async def read_body(request: Request, most: int) -> bytes:
    """The whole body; LimitExceeded as soon as it is known to be longer than `most` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:19]) > most:
        raise LimitExceeded(f"The body has {declared[:19]} bytes; at most {most} are taken")
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise LimitExceeded(f"The body is longer than {most} bytes")
            chunks.append(chunk)
    except ClientDisconnect:
        raise BadInput("The client went away before its body was complete") from None
    return b"".join(chunks)
