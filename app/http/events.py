"""POST /api/events: the door for engines' reports (docs/events.md). 202 means committed, on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app import clock
from app.asgi.answers import error_body
from app.asgi.body import read_body
from app.auth import Permission, Viewer
from app.engines.issues import IssueKind
from app.engines.notes import Example
from app.errors import AppError, Forbidden, UnsupportedMediaType, masked, shown
from app.events import Batch, Event, Rejection
from app.events.binary import attributes_of, is_binary
from app.events.data import TYPES
from app.events.decoding import FORMS, Form, decode, decode_binary
from app.http.gate import viewer_in
from app.ingestion import Ingestion
from app.lifecycle import TimeMark
from app.monitor import numbers
from app.rates import Client, Rates
from app.secrets.sealing import Sealer
from app.settings import Settings
from app.turns import Turns, pieces

# A thread decodes what is longer, beside the loop. So many bytes take 0.5 ms, or 2 of nothing but secrets.
SMALL = 32 * 1024
# Events that are noted or answered in one go: a quarter of a millisecond.
PIECE = 64

# What a body costs besides its bytes: a request takes as long as so many bytes of a batch.
BODY_BYTES = 10 * 1024

AHEAD = "time: ahead of the server's clock; the receipt is shown in its place"
NO_ZONE = "time: without a zone; taken as UTC"

NOT_STORED = "Could not store the events; send them again"


class EventsDoor:
    """Takes events from a runner for its own engine, and from an administrator for any."""

    def __init__(self, ingestion: Ingestion, sealer: Sealer, settings: Settings, rates: Rates, turns: Turns) -> None:
        self._ingestion = ingestion
        self._sealer = sealer
        self._settings = settings
        self._rates = rates
        self._turns = turns

    async def receive(self, request: Request) -> Response:
        """Answer one request: commits what it accepts, and names what it rejects, with the reason."""
        client: Client | None = None
        try:
            viewer = viewer_in(request.scope)
            viewer.require(Permission.REPORT)
            form = _form(request)
            client = self._rates.of_events(viewer.credential)
            await client.enter()
            try:
                batch, rejected = await self._recorded(request, form, viewer, client)
            finally:
                client.leave()
        except AppError as error:
            return _answer(error_body(shown(error)), error.status, error.headers)
        except Exception as error:
            if client is not None:
                client.charge(-client.spent)  # the same body comes again
            return _answer(error_body(masked(error, NOT_STORED, "events_not_stored")), 503, {"retry-after": "1"})
        accepted = len(batch.events) + len(batch.rejected) - len(rejected)
        numbers.EVENTS.add(accepted)
        by_index: list[dict[str, Any]] = []
        for piece in pieces(sorted(rejected, key=lambda each: each.index), PIECE):
            for each in piece:
                by_index.append({"index": each.index, "id": each.id, "error": each.error})
                numbers.REJECTED.add(1, numbers.reason_of(each.error))
            await self._turns.pause(viewer.credential)
        body: dict[str, Any] = {"accepted": accepted, "rejected": by_index}
        if not accepted and not by_index and viewer.engine is not None:
            body["engine"] = viewer.engine  # nothing was sent: somebody asks whether it would work
        return _answer(orjson.dumps(body), 202)

    async def _recorded(
        self, request: Request, form: Form | None, viewer: Viewer, client: Client
    ) -> tuple[Batch, list[Rejection]]:
        """What was in the body, and what of it was rejected. The client pays before anything of it is looked at."""
        limit, declared = self._settings.max_events_body_bytes, request.headers.get("content-length", "")
        length = int(declared[:19]) if declared.isascii() and declared.isdigit() else 0
        paid = length if length <= limit else 0
        if paid:
            client.take(paid + BODY_BYTES)
        made: list[int] = []
        try:
            body = await read_body(request, limit, made.append)
        except AppError:
            client.charge(max(sum(made) - paid, 0))
            raise
        if not paid:
            client.take(len(body) + BODY_BYTES)
        elif len(body) > paid:  # it was compressed, and could not say
            client.charge(len(body) - paid)
        read = self._reader(request, form, body)
        batch = read() if len(body) <= SMALL else await asyncio.to_thread(read)
        own, foreign = _split_by_source(batch.events, viewer)
        if foreign and not own and not batch.rejected:
            raise Forbidden(f"This token may only report for the engine {viewer.engine!r}")
        recorded = await self._ingestion.record(own, imported=form is Form.LINES, size=len(body))
        rejected = batch.rejected + foreign + recorded
        await self._note(request, viewer, batch.events, rejected, imported=form is Form.LINES)
        return batch, rejected

    async def _note(
        self, request: Request, viewer: Viewer, events: list[Event], rejected: list[Rejection], *, imported: bool
    ) -> None:
        """Keep for administrators when the engine was seen, and what of its events was rejected or corrected."""
        notes, refused = self._ingestion.notes, {each.index for each in rejected}
        stored = [event for event in events if event.index not in refused]
        if stored and not imported:
            notes.seen({event.source for event in stored}, request.headers.get("user-agent", ""))
        for odd in pieces((event for event in stored if event.marks), PIECE):
            for event in odd:
                example = Example(event.id, TYPES[type(event.body)], event.subject)
                if event.bound is not None:
                    ahead = event.time - event.bound
                    notes.issue(event.source, IssueKind.CLOCK_AHEAD, AHEAD, example, skew=ahead)
                if event.marks & TimeMark.ASSUMED_UTC:
                    notes.issue(event.source, IssueKind.ASSUMED_UTC, NO_ZONE, example)
            await self._turns.pause(viewer.credential)
        named = {event.index: event for event in events} if rejected else {}
        for piece in pieces(rejected, PIECE):
            for each in piece:
                example, source = Example(each.id, each.type, each.subject), each.source
                if (known := named.get(each.index)) is not None:
                    example, source = Example(known.id, TYPES[type(known.body)], known.subject), known.source
                if (engine := viewer.engine or source) is not None:
                    notes.issue(engine, IssueKind.REJECTED, each.error, example)
            await self._turns.pause(viewer.credential)

    def _reader(self, request: Request, form: Form | None, body: bytes) -> Callable[[], Batch]:
        now = clock.now_us()
        if form is None:
            return partial(decode_binary, attributes_of(request.headers.raw), body, now=now, sealer=self._sealer)
        limit = self._settings.max_events_per_request
        return partial(decode, body, form, now=now, sealer=self._sealer, limit=limit)


def _form(request: Request) -> Form | None:
    """How the body contains its events; None: it is the data of one, whose attributes are headers."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if form := FORMS.get(content_type):
        return form
    if is_binary(request.headers.raw, content_type):
        return None
    structured = ", ".join(form.value for form in Form)
    raise UnsupportedMediaType(f"Send one of {structured}, or application/json with the headers ce-id, ce-type, …")


def _split_by_source(events: list[Event], viewer: Viewer) -> tuple[list[Event], list[Rejection]]:
    if viewer.engine is None:
        return events, []
    own = [event for event in events if event.source == viewer.engine]
    reason = f"source: not {viewer.engine!r}, the engine of this token"
    return own, [Rejection(event.index, event.id, reason) for event in events if event.source != viewer.engine]


def _answer(body: bytes, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, headers, media_type="application/json")
