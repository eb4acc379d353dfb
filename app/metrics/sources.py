"""The one statement behind figures: rollups, unfolded deltas, and executions, all as of the same moment.

With a second statement, a delta could be folded in between, and count twice or not at all.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import orjson

from app import clock
from app.db import Database
from app.db.dialect import Dialect
from app.executions.resolved_filters import ResolvedFilter, resolve
from app.lifecycle import STATES_OF, Status
from app.metrics.filters import MetricsFilter
from app.metrics.histograms import BOUNDS, bucket_of
from app.metrics.rollups import NOBODY, Detail
from app.metrics.windows import Bucket, Span, take_apart
from app.metrics.zones import Division
from app.paging.keyset import Params

# What rows are told apart by, besides status.
By = Bucket | Literal["workflow"] | None

_PENDING = f"x.state IN ({', '.join(str(int(state)) for state in STATES_OF[Status.PENDING])})"
_FINISHED = f"x.status <> {int(Status.PENDING)}"
# SQL cannot add histograms, but Postgres can return those of many rows as one array; even a single one, for the type.
_NOTHING = {Dialect.POSTGRES: "CAST(NULL AS BYTEA[])", Dialect.SQLITE: "NULL"}
_HISTOGRAM = {Dialect.POSTGRES: "ARRAY[r.histogram]", Dialect.SQLITE: "r.histogram"}
_HISTOGRAMS = "array_agg(r.histogram)"
# There are hundreds of buckets, where a busy hour has 30,000 durations, which take 0.1 s of Python. All bounds are
# written out: as a parameter they would be sent each time, for 0.3 ms. The last one is beyond any duration.
_BUCKET = {
    Dialect.POSTGRES: f"width_bucket(s.duration, '{{{','.join(map(str, BOUNDS[:-1]))}}}'::bigint[]) AS bucket",
    Dialect.SQLITE: "s.duration AS bucket",
}
# The sums of a row of metric_rollups, by their names here.
_VALUES = {"executions": "executions", "timed": "timed", "seconds": "duration_seconds", "micros": "duration_micros"}
# The group of what counts in a window, but in none of its minutes: no bucket begins there.
_IN_NO_MINUTE = "CAST(-1 AS BIGINT)"


# Start of the bucket (µs since the epoch), id of the workflow, both, or 0; see _IN_NO_MINUTE.
Group = int | str

# A row of a window: its executions of one group and status, those with a duration among them, and the sum of durations
# in seconds and microseconds. Rows with the same group and status add up. Tuples, since a trend reads thousands.
Sums = tuple[Group, int, int, int, int, int]

# The same, with stored histograms (one, a list, or None), or for single executions the bucket of each one's duration.
Sampled = tuple[Group, int, int, int, int, int, bytes | Sequence[bytes] | None, int | None]

# Sums as Postgres sends them in one value: asyncpg takes 0.4 µs for a row of its own, this takes 0.1.
_PACKED = struct.Struct(">qiqqqq")
_PACK = (
    "string_agg(int8send(u.part) || int4send(CAST(u.status AS INTEGER)) || "
    + " || ".join(f"int8send(u.{name})" for name in ("executions", "timed", "seconds", "micros"))
    + ", '')"
)


async def read(
    database: Database, where: MetricsFilter, by: By, division: Division | None = None, *, each_workflow: bool = False
) -> Iterable[Sums]:
    """The counts and sums of a window.

    With buckets of minutes, a negative group has the pruned executions of whole hours, whose minutes are unknown.
    With a `division`, by hours whose rest counts apart where one of its buckets begins within. With `each_workflow`,
    groups are texts: the id of a workflow, a space, and the group. Raises LimitExceeded when the window has too much in
    it.
    """
    scope = await resolve(database, where.executions)
    if scope is None:
        return ()
    statement = _Statement(
        database.dialect, where, scope, by, histograms=False, division=division, each_workflow=each_workflow
    )
    packed = by != "workflow" and not each_workflow
    return await fetch(database, statement.text(), statement.params.values, packed=packed)


async def read_sampled(
    database: Database, where: MetricsFilter, by: By, division: Division | None = None, *, each_workflow: bool = False
) -> Sequence[Sampled]:
    """The same, with histograms: three times the work."""
    scope = await resolve(database, where.executions)
    if scope is None:
        return ()
    statement = _Statement(
        database.dialect, where, scope, by, histograms=True, division=division, each_workflow=each_workflow
    )
    return await fetch_sampled(database, statement.text(), statement.params.values)


async def fetch(database: Database, statement: str, params: Sequence[Any], *, packed: bool = True) -> Iterable[Sums]:
    """The rows of a query such as `summed` without histograms; `packed` if their groups are numbers."""
    if packed and database.dialect is Dialect.POSTGRES:
        ((found,),) = await database.fetch_long(f"SELECT {_PACK} FROM ({statement}) u", *params)
        return _PACKED.iter_unpack(found or b"")
    return await database.fetch_long(statement, *params)  # type: ignore[return-value]


async def fetch_sampled(database: Database, statement: str, params: Sequence[Any]) -> Sequence[Sampled]:
    """The rows of a query such as `summed` with histograms."""
    rows: Any = await database.fetch_long(statement, *params)
    if database.dialect is Dialect.SQLITE:
        # It has no width_bucket: its rows have the duration in that place.
        return [row if row[-1] is None else (*row[:-1], bucket_of(row[-1])) for row in rows]
    return rows  # type: ignore[no-any-return]


def summed(dialect: Dialect, samples: str, *, histograms: bool) -> str:
    """A query for `fetch` or `fetch_sampled` of single executions or deltas, each (part, status, duration, sign)."""
    seconds, micros = "s.sign * (s.duration / 1000000)", "s.sign * (s.duration % 1000000)"
    timed = "CASE WHEN s.duration IS NULL THEN 0 ELSE s.sign END"
    sums = ", ".join(
        f"CAST(coalesce(sum({value}), 0) AS BIGINT) AS {name}"
        for name, value in (("executions", "s.sign"), ("timed", timed), ("seconds", seconds), ("micros", micros))
    )
    more, group = (f", {_NOTHING[dialect]}, {_BUCKET[dialect]}", ", bucket") if histograms else ("", "")
    return f"SELECT s.part, s.status, {sums}{more} FROM ({samples}) s GROUP BY s.part, s.status{group}"


def rests_of(params: Params, cuts: Sequence[tuple[int, int, int]]) -> str:
    """The rests of hours, as a table `c` of (edge, stop, before): see Division.cuts."""
    if params.dialect is Dialect.POSTGRES:
        arrays = ", ".join(f"CAST({params.bind(list(each))} AS BIGINT[])" for each in zip(*cuts, strict=True))
        return f"unnest({arrays}) AS c (edge, stop, before)"
    # As texts of three numbers: a path into JSON would begin with the mark of a parameter.
    texts = ["".join(f"{number:020d}" for number in cut) for cut in cuts]
    given = params.bind(orjson.dumps(texts).decode())
    names = enumerate(("edge", "stop", "before"))
    values = ", ".join(f"CAST(substr(value, {20 * n + 1}, 20) AS INTEGER) AS {name}" for n, name in names)
    return f"(SELECT {values} FROM json_each({given})) c"


class _Statement:
    def __init__(
        self,
        dialect: Dialect,
        where: MetricsFilter,
        scope: ResolvedFilter,
        by: By,
        *,
        histograms: bool,
        division: Division | None = None,
        each_workflow: bool = False,
    ) -> None:
        self._division = division
        self._each_workflow = each_workflow
        self._dialect = dialect
        self._where = where
        self._scope = scope
        self._by = by
        self._histograms = histograms
        self._by_minutes = isinstance(by, Bucket) and by.value < clock.HOUR
        self.params = Params(dialect)

    def text(self) -> str:
        where = self._where
        parts = take_apart(where.start, where.end, self._by if isinstance(self._by, Bucket) else None)
        samples = [self._executions(span) for span in parts.cut]
        if self._by_minutes:
            parts = take_apart(where.start, where.end)
        if self._division is not None and self._division.cuts:
            samples += self._rests(self._division.cuts)
        rolled = [self._rollups(grain, span) for grain, span in parts.rolled]
        if parts.whole is not None:
            samples.append(self._deltas(parts.whole))
        sums = summed(self._dialect, " UNION ALL ".join(samples), histograms=self._histograms)
        return " UNION ALL ".join([*rolled, sums, self._pending()])

    def _rollups(self, grain: int, span: Span) -> str:
        detail = self._detail()
        conditions = [f"r.detail = {int(detail)}", f"r.grain = {int(grain)}", *self._within("r", "start", span)]
        if detail in (Detail.NONE, Detail.KIND):
            conditions.append(f"r.workflow_id = '{NOBODY}'")
        found = f"FROM metric_rollups r WHERE {' AND '.join(conditions)}"
        values = {name: f"r.{column}" for name, column in _VALUES.items()}
        dialect, grouped, histogram = self._dialect, "", _HISTOGRAM[self._dialect]
        # Hours of all workflows have nearly one row for each point; others have many, up to fifty where one answers.
        one_each = detail is Detail.NONE and self._by is Bucket.HOUR
        if not one_each and not (self._histograms and dialect is Dialect.SQLITE):
            values = {name: f"CAST(sum({value}) AS BIGINT)" for name, value in values.items()}
            grouped, histogram = " GROUP BY part, r.status", _HISTOGRAMS
        numbers = ", ".join(f"{value} AS {name}" for name, value in values.items())
        more = f", {histogram}, CAST(NULL AS BIGINT)" if self._histograms else ""
        return f"SELECT {self._group('r', 'start')} AS part, r.status, {numbers}{more} {found}{grouped}"

    def _deltas(self, span: Span) -> str:
        conditions = self._within("x", "hour", span)
        return (
            f"SELECT {self._group('x', 'hour')} AS part, x.status, x.duration, x.sign"
            f" FROM metric_deltas x WHERE {' AND '.join(conditions)}"
        )

    def _executions(self, span: Span) -> str:
        conditions = [_FINISHED, *self._within("x", "queued_at", span)]
        return (
            f"SELECT {self._group('x', 'queued_at')} AS part, x.status, x.duration, 1 AS sign"
            f" FROM executions x WHERE {' AND '.join(conditions)}"
        )

    def _rests(self, cuts: Sequence[tuple[int, int, int]]) -> list[str]:
        """What was queued in the rest of hours: with the bucket that begins there, and not with its hour."""
        rests = rests_of(self.params, cuts)
        conditions = [_FINISHED, "x.queued_at >= c.edge", "x.queued_at < c.stop"]
        conditions += self._scope.conditions(self.params, "x", ("queued_at",))
        found = f"FROM {rests} JOIN executions x ON {' AND '.join(conditions)}"
        return [
            f"SELECT {self._of_workflow('x', part)} AS part, x.status, x.duration, {sign} AS sign {found}"
            for part, sign in (("c.edge", 1), ("c.before", -1))
        ]

    def _pending(self) -> str:
        """They are few, whatever the window: an index of the state has them together."""
        conditions = [_PENDING, *self._within("x", "queued_at", (self._where.start, self._where.end))]
        part = self._group("x", "queued_at")
        if self._division is not None:
            part = self._of_workflow("x", f"x.queued_at - x.queued_at % {clock.MINUTE}")
        found = f"SELECT {part} AS part FROM executions x WHERE {' AND '.join(conditions)}"
        more = f", {_NOTHING[self._dialect]}, CAST(NULL AS BIGINT)" if self._histograms else ""
        return f"SELECT p.part, {int(Status.PENDING)}, count(*), 0, 0, 0{more} FROM ({found}) p GROUP BY p.part"

    def _detail(self) -> Detail:
        """The rows that tell apart as little as the question."""
        kinds = self._where.executions.trigger_kinds is not None
        named = self._scope.workflows is not None or self._scope.many_workflows
        if named or self._each_workflow or self._by == "workflow":
            return Detail.BOTH if kinds else Detail.WORKFLOW
        return Detail.KIND if kinds else Detail.NONE

    def _within(self, alias: str, column: str, span: Span) -> list[str]:
        start, end = (self.params.bind(edge) for edge in span)
        others = self._scope.conditions(self.params, alias, ("queued_at",))
        if self._by_minutes and column != "queued_at":
            others.append(f"{alias}.kept = 1")
        return [f"{alias}.{column} >= {start}", f"{alias}.{column} < {end}", *others]

    def _group(self, alias: str, column: str) -> str:
        if self._by == "workflow":
            return f"{alias}.workflow_id"
        if self._by_minutes and column != "queued_at":
            return self._of_workflow(alias, _IN_NO_MINUTE)
        if isinstance(self._by, Bucket):
            return self._of_workflow(alias, f"{alias}.{column} - {alias}.{column} % {self._by.value}")
        return self._of_workflow(alias, "CAST(0 AS BIGINT)")

    def _of_workflow(self, alias: str, part: str) -> str:
        if not self._each_workflow:
            return part
        id_ = f"{alias}.workflow_id"
        if self._dialect is Dialect.POSTGRES:
            id_ = f"replace(CAST({id_} AS TEXT), '-', '')"
        return f"{id_} || ' ' || CAST({part} AS TEXT)"
