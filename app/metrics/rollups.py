"""Rollups: the figures of an hour or a day (UTC), as rows that only whoever holds Lock.ROLLUPS changes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple, TypeVar

import orjson

from app import clock
from app.db import Row, Transaction
from app.db.dialect import Dialect
from app.db.rows import RowsOf
from app.lifecycle import Status
from app.metrics import histograms
from app.metrics.deltas import DELTAS, Delta

T = TypeVar("T")

# Folding so many deltas, or adding up so many rows, takes 5 ms or so.
MAX_INLINE_ROWS = 500

NOBODY = "0" * 32  # the workflow of a row that does not tell workflows apart


class Detail(IntEnum):
    """What a row tells apart. A chart of all workflows reads 720 hours, not 50 workflows in each of them."""

    BOTH = 0  # workflows and trigger kinds
    WORKFLOW = 1
    NONE = 2
    KIND = 3


class Grain(IntEnum):
    """The length of time that a row covers."""

    HOUR = 0
    DAY = 1

    @property
    def width(self) -> int:
        """In µs."""
        return clock.DAY if self else clock.HOUR


class RollupKey(NamedTuple):
    """A row of metric_rollups."""

    detail: int
    grain: int
    workflow_id: str
    start: int  # µs since the epoch
    trigger_kind: str
    status: int
    kept: int


class GroupKey(NamedTuple):
    """A row of metric_error_groups."""

    grain: int
    start: int  # µs since the epoch
    error_group_id: str
    workflow_id: str
    trigger_kind: str
    kept: int


@dataclass(slots=True)
class Tally:
    """What a row counts, or what to add to it."""

    executions: int = 0
    timed: int = 0  # those with a duration
    duration_sum: int = 0  # µs
    counts: dict[int, int] = field(default_factory=dict)  # of durations, by bucket (app/metrics/histograms.py)

    def add(self, other: Tally, times: int = 1) -> None:
        """Add another; with `times` -1, subtract it."""
        self.executions += times * other.executions
        self.timed += times * other.timed
        self.duration_sum += times * other.duration_sum
        histograms.add(self.counts, other.counts, times)

    def sample(self, duration: int | None, times: int) -> None:
        """Add `times` executions of one duration."""
        self.executions += times
        if duration is not None:
            self.timed += times
            self.duration_sum += times * duration
            bucket = histograms.bucket_of(duration)
            self.counts[bucket] = self.counts.get(bucket, 0) + times

    @property
    def empty(self) -> bool:
        """Whether nothing is counted."""
        return not (self.executions or self.timed or self.duration_sum or any(self.counts.values()))


@dataclass(slots=True)
class RollupChanges:
    """What to add to rows: collected for the smallest rows; the others follow from those."""

    tallies: defaultdict[RollupKey, Tally] = field(default_factory=lambda: defaultdict(Tally))
    groups: defaultdict[GroupKey, int] = field(default_factory=lambda: defaultdict(int))

    def take(self, delta: Delta) -> None:
        """Add a delta; its sign may be of several."""
        hour, workflow_id, kind, status, duration, group, times, kept = delta
        self.tallies[RollupKey(0, 0, workflow_id, hour, kind, status, kept)].sample(duration, times)
        if status == Status.FAILURE and group is not None:
            self.groups[GroupKey(0, hour, group, workflow_id, kind, kept)] += times

    @classmethod
    def of(cls, rows: Iterable[Row]) -> RollupChanges:
        """The changes to rows, for each detail and grain, of rows of deltas."""
        changes = cls()
        for delta in map(DELTAS.read, rows):
            changes.take(delta)
        return changes.spread()

    def spread(self) -> RollupChanges:
        """With the rows of each detail and grain."""
        every = RollupChanges()
        for key, tally in self.tallies.items():
            if not tally.empty:
                for other in _rows_of(key):
                    every.tallies[other].add(tally)
        for group, failures in self.groups.items():
            for grain in Grain if failures else ():
                every.groups[group._replace(grain=int(grain), start=group.start - group.start % grain.width)] += (
                    failures
                )
        return every


def _rows_of(key: RollupKey) -> Iterable[RollupKey]:
    """The rows that a smallest one is part of, itself included."""
    for grain in Grain:
        start = key.start - key.start % grain.width
        yield key._replace(grain=int(grain), start=start)
        yield RollupKey(Detail.WORKFLOW, grain, key.workflow_id, start, "", key.status, key.kept)
        yield RollupKey(Detail.NONE, grain, NOBODY, start, "", key.status, key.kept)
        yield RollupKey(Detail.KIND, grain, NOBODY, start, key.trigger_kind, key.status, key.kept)


class Values(NamedTuple):
    """What a row of metric_rollups has beside its key."""

    executions: int
    timed: int
    duration_seconds: int
    duration_micros: int
    histogram: bytes

    @classmethod
    def of(cls, tally: Tally) -> Values:
        """The stored form of a tally."""
        seconds, micros = divmod(tally.duration_sum, clock.SECOND)
        return cls(tally.executions, tally.timed, seconds, micros, histograms.encode(tally.counts))

    @property
    def tally(self) -> Tally:
        """What they count."""
        duration_sum = self.duration_seconds * clock.SECOND + self.duration_micros
        return Tally(self.executions, self.timed, duration_sum, histograms.decode(self.histogram))


KEYS = RowsOf(RollupKey)
VALUES = RowsOf(Values)
GROUP_KEYS = RowsOf(GroupKey)


async def apply(transaction: Transaction, changes: RollupChanges) -> None:
    """Add to the rows, under the lock. Deletes rows that count nothing any more."""
    tallies = {key: tally for key, tally in changes.tallies.items() if not tally.empty}
    stored = await _stored(transaction, "metric_rollups", KEYS.names, VALUES.names, tallies)
    values, emptied = await without_stalling(len(tallies), _added_up, tallies, stored)
    await transaction.upsert("metric_rollups", (*KEYS.names, *VALUES.names), values, key=KEYS.names)
    await _delete(transaction, "metric_rollups", KEYS.names, emptied)

    groups = {key: failures for key, failures in changes.groups.items() if failures}
    for row in await _stored(transaction, "metric_error_groups", GROUP_KEYS.names, ("failures",), groups):
        group, [failures] = GROUP_KEYS.split(row)
        groups[group] += failures
    counted = [(*key, failures) for key, failures in groups.items() if failures]
    await transaction.upsert("metric_error_groups", (*GROUP_KEYS.names, "failures"), counted, key=GROUP_KEYS.names)
    gone = [key for key, failures in groups.items() if not failures]
    await _delete(transaction, "metric_error_groups", GROUP_KEYS.names, gone)


async def without_stalling(size: int, work: Callable[..., T], *given: Any) -> T:
    """The result of `work` on the given items; in a thread if they are many, because it would block the loop."""
    return await asyncio.to_thread(work, *given) if size > MAX_INLINE_ROWS else work(*given)


def _added_up(tallies: dict[RollupKey, Tally], stored: Sequence[Row]) -> tuple[list[Row], list[RollupKey]]:
    """The rows to write, and the keys of those that count nothing any more."""
    for row in stored:
        key, values = KEYS.split(row)
        tallies[key].add(VALUES.read(values).tally)
    rows: list[Row] = [(*key, *Values.of(tally)) for key, tally in tallies.items() if not tally.empty]
    return rows, [key for key, tally in tallies.items() if tally.empty]


_TYPES = {
    **dict.fromkeys(("detail", "grain", "status", "kept"), "smallint"),
    **dict.fromkeys(("workflow_id", "error_group_id"), "uuid"),
    "start": "bigint",
    "trigger_kind": "text",
}


async def _stored(
    transaction: Transaction,
    table: str,
    names: Sequence[str],
    values: Sequence[str],
    keys: Mapping[Any, Any],
) -> Sequence[Row]:
    """RollupKey and values of the existing rows; each is looked up by the primary key."""
    if not keys:
        return []
    wanted = ", ".join(f"r.{name}" for name in (*names, *values))
    # Keys of seven columns, one look-up each: SQLite has no unnest of several arrays, and no LATERAL.
    if transaction.dialect is Dialect.POSTGRES:
        given = ", ".join(f"${number}::{_TYPES[name]}[]" for number, name in enumerate(names, 1))
        same = " AND ".join(f"r.{name} = k.{name}" for name in names)
        # OFFSET 0 keeps the look-up a loop: joined with the whole table it would read all of that.
        sql = (
            f"SELECT f.* FROM unnest({given}) AS k ({', '.join(names)})"
            f" CROSS JOIN LATERAL (SELECT {wanted} FROM {table} r WHERE {same} OFFSET 0) f"
        )
        return await transaction.fetch(sql, *map(list, zip(*keys, strict=True)))
    # char(36) is the dollar sign that a path begins with, and in our SQL a parameter.
    same = " AND ".join(
        f"r.{name} = json_extract(k.value, char(36) || '[{place}]')" for place, name in enumerate(names)
    )
    sql = f"SELECT {wanted} FROM json_each($1) k CROSS JOIN {table} r WHERE {same}"
    return await transaction.fetch(sql, orjson.dumps([list(each) for each in keys]).decode())


async def _delete(transaction: Transaction, table: str, names: Sequence[str], keys: Sequence[Row]) -> None:
    same = " AND ".join(f"{name} = ${number}" for number, name in enumerate(names, 1))
    await transaction.execute_many(f"DELETE FROM {table} WHERE {same}", [tuple(each) for each in keys])
