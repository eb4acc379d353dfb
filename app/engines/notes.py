"""Notes about engines: written in the background, so that no request waits for them, and in bounded room.

At most one task of a process writes. While it does, and a second longer, notes gather in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from app import clock, engines
from app.db import Database, Transaction
from app.engines.issues import IssueKind
from app.errors import log_failure
from app.ids import new_id
from app.log import get_logger

log = get_logger(__name__)

# Between two writes of a process.
PAUSE_SECONDS = 1.0
# How exactly it is known when an engine was last seen.
PRECISION = 10 * clock.SECOND
# What is kept of one engine; and of what, between two writes.
MAX_ISSUES, MAX_CLIENTS, MAX_ENDS = 200, 20, 1_000
MAX_LENGTH = 300


@dataclass(slots=True)
class Example:
    """The newest event that something was wrong with."""

    id: str | None = None
    type: str | None = None
    external_id: str | None = None


@dataclass(slots=True)
class _Counted:
    events: int = 0
    at: int = 0
    example: Example = field(default_factory=Example)


@dataclass(slots=True)
class _Notes:
    """Of one engine, not written yet."""

    seen_at: int | None = None
    clients: dict[str, int] = field(default_factory=dict)
    skew: int = 0
    issues: dict[tuple[IssueKind, str], _Counted] = field(default_factory=dict)
    ends: dict[str, tuple[str, int]] = field(default_factory=dict)


class EngineNotes:
    """What this process noticed of engines, by their names. Of a name that is no engine it keeps nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, _Notes] = {}
        self._last: dict[tuple[str, str], int] = {}  # when engine and client were last noted
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def seen(self, names: Iterable[str], client: str) -> None:
        """Events of these engines have come."""
        now = clock.now_us()
        for name in names:
            if abs(now - self._last.get((name, client), 0)) >= PRECISION:  # after now: by a clock that is put back
                if len(self._last) >= 10_000:
                    self._last.clear()
                self._last[name, client] = now
                notes = self._notes(name)
                notes.seen_at = now
                if client and len(notes.clients) < MAX_CLIENTS:
                    notes.clients[client[:MAX_LENGTH]] = now

    def issue(self, name: str, kind: IssueKind, reason: str, example: Example, *, skew: int = 0) -> None:
        """Something was wrong with an event. `skew`: by how much its time was ahead, in µs."""
        notes = self._notes(name)
        key = (kind, reason[:MAX_LENGTH])
        if key not in notes.issues and len(notes.issues) >= MAX_ISSUES:
            return
        counted = notes.issues.setdefault(key, _Counted())
        counted.events += 1
        counted.at, counted.example = clock.now_us(), example
        notes.skew = max(notes.skew, skew)
        if kind is IssueKind.REJECTED and example.type == "execution.finished" and example.external_id is not None:
            notes.ends.pop(example.external_id, None)
            if len(notes.ends) < MAX_ENDS:
                notes.ends[example.external_id] = (key[1], counted.at)

    async def close(self) -> None:
        """Write what waits. Call it before the database is closed."""
        self._closing.set()
        if self._task is not None:
            await self._task

    def _notes(self, name: str) -> _Notes:
        notes = self._waiting.setdefault(name, _Notes())
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write())
        return notes

    async def _write(self) -> None:
        while self._waiting:
            given, self._waiting = self._waiting, {}
            try:
                await self._database.transaction(partial(_store, given=given))
            except Exception as error:
                # They are remarks: what is noticed next is written again.
                log_failure(log, "engine_notes_not_written", error, engines=len(given))
            if not self._closing.is_set():
                try:
                    async with asyncio.timeout(PAUSE_SECONDS):
                        await self._closing.wait()
                except TimeoutError:
                    pass


async def _store(transaction: Transaction, given: dict[str, _Notes]) -> None:
    known = await engines.by_names(transaction, given)
    # In one order everywhere: two processes must not wait for each other.
    for name in sorted(known):
        await _store_of(transaction, known[name].id, given[name])


async def _store_of(transaction: Transaction, engine_id: str, notes: _Notes) -> None:
    if notes.seen_at is not None:
        sql = "UPDATE engines SET last_seen_at = $2 WHERE id = $1 AND (last_seen_at IS NULL OR last_seen_at < $2)"
        await transaction.execute_many(sql, [(engine_id, notes.seen_at)])
    if notes.skew:
        sql = "UPDATE engines SET clock_skew = $2, clock_skew_at = $3 WHERE id = $1"
        at = max(counted.at for counted in notes.issues.values())
        await transaction.execute_many(sql, [(engine_id, notes.skew, at)])
    if notes.clients:
        rows = [(engine_id, client, at) for client, at in sorted(notes.clients.items())]
        columns = ("engine_id", "name", "last_seen_at")
        await transaction.upsert("engine_clients", columns, rows, key=columns[:2])
        await _trim(transaction, "engine_clients", "name", "last_seen_at", MAX_CLIENTS, engine_id)
    if notes.issues:
        await transaction.execute_many(_COUNT, [_issue_row(engine_id, *each) for each in sorted(notes.issues.items())])
        await _trim(transaction, "engine_issues", "id", "last_at", MAX_ISSUES, engine_id)
    if notes.ends:
        ends = [(engine_id, external_id, *end) for external_id, end in sorted(notes.ends.items())]
        names = ("engine_id", "external_id", "reason", "at")
        await transaction.upsert("refused_ends", names, ends, key=names[:2])
        await _trim(transaction, "refused_ends", "external_id", "at", MAX_ENDS, engine_id)


_COUNT = """
INSERT INTO engine_issues
  (id, engine_id, kind, reason, events, first_at, last_at, event_id, event_type, external_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (engine_id, kind, reason) DO UPDATE SET
  events = engine_issues.events + excluded.events, last_at = excluded.last_at,
  event_id = excluded.event_id, event_type = excluded.event_type, external_id = excluded.external_id
"""


def _issue_row(engine_id: str, key: tuple[IssueKind, str], counted: _Counted) -> tuple[object, ...]:
    kind, reason = key
    example, at = counted.example, counted.at
    texts = (example.id, example.type, example.external_id)
    return (new_id(at), engine_id, kind.value, reason, counted.events, at, at, *texts)


async def _trim(transaction: Transaction, table: str, name: str, at: str, limit: int, engine_id: str) -> None:
    """Delete those of an engine that were seen longest ago, beyond so many."""
    kept = f"SELECT {name} FROM {table} WHERE engine_id = $1 ORDER BY {at} DESC, {name} DESC LIMIT {limit}"
    await transaction.execute_many(
        f"DELETE FROM {table} WHERE engine_id = $1 AND {name} NOT IN ({kept})", [(engine_id,)]
    )
