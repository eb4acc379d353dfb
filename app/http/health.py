"""GET /health, /health/live and /health/ready: does this process turn, and can it do its work?

Everybody may ask, so the answers name no host, path or user; the log does.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.asgi.media_types import JSON
from app.db import Database
from app.db.watch import Locked

# Probes give up after a second; by then there is an answer, whatever the database does.
ANSWER_SECONDS = 0.8
# The event loop may have been held up rather than the database: then the answer is there already.
GRACE_SECONDS = 0.1
# A write is waited for so long. Another process that stores 10,000 runs has SQLite's lock for half a second, and
# /health took as long.
WRITE_SECONDS = 0.15
# What was found of writes and of the disk holds for so long: however many ask, one write a second is tried.
FRESH_SECONDS = 1.0
# A write that others have kept waiting for so long is one that cannot be committed; unless it is a transaction of this
# process that goes on: to store 8 MiB of events takes seconds.
BLOCKED_SECONDS = 5.0

NO_ANSWER = "the database does not answer"
NO_WRITES = "the database takes no writes"


class Health:
    """Says whether this process can serve. `room`: the bytes that the disk of an SQLite file is to have free."""

    def __init__(self, database: Database, room: int) -> None:
        self._database = database
        self._room = room
        self._looking: asyncio.Task[list[str]] | None = None
        self._fresh_until = 0.0
        self._writing: asyncio.Task[None] | None = None
        self._blocked_since: float | None = None
        self._progress: object = None  # of transactions, then

    async def live(self, request: Request) -> Response:
        """200: the event loop turns. Nothing else is asked."""
        return _json({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """200 when a write can be committed, the schema is this version's and the disk has room; else 503, and why."""
        if reasons := await self._reasons():
            return _json({"status": "not ready", "reasons": reasons}, 503)
        return _json({"status": "ready"})

    async def check(self, request: Request) -> Response:
        """The same in one word."""
        reasons = await self._reasons()
        return _json({"status": reasons[0]}, 503) if reasons else _json({"status": "ok"})

    async def close(self) -> None:
        """End what is being looked at."""
        tasks = [task for task in (self._looking, self._writing) if task is not None and not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _reasons(self) -> list[str]:
        until = _now() + ANSWER_SECONDS
        if not await self._answers():
            return [NO_ANSWER]
        until = max(until, _now() + GRACE_SECONDS)
        if outage := self._database.outage:
            return [outage]
        if self._looking is None or (self._looking.done() and _now() >= self._fresh_until):
            self._looking = asyncio.create_task(self._look(until))
        return await asyncio.shield(self._looking)

    async def _answers(self) -> bool:
        reading = asyncio.ensure_future(self._database.fetch_by_key("SELECT 1"))
        try:
            done, _ = await asyncio.wait({reading}, timeout=ANSWER_SECONDS)
            if not done:
                done, _ = await asyncio.wait({reading}, timeout=GRACE_SECONDS)
            return bool(done) and reading.exception() is None
        finally:
            reading.cancel()

    async def _look(self, until: float) -> list[str]:
        try:
            reasons = [] if await self._takes_writes(until) else [NO_WRITES]
            folder = self._database.folder
            if folder is not None and self._room and not await self._has_room(folder, until):
                reasons.append(f"the disk of the database has less than {self._room} bytes free")
            return reasons
        finally:
            self._fresh_until = _now() + FRESH_SECONDS

    async def _takes_writes(self, until: float) -> bool:
        """Whether a commit has succeeded lately, or one that leaves nothing behind does now."""
        now = _now()
        if self._database.committed_at > now - FRESH_SECONDS:
            self._blocked_since = None
            return True
        if not self._database.is_writing:  # for a transaction of this process a probe would wait too
            if self._writing is None or self._writing.done():
                self._writing = asyncio.create_task(self._database.write_nothing())
            done, _ = await asyncio.wait({self._writing}, timeout=min(WRITE_SECONDS, max(until - now, 0)))
            error = self._writing.exception() if done else None
            if done and error is None:
                self._blocked_since = None
                return True
            if error is not None and not isinstance(error, Locked):
                return False
        # Others write, or the disk is slow.
        progress = self._database.progress
        if self._blocked_since is None or progress != self._progress:
            self._blocked_since, self._progress = now, progress
        return now - self._blocked_since < BLOCKED_SECONDS

    async def _has_room(self, folder: Path, until: float) -> bool:
        try:
            async with asyncio.timeout_at(until):
                found = await asyncio.to_thread(os.statvfs, folder)
        except (OSError, TimeoutError):
            return False
        return found.f_bavail * found.f_frsize >= self._room


def _now() -> float:
    return asyncio.get_running_loop().time()


def _json(body: object, status: int = 200) -> Response:
    headers = {"cache-control": "no-store", **({"retry-after": "1"} if status == 503 else {})}
    return Response(orjson.dumps(body, option=orjson.OPT_INDENT_2), status, headers, media_type=JSON)
