"""When each token was last used: written in the background, at most once a minute per token."""

from __future__ import annotations

import asyncio

from app.auth.tokens import Token
from app.clock import MINUTE
from app.db import Database, Transaction
from app.errors import log_failure
from app.log import get_logger
from app.sweep import end_tasks

log = get_logger(__name__)

# Remembered tokens, before those not used within the minute are dropped.
MAX_REMEMBERED = 10_000

# The condition keeps several processes, which all read the same old time, from writing one after the other.
UPDATE = "UPDATE tokens SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)"


class TokenUse:
    """Keeps `last_used_at` of the tokens, without making any request wait for a write.

    At most one writing task runs: while the database accepts no writes, uses gather in memory (a number a token), not
    in tasks.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[str, int] = {}  # token id -> when this process last wrote it, or tried to
        self._waiting: dict[str, int] = {}  # token id -> when it was used
        self._task: asyncio.Task[None] | None = None

    def note(self, token: Token, now: int) -> None:
        """The token, as just read, was used `now` (µs since the epoch). Returns at once."""
        # Both: the first says what other processes wrote, and the second holds when writing fails.
        for last in (token.last_used_at, self._noted.get(token.id)):
            if last is not None and now - last < MINUTE:
                return
        if len(self._noted) >= MAX_REMEMBERED:
            self._noted = {name: at for name, at in self._noted.items() if now - at < MINUTE}
        self._noted[token.id] = now
        self._waiting[token.id] = now
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Stop. An unwritten use is lost. Call it before the database is closed."""
        await end_tasks(self._task)

    async def _write(self) -> None:
        while self._waiting:
            used, self._waiting = self._waiting, {}
            rows = [(token_id, at, at - MINUTE) for token_id, at in sorted(used.items())]

            async def update(transaction: Transaction, rows: list[tuple[str, int, int]] = rows) -> None:
                await transaction.execute_many(UPDATE, rows)

            try:
                await self._database.transaction(update)
            except Exception as error:
                # Only a column in a list depends on it; the next minute's use tries again.
                log_failure(log, "token_use_not_written", error, tokens=len(rows))
