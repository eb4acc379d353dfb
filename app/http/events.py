"""POST /api/events: the door for engines' reports (docs/events.md). 202 means committed, on disk."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app import clock
from app.asgi.answers import error_body
from app.asgi.body import read_body
from app.auth import Permission, Viewer
from app.errors import AppError, Forbidden, UnsupportedMediaType, masked, shown
from app.events import Event, Rejection
from app.events.decoding import Form, decode
from app.http.gate import viewer_in
from app.ingestion import Ingestion
from app.secrets.sealing import Sealer
from app.settings import Settings

# Decoding and sealing take 3 ms for so many bytes, and seconds for 8 MiB of nothing but secrets.
SMALL = 256 * 1024

NOT_STORED = "Could not store the events; send them again"


class EventsDoor:
    """Takes events from a runner for its own engine, and from an administrator for any."""

    def __init__(self, ingestion: Ingestion, sealer: Sealer, settings: Settings) -> None:
        self._ingestion = ingestion
        self._sealer = sealer
        self._settings = settings

    async def receive(self, request: Request) -> Response:
        """Answer one request: commits what it accepts, and names what it rejects, with the reason."""
        try:
            viewer = viewer_in(request.scope)
            viewer.require(Permission.REPORT)
            form = _form(request)
            body = await read_body(request, self._settings.max_events_body_bytes)
            now = clock.now_us()
            read = partial(
                decode, body, form, now=now, sealer=self._sealer, limit=self._settings.max_events_per_request
            )
            batch = read() if len(body) <= SMALL else await asyncio.to_thread(read)
            own, foreign = _split_by_source(batch.events, viewer)
            if foreign and not own and not batch.rejected:
                raise Forbidden(f"This token may only report for the engine {viewer.engine!r}")
            imported = form is Form.LINES
            rejected = batch.rejected + foreign + await self._ingestion.record(own, imported=imported, size=len(body))
        except AppError as error:
            return _answer(error_body(shown(error)), error.status)
        except Exception as error:
            return _answer(error_body(masked(error, NOT_STORED, "events_not_stored")), 503, {"retry-after": "1"})
        accepted = len(batch.events) + len(batch.rejected) - len(rejected)
        by_index = [_rejection(each) for each in sorted(rejected, key=lambda each: each.index)]
        return _answer(orjson.dumps({"accepted": accepted, "rejected": by_index}), 202)


def _form(request: Request) -> Form:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        return Form(content_type)
    except ValueError:
        raise UnsupportedMediaType(f"Send one of {', '.join(form.value for form in Form)}") from None


def _split_by_source(events: list[Event], viewer: Viewer) -> tuple[list[Event], list[Rejection]]:
    if viewer.engine is None:
        return events, []
    own = [event for event in events if event.source == viewer.engine]
    reason = f"source: not {viewer.engine!r}, the engine of this token"
    return own, [Rejection(event.index, event.id, reason) for event in events if event.source != viewer.engine]


def _rejection(rejection: Rejection) -> dict[str, Any]:
    return {"index": rejection.index, "id": rejection.id, "error": rejection.error}


def _answer(body: bytes, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, media_type="application/json")
