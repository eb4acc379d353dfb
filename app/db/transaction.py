"""An open transaction, of either database: what it can do, and what ends it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from app.db.dialect import Dialect, Kind
from app.db.locks import Lock
from app.turns import Turns

T = TypeVar("T")
Row = Sequence[Any]


class TransientError(Exception):
    """The transaction did not happen and may run again: a deadlock, or a connection that died at its start."""


class Overtaken(TransientError):
    """Another transaction has created what this one was about to. Run again, it finds it; no failed attempt.

    Locking what the other created, while holding one's own creations, is how two such transactions deadlock.
    """


class Held(Exception):
    """The transaction did not happen: another one held a lock for longer than it had the patience to wait."""


class Reader(ABC):
    """What rows are read from, in its own dialect: a database's reading connections, or an open transaction."""

    dialect: Dialect

    @abstractmethod
    async def fetch(self, sql: str, *params: Any) -> Sequence[Row]:
        """The rows of one statement."""

    def any_of(self, column: str, parameter: int, kind: Kind) -> str:
        """See Dialect."""
        return self.dialect.any_of(column, parameter, kind)

    def array(self, values: Iterable[Any]) -> Any:
        """See Dialect."""
        return self.dialect.array(values)

    def among(self, column: str, parameter: int, kind: Kind, values: Iterable[Any]) -> tuple[str, Any]:
        """See Dialect."""
        return self.dialect.among(column, parameter, kind, values)


class Transaction(Reader):
    """One open write transaction. Its work may run more than once, so it must not keep state between runs."""

    # Whether none that writes takes more than a few milliseconds: SQLite then runs its statements in the loop's thread.
    is_short = False

    def __init__(self, turns: Turns) -> None:
        self.callbacks: list[Callable[[], None]] = []
        self._turns = turns
        self._name = str(id(self))

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` after the commit; never after a rollback."""
        self.callbacks.append(callback)

    async def pause(self) -> None:
        """Let others run if this process has worked for transactions for some milliseconds. They take turns.

        For those that do much between two statements: a batch of 10,000 events held up everybody for 0.4 s of CPU.
        """
        await self._turns.pause(self._name)

    async def meanwhile(self, statement: Coroutine[Any, Any, T], work: AsyncIterator[None]) -> T:
        """The result of a statement of this transaction.

        While a server runs it, pieces of `work` are done, and those left out that there is no time for. (In this
        process, the two would only wait for each other.)
        """
        return await statement

    @property
    def for_update(self) -> str:
        """See Dialect."""
        return self.dialect.for_update

    @abstractmethod
    async def lock(self, name: Lock) -> None:
        """Wait until no other transaction holds the lock, and hold it until this one ends."""

    @abstractmethod
    async def try_lock(self, name: Lock) -> bool:
        """As `lock`, but False instead of waiting."""

    @abstractmethod
    async def execute_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Run one statement for each row of parameters, in as few round trips as the database allows."""

    @abstractmethod
    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert new rows, by the database's bulk path."""

    @abstractmethod
    async def insert_unseen(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], *, key: Sequence[str], returning: str
    ) -> set[Any]:
        """As insert_missing, of many rows for which this transaction has looked in vain: by the bulk path.

        Overtaken if another transaction has inserted one since.
        """

    @abstractmethod
    async def insert_missing(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], *, key: Sequence[str], returning: str
    ) -> set[Any]:
        """Insert the rows whose `key` does not exist yet; returns the `returning` column of those."""

    @abstractmethod
    async def upsert(self, table: str, columns: Sequence[str], rows: Sequence[Row], *, key: Sequence[str]) -> None:
        """Insert rows, or set their columns where the `key` exists."""

    @abstractmethod
    async def update(self, table: str, columns: Sequence[str], rows: Sequence[Row], *, key: Sequence[str]) -> None:
        """Set `columns`, which include `key`, of existing rows."""


def excluded(columns: Sequence[str], key: Sequence[str]) -> str:
    """The assignments of an upsert: every column outside the key takes the new value."""
    return ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
