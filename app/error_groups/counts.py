"""How many failures of each error group a window has: from rollups, deltas and executions, as of one moment."""

from __future__ import annotations

from app.db import Database
from app.executions.resolved_filters import ResolvedFilter, resolve
from app.metrics.filters import MetricsFilter
from app.metrics.windows import Span, take_apart
from app.paging.keyset import Params


async def top(database: Database, where: MetricsFilter, first: int) -> list[tuple[str, int]]:
    """The ids of the `first` groups with failures in a window, and their numbers, most frequent first.

    Ties come in the order of `errorGroups`. Raises LimitExceeded when the window has too much in it.
    """
    scope = await resolve(database, where.executions)
    if scope is None:
        return []
    params = Params(database.dialect)
    counted = counted_groups(where, scope, params, kept=True)
    rows = await database.fetch_long(
        f"SELECT f.id, f.failures FROM ({counted}) f ORDER BY f.failures DESC, f.id DESC LIMIT {params.bind(first)}",
        *params.values,
    )
    return [(id_, failures) for id_, failures in rows]


def counted_groups(where: MetricsFilter, scope: ResolvedFilter, params: Params, *, kept: bool) -> str:
    """A query of (id, failures): the groups with failures in a window, including pruned and `kept` ones.

    It leaves out a group whose executions were all deleted: only its number is known.
    """

    def within(alias: str, column: str, span: Span) -> str:
        start, end = (params.bind(edge) for edge in span)
        others = scope.conditions(params, alias, ("queued_at",))
        return " AND ".join([f"{alias}.{column} >= {start}", f"{alias}.{column} < {end}", *others])

    only = "" if kept else " AND {}.kept = 0"
    parts = take_apart(where.start, where.end)
    sources = [
        f"SELECT r.error_group_id AS id, r.failures AS times FROM metric_error_groups r"
        f" WHERE r.grain = {int(grain)} AND {within('r', 'start', span)}{only.format('r')}"
        for grain, span in parts.rolled
    ]
    if parts.whole is not None:
        sources.append(
            "SELECT x.error_group_id AS id, x.sign AS times FROM metric_deltas x"
            f" WHERE x.error_group_id IS NOT NULL AND {within('x', 'hour', parts.whole)}{only.format('x')}"
        )
    sources += [
        "SELECT x.error_group_id AS id, 1 AS times FROM executions x"
        f" WHERE x.error_group_id IS NOT NULL AND {within('x', 'queued_at', span)}"
        for span in parts.cut
    ]
    # A scalar subquery, looked up once for each fingerprint; EXISTS would read all failures.
    known = "coalesce((SELECT 1 FROM executions e WHERE e.error_group_id = c.id LIMIT 1), 0) AS known"
    of_fingerprints = (
        "SELECT s.id, CAST(sum(s.times) AS BIGINT) AS failures"
        f" FROM ({' UNION ALL '.join(sources)}) s GROUP BY s.id HAVING sum(s.times) <> 0"
    )
    of_groups = (
        f"SELECT coalesce(m.group_id, c.id) AS id, c.failures, {known} FROM ({of_fingerprints}) c"
        " LEFT JOIN error_group_merges m ON m.fingerprint = c.id"
    )
    return (
        "SELECT g.id, CAST(sum(g.failures) AS BIGINT) AS failures"
        f" FROM ({of_groups}) g GROUP BY g.id HAVING max(g.known) = 1 AND sum(g.failures) <> 0"
    )
