"""What a version leaves to do with the rows of versions before: newest first, a few at a time beside the traffic.

How far it has come is in the database, in a table of each backfill's own, committed with the work: whichever process
goes on goes on from there. Without a row in that table nothing is left to do. Nobody is told of any of it: nothing has
happened to the runs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from app.db import Database, Row, Transaction
from app.db.locks import Lock
from app.log import get_logger
from app.sweep import Sweep

log = get_logger(__name__)

# Rows of a transaction, and bytes that one reads: it holds up events for some 10 ms.
MAX_BATCH_ROWS = 100
MAX_BATCH_BYTES = 1024 * 1024
# Between two batches, for the others.
PAUSE_SECONDS = 0.05
SWEEP_SECONDS = 60.0

Position = Sequence[Any]


class Backfill(Sweep, ABC):
    """Works its way through stored rows, once. One process per database does it at a time."""

    table: ClassVar[str]  # where its position is, in one row
    key: ClassVar[tuple[str, ...]] = ("before",)  # the columns of the position: all rows from there on are done
    lock: ClassVar[Lock]
    failure: ClassVar[str]  # what the log calls one
    max_rows: ClassVar[int] = MAX_BATCH_ROWS
    max_bytes: ClassVar[int] = MAX_BATCH_BYTES
    seconds: ClassVar[float] = SWEEP_SECONDS

    def __init__(self, database: Database) -> None:
        super().__init__(self.go_on, self.failure, seconds=self.seconds, least_pause=PAUSE_SECONDS)
        self.database = database

    async def go_on(self) -> None:
        """Do a few; the next ones soon, unless all are done, or another process is about it."""
        if not await self.database.fetch(f"SELECT 1 FROM {self.table}"):
            return
        if await self.database.transaction(self._step):
            self.wake()

    @abstractmethod
    async def next_rows(self, transaction: Transaction, before: Position) -> Sequence[Row]:
        """The next rows, at most `max_rows`, newest first: the values of `key`, and how many bytes to read of each."""

    @abstractmethod
    async def work(self, transaction: Transaction, keys: Sequence[Position]) -> None:
        """Do what is to be done with these, which may have changed since they were read: lock them first."""

    async def may_go_on(self, transaction: Transaction) -> bool:
        """Whether this process is to do it."""
        return True

    async def finish(self, transaction: Transaction) -> bool:
        """Do what is left when all rows are done; False to be asked again."""
        return True

    async def _step(self, transaction: Transaction) -> bool:
        """Do the next few; False if there are none left, or another process does them."""
        if not await transaction.try_lock(self.lock) or not await self.may_go_on(transaction):
            return False
        found = await transaction.fetch(f"SELECT {', '.join(self.key)} FROM {self.table}")
        if not found:
            return False  # another process has done the last ones just now
        if keys := self._fitting(await self.next_rows(transaction, found[0])):
            await self.work(transaction, keys)
            given = ", ".join(f"{name} = ${number}" for number, name in enumerate(self.key, 1))
            await transaction.execute_many(f"UPDATE {self.table} SET {given}", [tuple(keys[-1])])
            return True
        if not await self.finish(transaction):
            return True
        await transaction.fetch(f"DELETE FROM {self.table}")
        log.info(f"{self.table}_done")
        return False

    def _fitting(self, rows: Sequence[Row]) -> list[Position]:
        """The keys of the first rows, up to the one with which they exceed `max_bytes`."""
        keys: list[Position] = []
        room = self.max_bytes
        for *key, size in rows:
            keys.append(key)
            room -= size
            if room < 0:
                break
        return keys
