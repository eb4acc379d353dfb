"""What a hand-written endpoint over the same tables costs: starlette, asyncpg or sqlite3, orjson; the same bytes.

`FLOOR_DATABASE` is a database's URL. The paths below /full also read the token and write a log line, as Runwatch does.
SQLite is read in the event loop's own thread, as nobody should.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import sqlite3
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.metrics.histograms import Histogram
from benchmarks.graphql_cases import LINES, PAGE_SIZE

Row = Sequence[Any]
Fetch = Callable[..., Awaitable[Sequence[Row]]]

_HOUR = 3_600_000_000
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
_STATUS = ("PENDING", "SUCCESS", "FAILURE", "CANCELLED")
_STATE = (
    *("QUEUED", "RUNNING", "WAITING", "CONTACT_LOST", "SUCCEEDED"),
    *("FAILED", "TIMED_OUT", "CRASHED", "CANCELLED", "SKIPPED"),
)
_LEVEL = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL")
_COLUMNS = (
    "e.id, e.external_id, e.workflow_name, e.status, e.state, e.requested_by, e.queued_at, e.started_at, e.finished_at,"
    " e.updated_at, e.duration"
)
_END = f" ORDER BY e.queued_at DESC, e.id DESC LIMIT {PAGE_SIZE + 1}"
_PAGE = f"SELECT {_COLUMNS} FROM executions e{_END}"
_PAGE3 = (
    f"SELECT {_COLUMNS}, w.name, g.name, e.error_type, e.error_message FROM executions e"
    f" JOIN workflows w ON w.id = e.workflow_id JOIN engines g ON g.id = e.engine_id{_END}"
)
_ONE = f"SELECT {_COLUMNS} FROM executions e WHERE e.id = $1"
_STEPS = (
    "SELECT step_index, name, kind, state, started_at, finished_at, reported_duration, error_type, error_message"
    " FROM steps WHERE execution_id = $1 ORDER BY step_index"
)
_LOG = (
    "SELECT sequence, at, level, message FROM log_entries WHERE execution_id = $1"
    f" ORDER BY at, sequence LIMIT {LINES + 1}"
)
_TREND = (
    "SELECT start, status, executions, timed, duration_seconds, duration_micros{} FROM metric_rollups"
    " WHERE detail = 2 AND grain = 0 AND start >= $1 AND start < $2"
)
_TOKEN = (
    "SELECT t.id, t.name, t.role, e.name, t.expires_at, t.revoked_at FROM tokens t"
    " LEFT JOIN engines e ON e.id = t.engine_id WHERE t.secret_sha256 = $1"
)
_encode = msgspec.msgpack.Encoder().encode


def _iso(us: int | None) -> str | None:
    return None if us is None else (_EPOCH + timedelta(microseconds=us)).isoformat(timespec="microseconds") + "Z"


def _ms(us: int | None) -> float | None:
    return None if us is None else us / 1000


def _cursor(*position: object) -> str:
    return base64.urlsafe_b64encode(_encode(position)).rstrip(b"=").decode()


def _node(r: Row) -> dict[str, Any]:
    queued, started = r[6], r[7]
    return {
        "id": "execution_" + r[0],
        "externalId": r[1],
        "workflowName": r[2],
        "status": _STATUS[r[3]],
        "state": _STATE[r[4]],
        "requestedBy": r[5],
        "queuedAt": _iso(queued),
        "startedAt": _iso(started),
        "finishedAt": _iso(r[8]),
        "updatedAt": _iso(r[9]),
        "queueMs": None if started is None else (started - queued) / 1000,
        "durationMs": _ms(r[10]),
    }


def _node3(r: Row) -> dict[str, Any]:
    error = {"type": r[13], "message": r[14]} if r[3] == 2 else None
    return {**_node(r), "workflow": {"name": r[11]}, "engine": {"name": r[12]}, "error": error}


def _listed(rows: Sequence[Row], node: Callable[[Row], dict[str, Any]]) -> bytes:
    more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    edges = [
        {"cursor": _cursor("executions.QUEUED_AT-", r[6], bytes.fromhex(r[0])), "node": node(r)}  # as in its cursor
        for r in rows
    ]
    page = {"hasNextPage": more, "endCursor": edges[-1]["cursor"] if edges else None}
    return orjson.dumps({"data": {"executions": {"edges": edges, "pageInfo": page}}})


async def page(fetch: Fetch, _: Any) -> bytes:
    """A page of executions."""
    return _listed(await fetch(_PAGE), _node)


async def page3(fetch: Fetch, _: Any) -> bytes:
    """The same with three objects a row."""
    return _listed(await fetch(_PAGE3), _node3)


async def detail(fetch: Fetch, asked: Any) -> bytes:
    """One execution with its steps and the first lines of its log."""
    id_ = asked["variables"]["id"].partition("_")[2]
    [row], steps, lines = await fetch(_ONE, id_), await fetch(_STEPS, id_), await fetch(_LOG, id_)
    node = _node(row)
    node["steps"] = [
        {
            "id": f"step_{id_}_{s[0]}",
            "index": s[0],
            "name": s[1],
            "kind": s[2],
            "state": _STATE[s[3]],
            "startedAt": _iso(s[4]),
            "finishedAt": _iso(s[5]),
            "durationMs": _ms(s[5] - s[4] if s[6] is None and s[4] is not None and s[5] is not None else s[6]),
            "error": {"type": s[7], "message": s[8]} if s[7] or s[8] else None,
        }
        for s in steps
    ]
    node["logs"] = {
        "edges": [
            {
                "cursor": _cursor(f"logs.{id_}+", line[1], line[0]),
                "node": {"at": _iso(line[1]), "level": _LEVEL[line[2]], "message": line[3]},
            }
            for line in lines[:LINES]
        ],
        "pageInfo": {"hasNextPage": len(lines) > LINES},
    }
    return orjson.dumps({"data": {"execution": node}})


async def trend(fetch: Fetch, asked: Any) -> bytes:
    """Figures by hour."""
    return await _trend(fetch, asked, "", lambda points, rows: None)


async def trend_p95(fetch: Fetch, asked: Any) -> bytes:
    """The same with the 95th percentile of each hour."""

    def add(points: dict[int, dict[str, Any]], rows: Sequence[Row]) -> None:
        histograms: dict[int, list[bytes]] = {}
        for row in rows:
            if row[1] in (1, 2):
                histograms.setdefault(row[0], []).append(row[6])
        for start, point in points.items():
            point["p95DurationMs"] = _ms(Histogram(histograms.get(start, ())).quantile(0.95))

    return await _trend(fetch, asked, ", histogram", add)


async def _trend(
    fetch: Fetch, asked: Any, column: str, add: Callable[[dict[int, dict[str, Any]], Sequence[Row]], None]
) -> bytes:
    start, end = (
        int(datetime.fromisoformat(asked["variables"][name]).timestamp()) * 1_000_000 for name in ("from", "to")
    )
    rows = await fetch(_TREND.format(column), start, end)
    points: dict[int, dict[str, Any]] = {
        at: {"start": _iso(at), "total": 0, "succeeded": 0, "failed": 0, "averageDurationMs": None}
        for at in range(start, end, _HOUR)
    }
    durations: dict[int, tuple[int, int]] = {}
    for at, status, executions, timed, seconds, micros, *_ in rows:
        point = points[at]
        point["total"] += executions
        if status < 3:
            point["succeeded" if status == 1 else "failed"] = executions
            known = durations.get(at, (0, 0))
            durations[at] = (known[0] + timed, known[1] + seconds * 1_000_000 + micros)
    for at, (timed, total) in durations.items():
        if timed:
            points[at]["averageDurationMs"] = total / timed / 1000
    add(points, rows)
    return orjson.dumps({"data": {"metrics": {"trend": list(points.values())}}})


async def typename(_: Fetch, __: Any) -> bytes:
    """Nothing."""
    return b'{"data":{"__typename":"Query"}}'


class Floor:
    """The endpoints, over an open database."""

    def __init__(self) -> None:
        self._pool: asyncpg.Pool[Any] | None = None
        self._file: sqlite3.Connection | None = None

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Open and close."""
        url = os.environ["FLOOR_DATABASE"]
        if url.startswith("sqlite:///"):
            self._file = sqlite3.connect(url.removeprefix("sqlite:///"))
            self._file.execute("PRAGMA cache_size = -32768")
        else:
            self._pool = await asyncpg.create_pool(
                url, min_size=8, max_size=8, reset=_nothing, init=_hex_ids, server_settings={"jit": "off"}
            )
        yield

    async def fetch(self, sql: str, *params: Any) -> Sequence[Row]:
        """The rows of a statement."""
        if self._file is not None:
            return self._file.execute(sql.replace("$", "?"), params).fetchall()
        assert self._pool is not None
        async with self._pool.acquire() as connection:
            return await connection.fetch(sql, *params)  # type: ignore[no-any-return]

    def route(self, name: str, answer: Callable[[Fetch, Any], Awaitable[bytes]], *, full: bool) -> Route:
        """One path."""

        async def respond(request: Request) -> Response:
            started = time.perf_counter()
            if full:
                secret = request.headers["authorization"].removeprefix("Bearer ")
                [token] = await self.fetch(_TOKEN, hashlib.sha256(secret.encode()).hexdigest())
                assert token[5] is None
            body = await answer(self.fetch, orjson.loads(await request.body()))
            if full:
                line = {
                    "method": "POST",
                    "path": request.url.path,
                    "status": 200,
                    "ms": round((time.perf_counter() - started) * 1000, 1),
                    "from": request.client and request.client.host,
                    "who": token[0],
                    "role": token[2],
                    "operation": name,
                    "cost": 0,
                    "request_id": uuid.uuid4().hex,
                    "timestamp": _iso(time.time_ns() // 1000),
                    "event": "request",
                }
                sys.stderr.buffer.write(orjson.dumps(line) + b"\n")
            return Response(body, media_type="application/json; charset=utf-8")

        return Route(f"/full/{name}" if full else f"/{name}", respond, methods=["POST"])


async def _nothing(_: Any) -> None:
    """Reset nothing."""


async def _hex_ids(connection: Any) -> None:
    await connection.set_type_codec(
        "uuid", schema="pg_catalog", encoder=bytes.fromhex, decoder=bytes.hex, format="binary"
    )


_floor = Floor()
app = Starlette(
    lifespan=_floor.lifespan,
    routes=[
        _floor.route(answer.__name__, answer, full=full)
        for answer in (page, page3, detail, typename, trend, trend_p95)
        for full in (False, True)
    ],
)
