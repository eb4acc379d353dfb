"""GET /metrics: numbers of this server for Prometheus, to tokens that may read; or on an address of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app import clock
from app.asgi.answers import error_body
from app.auth import Permission
from app.db import Database
from app.db.space import file_bytes
from app.errors import AppError, NotFound, shown
from app.http.gate import viewer_in
from app.log import get_logger
from app.monitor import numbers
from app.monitor.numbers import Labels
from app.monitor.slots import Slots
from app.retention import state

log = get_logger(__name__)

# Scrapers give up after 10 s. A database that hangs must not take the other numbers away.
READ_SECONDS = 2.0
# Of what is read from the database: whoever asks more often gets the same.
FRESH_SECONDS = 1.0
MAX_COUNT = 100_000
# Ages of deliveries that wait: younger than each, and what is older.
AGES = (("1m", clock.MINUTE), ("10m", 10 * clock.MINUTE), ("1h", clock.HOUR), ("longer", 2**62))
_YOUNGER = ", ".join(f"sum(CASE WHEN created_at > ${place} THEN 1 ELSE 0 END)" for place in (1, 2, 3))
_OUTBOX = f"""
SELECT kind, min(created_at), {_YOUNGER}, count(*)
FROM outbox WHERE next_attempt_at IS NOT NULL GROUP BY kind
"""

Values = Mapping[str, Mapping[Labels, float]]


class Scraping:
    """Answers scrapers. `build` labels what runs; `retains`: retention is on."""

    def __init__(self, database: Database, slots: Slots, build: Labels, *, retains: bool) -> None:
        self._database = database
        self._slots = slots
        self._always: Values = {
            numbers.BUILD.name: {build: 1.0},
            numbers.RETENTION_ON.name: {(): float(retains)},
        }
        self._read: Values = {}
        self._read_at = -FRESH_SECONDS
        self._reading = asyncio.Lock()

    async def answer(self, request: Request) -> Response:
        """To a viewer who may read."""
        try:
            viewer_in(request.scope).require(Permission.READ)
        except AppError as error:
            return Response(error_body(shown(error)), error.status, error.headers, "application/json")
        return await self.exposed(request)

    async def exposed(self, request: Request) -> Response:
        """To anybody: on an address that only scrapers reach."""
        # Here and not above: whoever has no Prometheus does not need it.
        from app.monitor.exposition import exposition

        shared = {**self._always, **await self._of_database()}
        body, media_type = exposition(self._slots.all(), shared, request.headers.get("accept", ""))
        return Response(body, headers={"cache-control": "no-store"}, media_type=media_type)

    async def _of_database(self) -> Values:
        async with self._reading:
            if monotonic() >= self._read_at + FRESH_SECONDS:
                try:
                    async with asyncio.timeout(READ_SECONDS):
                        self._read = await _read(self._database)
                except Exception as error:
                    log.info("numbers_not_read", reason=repr(error))
                    self._read = {numbers.UP.name: {(): 0.0}}
                self._read_at = monotonic()
            return self._read


async def _read(database: Database) -> Values:
    now = clock.now_us()
    waiting: dict[Labels, float] = {}
    oldest: dict[Labels, float] = {}
    bounds = [now - age for _, age in AGES[:-1]]
    for kind, first, *younger in await database.fetch(_OUTBOX, *bounds):
        oldest[kind,] = max(now - first, 0) / clock.SECOND
        for (age, _), number, before in zip(AGES, younger, (0, *younger), strict=False):
            waiting[kind, age] = float(number - before)
    counts: dict[str, dict[Labels, float]] = {}
    for number, table in ((numbers.DELTAS, "metric_deltas"), (numbers.CHECKS, "alert_checks")):
        rows = await database.fetch(f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {MAX_COUNT}) c")
        counts[number.name] = {(): float(rows[0][0])}
    ended = (await state.read(database)).ended_at
    return {
        **counts,
        numbers.UP.name: {(): 1.0},
        numbers.OUTBOX.name: waiting,
        numbers.OUTBOX_AGE.name: oldest,
        numbers.RETENTION_ENDED.name: {(): (ended or 0) / clock.SECOND},
        numbers.SIZE.name: {(): float(await file_bytes(database))},
    }


class OwnListener:
    """ASGI: what arrives on the port of RUNWATCH_METRICS_LISTEN is for scrapers alone, and needs no token."""

    def __init__(self, app: ASGIApp, scraping: Scraping, port: int) -> None:
        self._app = app
        self._scraping = scraping
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection. The server says by which port it came, whatever its headers say."""
        if scope["type"] == "lifespan" or (scope.get("server") or ("", 0))[1] != self._port:
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == "/metrics" and scope["method"] in ("GET", "HEAD"):
            request = Request(scope, receive)
            await (await self._scraping.exposed(request))(scope, receive, send)
        elif scope["type"] == "http":
            error = NotFound("Only GET /metrics is served at this address")
            await Response(error_body(shown(error)), error.status, media_type="application/json")(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 4404})
