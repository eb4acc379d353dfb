"""A share of a database's reading connections: for one operation, or for one kind of reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.db import Database, Reader, Row
from app.db.semaphore import Semaphore

# Of one operation: its second statement hides the way to the database of its first, and a third would take the
# connections of others. SQLite has four that read lists.
MAX_READS = 2


class _Share(Reader):
    """Passes on all but reads, of which `most` run at a time. Their order is that in which they came."""

    def __init__(self, database: Database, most: int) -> None:
        self._database = database
        self.dialect = database.dialect
        self._places = Semaphore(most)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def fetch(self, sql: str, *params: Any) -> Sequence[Row]:
        """See Database."""
        if not self._places.take():
            await self._places.wait()
        try:
            return await self._database.fetch(sql, *params)
        finally:
            self._places.leave()

    async def fetch_long(self, sql: str, *params: Any) -> Sequence[Row]:
        """See Database. Whoever waits for its turn here takes no place from others."""
        if not self._places.take():
            await self._places.wait()
        try:
            return await self._database.fetch_long(sql, *params)
        finally:
            self._places.leave()


def share_of(database: Database, most: int = MAX_READS) -> Database:
    """The database, of which at most so many reads run at a time. Transactions and reads by key are as ever."""
    share: Any = _Share(database, most)
    return share  # type: ignore[no-any-return]
