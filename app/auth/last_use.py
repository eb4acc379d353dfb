"""When each token and session was last used: written in the background, at most once a minute for each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from app.clock import MINUTE
from app.db import Database, Transaction
from app.errors import log_failure
from app.log import get_logger
from app.sweep import end_tasks

log = get_logger(__name__)

# Remembered ones, before those not used within the minute are dropped.
MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Used:
    """Where uses are written, and what the log calls a failure to."""

    table: str
    key: str
    column: str
    failure: str

    @property
    def update(self) -> str:
        """The condition keeps several processes, which all read the same old time, from writing after each other."""
        unless_known = f"({self.column} IS NULL OR {self.column} <= $3)"
        return f"UPDATE {self.table} SET {self.column} = $2 WHERE {self.key} = $1 AND {unless_known}"


TOKENS = Used("tokens", "id", "last_used_at", "token_use_not_written")
SESSIONS = Used("sessions", "id_sha256", "last_seen_at", "session_use_not_written")


class LastUse:
    """Keeps the times of last use, without making any request wait for a write.

    At most one writing task runs: while the database accepts no writes, uses gather in memory (a number for each), not
    in tasks.
    """

    def __init__(self, database: Database, used: Used) -> None:
        self._database = database
        self._used = used
        self._noted: dict[str, int] = {}  # key -> when this process last wrote it, or tried to
        self._waiting: dict[str, int] = {}  # key -> when it was used
        self._task: asyncio.Task[None] | None = None

    def note(self, key: str, last: int | None, now: int) -> None:
        """What was last used at `last`, as just read, was used `now` (µs since the epoch). Returns at once."""
        # Both: the first says what other processes wrote, and the second holds when writing fails.
        for known in (last, self._noted.get(key)):
            if known is not None and abs(now - known) < MINUTE:  # after now: by a clock that is put back
                return
        if len(self._noted) >= MAX_REMEMBERED:
            self._noted = {name: at for name, at in self._noted.items() if abs(now - at) < MINUTE}
        self._noted[key] = now
        self._waiting[key] = now
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Stop. An unwritten use is lost. Call it before the database is closed."""
        await end_tasks(self._task)

    async def _write(self) -> None:
        while self._waiting:
            used, self._waiting = self._waiting, {}
            rows = [(key, at, at - MINUTE) for key, at in sorted(used.items())]

            async def update(transaction: Transaction, rows: list[tuple[str, int, int]] = rows) -> None:
                await transaction.execute_many(self._used.update, rows)

            try:
                await self._database.transaction(update)
            except Exception as error:
                # Only a column in a list depends on it; the next minute's use tries again.
                log_failure(log, self._used.failure, error, count=len(rows))
