"""The tables of bulk retries: which executions each looked at, and what became of every one of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated

import msgspec
import orjson

from app import clock
from app.db import Database, Reader, Transaction
from app.db.rows import Column, RowsOf
from app.ids import is_id
from app.retention.bulk_retries import LIFETIME, SNAPSHOT_LIFETIME, forget
from app.retries.blockers import RetryBlocker


class StoredBulk(msgspec.Struct, frozen=True):
    """A bulk retry. Times are in µs; `filter` is JSON text, None for given ids; `started_at` is None for a dry run."""

    id: str
    created_at: int
    started_at: int | None
    actor: str
    filter: str | None
    matched: int

    def expired(self, now: int) -> bool:
        """Whether it is over: a dry run that nobody confirmed, or a bulk retry that began long ago."""
        if self.started_at is None:
            return now - self.created_at > SNAPSHOT_LIFETIME
        return now - self.started_at > LIFETIME


def _reasons(stored: str | None) -> tuple[RetryBlocker, ...]:
    return () if stored is None else tuple(map(RetryBlocker, orjson.loads(stored)))


class Chosen(msgspec.Struct, frozen=True):
    """One execution of a bulk retry, and what became of it."""

    place: int
    execution_id: str
    workflow_name: str
    settled: bool = False
    retry_id: str | None = None
    created: bool = False
    reasons: Annotated[tuple[RetryBlocker, ...], Column(read=_reasons)] = ()


_BULKS = RowsOf(StoredBulk)
_CHOSEN = RowsOf(Chosen)
_OF = ("bulk_retry_id", *_CHOSEN.names)


async def insert(transaction: Transaction, bulk: StoredBulk, chosen: Sequence[Chosen]) -> None:
    """Keep a new one, and forget those that are over."""
    await forget(transaction, clock.now_us())
    await transaction.insert("bulk_retries", _BULKS.names, [msgspec.structs.astuple(bulk)])
    await transaction.insert("bulk_retry_executions", _OF, [_row(bulk.id, each) for each in chosen])


async def by_ids(reader: Reader, ids: Iterable[str]) -> dict[str, StoredBulk]:
    """Those with these ids, by id. Leaves out unknown ones, and those that are over."""
    given, now = [id_ for id_ in ids if is_id(id_)], clock.now_us()
    rows = await reader.fetch(
        f"SELECT {_BULKS.columns} FROM bulk_retries WHERE {reader.any_of('id', 1, 'id')}", reader.array(given)
    )
    return {each.id: each for each in _BULKS.read_all(rows) if not each.expired(now)}


async def chosen_by(database: Database, ids: Iterable[str]) -> dict[str, list[Chosen]]:
    """The executions of each of some bulk retries, in the order in which they were chosen."""
    rows = await database.fetch(
        f"SELECT {_CHOSEN.columns}, bulk_retry_id FROM bulk_retry_executions"
        f" WHERE {database.any_of('bulk_retry_id', 1, 'id')} ORDER BY bulk_retry_id, place",
        database.array(ids),
    )
    found: dict[str, list[Chosen]] = {}
    for row in rows:
        chosen, (bulk_id,) = _CHOSEN.split(row)
        found.setdefault(bulk_id, []).append(chosen)
    return found


async def lock(transaction: Transaction, id_: str) -> StoredBulk | None:
    """One of them, locked until the commit: requests that go on with it at the same time take turns."""
    if not is_id(id_):
        return None
    sql = f"SELECT {_BULKS.columns} FROM bulk_retries WHERE id = $1 {transaction.for_update}"
    rows = await transaction.fetch(sql, id_)
    return _BULKS.read(rows[0]) if rows else None


async def start(transaction: Transaction, bulk: StoredBulk, actor: str) -> None:
    """Whoever confirms a dry run is who retries."""
    row = (bulk.id, clock.now_us(), actor)
    await transaction.update("bulk_retries", ("id", "started_at", "actor"), [row], key=("id",))


async def left_of(transaction: Transaction, id_: str, size: int) -> list[Chosen]:
    """The next executions whose turn has not come, at most `size`."""
    rows = await transaction.fetch(
        f"SELECT {_CHOSEN.columns} FROM bulk_retry_executions"
        f" WHERE bulk_retry_id = $1 AND NOT settled ORDER BY place LIMIT {size}",
        id_,
    )
    return _CHOSEN.read_all(rows)


async def settle(transaction: Transaction, id_: str, results: Collection[Chosen]) -> None:
    """Write down what became of executions."""
    columns = ("bulk_retry_id", "place", "settled", "retry_id", "created", "reasons")
    rows = [(id_, each.place, True, each.retry_id, each.created, _stored(each.reasons)) for each in results]
    await transaction.update("bulk_retry_executions", columns, rows, key=("bulk_retry_id", "place"))


def _row(bulk_id: str, each: Chosen) -> tuple[object, ...]:
    return (bulk_id, *msgspec.structs.astuple(each)[:-1], _stored(each.reasons))


def _stored(reasons: Sequence[RetryBlocker]) -> str | None:
    return orjson.dumps(list(reasons)).decode() if reasons else None
