"""Trends of error groups: how often each failed in every bucket of a window, for all groups of a page in one read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from app.db import Database
from app.executions.resolved_filters import ResolvedFilter, resolve
from app.metrics.filters import MetricsFilter
from app.metrics.sources import rests_of
from app.metrics.windows import Bucket, Span, take_apart
from app.metrics.zones import Division
from app.paging.keyset import Params


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets of a window, by the clock of a zone. The first of `starts` may be before the window."""

    window: MetricsFilter
    width: Bucket
    division: Division | None  # None: those of UTC
    starts: Sequence[int]

    @classmethod
    def of(cls, window: MetricsFilter, bucket: Bucket | None, zone: ZoneInfo | None) -> Buckets:
        """Of a length, or those that fit. Raises BadInput for too many."""
        width = bucket or Bucket.fitting(window.start, window.end)
        division = Division.of(zone, bucket, window.start, window.end)
        starts = width.starts(window.start, window.end) if division is None else division.starts
        return cls(window, Bucket.HOUR if division is not None else width, division, starts)

    @property
    def begins(self) -> list[int]:
        """Where each begins within the window."""
        return [self.window.start, *self.starts[1:]]

    def place(self, at: int) -> int:
        """The number of the bucket that has a moment."""
        return max(bisect_right(self.starts, at) - 1, 0)


async def trends_of(database: Database, buckets: Buckets, groups: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """The failures of groups by bucket, by the id of the group, in one statement; `groups` has their fingerprints.

    Raises LimitExceeded when the window has too much in it.
    """
    found = {id_: [0] * len(buckets.starts) for id_ in groups}
    scope = await resolve(database, buckets.window.executions)
    if scope is None or not groups:
        return found
    group_of = {fingerprint: id_ for id_, members in groups.items() for fingerprint in members}
    params = Params(database.dialect)
    rows = await database.fetch_long(_statement(buckets, scope, params, list(group_of)), *params.values)
    for fingerprint, at, failures in rows:
        found[group_of[fingerprint]][buckets.place(at)] += failures
    return found


def _statement(buckets: Buckets, scope: ResolvedFilter, params: Params, fingerprints: Sequence[str]) -> str:
    """A query of (fingerprint, part, failures), from what counts.counted_groups reads without what is kept."""
    width = buckets.width.value
    given = params.add(params.dialect.array(fingerprints))

    def rows(table: str, column: str, times: str, span: Span, more: str = "") -> str:
        start, end = (params.bind(edge) for edge in span)
        of_groups = params.dialect.any_of("x.error_group_id", given, "id")
        others = "".join(f" AND {each}" for each in scope.conditions(params, "x", ("queued_at",)))
        return (
            f"SELECT x.error_group_id AS id, x.{column} - x.{column} % {width} AS part, {times} AS times"
            f" FROM {table} x WHERE {of_groups} AND x.{column} >= {start} AND x.{column} < {end}{more}{others}"
        )

    parts = take_apart(buckets.window.start, buckets.window.end, buckets.width)
    sources = [
        rows("metric_error_groups", "start", "x.failures", span, f" AND x.kept = 0 AND x.grain = {int(grain)}")
        for grain, span in parts.rolled
    ]
    if parts.whole is not None:
        sources.append(rows("metric_deltas", "hour", "x.sign", parts.whole, " AND x.kept = 0"))
    sources += [rows("executions", "queued_at", "1", span) for span in parts.cut]
    if buckets.division is not None and buckets.division.cuts:
        sources += _rests(buckets.division, scope, params, given)
    return (
        "SELECT s.id, s.part, CAST(sum(s.times) AS BIGINT)"
        f" FROM ({' UNION ALL '.join(sources)}) s GROUP BY s.id, s.part HAVING sum(s.times) <> 0"
    )


def _rests(division: Division, scope: ResolvedFilter, params: Params, given: int) -> list[str]:
    """Failures in the rest of hours within which a bucket begins: they count there, and not where their hour does."""
    conditions = [
        "x.queued_at >= c.edge AND x.queued_at < c.stop",
        params.dialect.any_of("x.error_group_id", given, "id"),
        *scope.conditions(params, "x", ("queued_at",)),
    ]
    found = f"FROM {rests_of(params, division.cuts)} JOIN executions x ON {' AND '.join(conditions)}"
    return [
        f"SELECT x.error_group_id AS id, c.{part} AS part, {sign} AS times {found}"
        for part, sign in (("edge", 1), ("before", -1))
    ]
