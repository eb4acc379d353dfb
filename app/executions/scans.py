"""The statements that read executions: which index a filter and an ordering are read from, and in which form.

- Plain: the index of the ordering, with the filter as conditions.
- Branches, under QUEUED_AT: the ranges of an index (state, workflow, failed step, error group or family; queued_at,
  id) that the filter names, merged.
- Few: executions that the filter lists by id, or the retries of one or of a bulk retry, sorted; a family, under other
  orderings and on SQLite; what SQLite's index of trigrams finds for a search, if that is not much.

Every form has one text whatever the number of values, so that the statement is planned once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.db.dialect import Dialect
from app.executions.filters import ExecutionFilter
from app.executions.resolved_filters import RESOLVED_EVERYTHING, Branched, ResolvedFilter
from app.executions.trigrams import Hits, candidates
from app.lifecycle import STATUS_OF, State
from app.paging.keyset import GREATEST_ID, LEAST_ID, Ordering, Params, Position, Segment

BY_QUEUED_AT = Ordering("executions.QUEUED_AT", "queued_at")

_TYPES = {
    "state": "smallint",
    "workflow_id": "uuid",
    "failed_step_name": "text",
    "error_group_id": "uuid",
    "root_id": "uuid",
}
# Their indexes are partial, which no database concludes from a row comparison.
_PARTIAL = ("failed_step_name", "error_group_id", "root_id")


@dataclass(frozen=True, slots=True)
class Statement:
    """The text of a statement and its parameters."""

    text: str
    params: Sequence[Any]


# A list is asked for again and again, by pages that show it and by followers; making its statement takes 40 µs.
@lru_cache(128)
def page(dialect: Dialect, scope: ResolvedFilter, segment: Segment, selected: str) -> Statement:
    """The rows of a segment and its rest that match the filter, in the segment's order, at most its limit.

    `selected` are columns of the table `e`.
    """
    params = Params(dialect)
    searched = scope.hits is Hits.FEW
    branches = None if searched else _branches(dialect, scope, segment)
    if branches is None:
        return Statement(_direct(scope, segment, params, selected, searched=searched), params.values)
    segment = _narrowed(scope, segment)
    order = f"ORDER BY {segment.order_by('e.')} LIMIT {segment.limit}"
    source = _heads(scope, segment, params, *branches)
    if dialect is Dialect.POSTGRES:
        # Sorted and cut before any row is read: the keys come from the index alone. LIMIT 1 keeps the look-up a loop:
        # for a limit of thousands Postgres would read the whole table, however few the keys turn out to be.
        keys = f"SELECT b.id FROM {source} ORDER BY {segment.order_by('b.')} LIMIT {segment.limit}"
        source = f"({keys}) k CROSS JOIN LATERAL (SELECT * FROM executions x WHERE x.id = k.id LIMIT 1) e"
    return Statement(f"SELECT {selected} FROM {source} {order}", params.values)


def count(dialect: Dialect, scope: ResolvedFilter, limit: int) -> Statement:
    """How many rows match the filter, as one number that stops at `limit`."""
    params = Params(dialect)
    segment = _narrowed(scope, Segment(BY_QUEUED_AT, False, None, None, True, limit))
    # On SQLite branches look up each row, which a count does not need.
    branches = _branches(dialect, scope, segment) if dialect is Dialect.POSTGRES else None
    if branches is not None:
        rows = f"SELECT 1 FROM {_heads(scope, segment, params, *branches)} LIMIT {limit}"
    else:
        # The order keeps Postgres from reading the whole table for the few rows at its end; SQLite would sort.
        searched = scope.hits is not Hits.UNKNOWN
        rows = _direct(scope, segment, params, "1", ordered=dialect is Dialect.POSTGRES, searched=searched)
    return Statement(f"SELECT count(*) FROM ({rows}) c", params.values)


def newest_of_each(
    dialect: Dialect, column: Branched, values: Sequence[str], selected: str, limit: int = 1
) -> Statement:
    """The newest rows, by (queued_at, id), of each value of a column that has any; at most `limit` of each."""
    params = Params(dialect)
    segment = Segment(BY_QUEUED_AT, False, None, None, False, limit)
    source = _heads(RESOLVED_EVERYTHING, segment, params, column, values)
    # On SQLite the heads are whole rows.
    join = "JOIN executions e ON e.id = b.id" if dialect is Dialect.POSTGRES else ""
    return Statement(f"SELECT {selected} FROM {source} {join}", params.values)


def _branches(dialect: Dialect, scope: ResolvedFilter, segment: Segment) -> tuple[Branched, Sequence[str | int]] | None:
    # SQLite would read a family by the state of its members, if the filter has any: it knows no row comparison.
    few = scope.filter.names_executions or (scope.filter.root_id is not None and dialect is Dialect.SQLITE)
    return scope.branches if segment.ordering.column == "queued_at" and not few else None


def _direct(
    scope: ResolvedFilter,
    segment: Segment,
    params: Params,
    selected: str,
    *,
    ordered: bool = True,
    searched: bool = False,
) -> str:
    """Plain or few: a table `e`, with the filter as conditions."""
    few, source = "", "executions"
    if searched and scope.filter.search:
        few, source = f"few AS MATERIALIZED ({candidates(params, scope.filter.search)})", "few"
    if scope.filter.names_executions or scope.filter.root_id is not None:
        named = _named(scope.filter, params)
        # They are few, but Postgres may believe that an index by time finds them sooner.
        few, source = f"few AS MATERIALIZED (SELECT * FROM executions WHERE {named})", "few"

    def select(part: Segment) -> str:
        part = _narrowed(scope, part)
        # A null key is within no bounds; the conditions cover it.
        done = () if part.null else (part.ordering.column,)
        where = " AND ".join([part.where(params, alias="e."), *scope.conditions(params, "e", done)])
        order = f" ORDER BY {part.order_by('e.')}" if ordered else ""
        return f"SELECT {selected} FROM {source} e WHERE {where}{order} LIMIT {part.limit}"

    if segment.rest is not None:
        return segment.continued(select(segment), select(segment.rest), few and f"{few}, ")
    return f"WITH {few} {select(segment)}" if few else select(segment)


def _named(wanted: ExecutionFilter, params: Params) -> str:
    """The conditions that name executions, or a family."""
    links = {"retry_of": wanted.retry_of, "root_id": wanted.root_id, "bulk_retry_id": wanted.bulk_retry_id}
    conditions = [f"{column} = {params.bind(id_)}" for column, id_ in links.items() if id_ is not None]
    if wanted.ids is not None:
        conditions.append(params.any_of("id", wanted.ids, "id"))
    if wanted.external_ids is not None:
        conditions.append(params.any_of("external_id", wanted.external_ids, "text"))
    return " AND ".join(conditions)


def _heads(
    scope: ResolvedFilter, segment: Segment, params: Params, column: Branched, values: Sequence[str | int]
) -> str:
    """What follows FROM: the first rows of the segment for each value of a column, at most its limit of each.

    On Postgres their keys, as table `b`; on SQLite the rows, as table `e`. A range is (column, queued_at, id) between
    two triples, sorted by all three. With `column = value` instead, Postgres may read the index on (queued_at, id) and
    filter it: from about 4 % of all rows on it thinks that cheaper, and errs where those rows are all far away.
    """
    given = params.hide(params.dialect.array(values), f"{_TYPES[column]}[]")
    conditions = [
        segment.where(params, alias="x.", leading=(f"x.{column}", "v.value")),
        *scope.conditions(params, "x", (column, "queued_at")),
        *([f"x.{column} IS NOT NULL"] if column in _PARTIAL else []),
    ]
    ranges = (
        f"FROM executions x WHERE {' AND '.join(conditions)}"
        f" ORDER BY {segment.order_by('x.', leading=f'x.{column}')} LIMIT {segment.limit}"
    )
    if params.dialect is Dialect.SQLITE:
        # SQLite has no LATERAL; a correlated list of ids does the same.
        return f"json_each({given}) v CROSS JOIN executions e ON e.id IN (SELECT x.id {ranges})"
    return f"unnest({given}) AS v (value) CROSS JOIN LATERAL (SELECT x.id, x.queued_at {ranges}) b"


def _narrowed(scope: ResolvedFilter, segment: Segment) -> Segment:
    """The segment within the filter's own bounds on its sort column. No row has the least or greatest id."""
    wanted = scope.filter
    least, greatest = LEAST_ID["uuid"], GREATEST_ID["uuid"]
    lower = upper = None
    if segment.null:
        return segment
    if segment.ordering.column == "queued_at":
        lower = None if wanted.queued_from is None else Position(wanted.queued_from, least)
        upper = None if wanted.queued_to is None else Position(wanted.queued_to, least)
    elif segment.ordering.column == "duration":
        lower = None if wanted.min_duration is None else Position(wanted.min_duration, least)
        upper = None if wanted.max_duration is None else Position(wanted.max_duration, greatest)
    elif segment.ordering.column == "status" and scope.states is not None:
        statuses = [int(STATUS_OF[State(state)]) for state in scope.states]
        lower, upper = Position(min(statuses), least), Position(max(statuses), greatest)
    return segment.narrowed(lower, upper)
