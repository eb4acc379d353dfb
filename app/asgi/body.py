"""Reads bodies of requests, no further than their bound."""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8
from collections.abc import Callable, Collection

from starlette.requests import Request
from starlette.types import Receive

from app.asgi.content_encoding import STEP, decoder_of
from app.errors import BadInput, LimitExceeded

# Is told how many bytes there are of a body once it is decompressed, or were until it was refused.
Made = Callable[[int], object]


async def read_body(request: Request, limit: int, made: Made = lambda size: None) -> bytes:
    """The whole body, decompressed and without a byte order mark.

    LimitExceeded as soon as it is known to be longer than `limit` bytes, as sent or decompressed.
    """
    headers = request.headers
    encodings = headers.getlist("content-encoding")
    return await receive_body(request.receive, headers.get("content-length", ""), limit, encodings, made)


async def receive_body(
    receive: Receive, declared: str, limit: int, encodings: Collection[str] = (), made: Made = lambda size: None
) -> bytes:
    """The same, for a Content-Length that the client has declared, or "", and its Content-Encodings."""
    decoder = decoder_of(encodings)
    more = True
    chunks: list[bytes] = []
    sent = size = 0
    try:
        if declared.isascii() and declared.isdigit() and int(declared[:19]) > limit:
            raise LimitExceeded(f"The body has {declared[:19]} bytes; at most {limit} are allowed")
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise BadInput("The client disconnected before its body was complete")
            chunk, more = message.get("body", b""), message.get("more_body", False)
            sent += len(chunk)
            if sent > limit:
                raise LimitExceeded(f"The body is longer than {limit} bytes")
            for part in decoder.feed(chunk, limit - size):
                size += len(part)
                chunks.append(part)
                if len(part) == STEP:
                    await asyncio.sleep(0)
        decoder.end()
    finally:
        made(decoder.made)
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    # Some editors, and .NET, begin a text in UTF-8 with a mark, which is no part of it.
    return body.removeprefix(BOM_UTF8)
