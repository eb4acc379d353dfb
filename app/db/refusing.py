"""A database for the second execution of an operation, whose first one ended because a read took too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from app.db import Database, Row
from app.errors import TimedOut


class _Refusing:
    def __init__(self, database: Database, failure: TimedOut) -> None:
        self._database = database
        self._failure = failure

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def fetch(self, sql: str, *params: Any) -> Sequence[Row]:
        """The rows, unless it is the statement that took too long."""
        self._check(sql, params)
        return await self._database.fetch(sql, *params)

    async def fetch_long(self, sql: str, *params: Any) -> Sequence[Row]:
        """The same."""
        self._check(sql, params)
        return await self._database.fetch_long(sql, *params)

    def _check(self, sql: str, params: Sequence[Any]) -> None:
        if (sql, params) == self._failure.statement:
            raise self._failure.with_traceback(None)


def refusing(database: Database, failure: TimedOut) -> Database:
    """The database, but what took too long is not tried again: it would hold a connection as long once more."""
    return cast("Database", _Refusing(database, failure))
