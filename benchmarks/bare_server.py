"""The least that an events door could do: starlette, msgspec, nothing stored. What HTTP and JSON cost by themselves."""

from __future__ import annotations

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class _Event(msgspec.Struct):
    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    data: msgspec.Raw


_decode = msgspec.json.Decoder(list[_Event]).decode


async def _receive(request: Request) -> Response:
    events = _decode(await request.body())
    return Response(b'{"accepted":%d,"rejected":[]}' % len(events), 202, media_type="application/json")


app = Starlette(routes=[Route("/api/events", _receive, methods=["POST"])])
