"""Lists of error groups with failures in a window: in an order, of some states, with a text in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.db import Database
from app.db.dialect import Dialect
from app.error_groups import ErrorGroup, by_ids, marks
from app.error_groups.counts import counted_groups
from app.error_groups.marks import GroupState
from app.error_groups.trends import Buckets, trends_of
from app.executions.resolved_filters import ResolvedFilter, resolve
from app.executions.searching import check_search, contains
from app.metrics.filters import MetricsFilter
from app.paging import MAX_COUNT, Count, Page, PageRequest, counted, read_page
from app.paging.keyset import Ordering, Params, Position, Segment
from app.paging.search import occurs, searchable


class GroupOrder(StrEnum):
    """Sort orders, each with the greatest first."""

    COUNT = "COUNT"  # of failures in the window
    LAST_SEEN = "LAST_SEEN"
    FIRST_SEEN = "FIRST_SEEN"
    UNRESOLVED = "UNRESOLVED"


_ORDERINGS = {order: Ordering(f"errorGroups.{order}", "sort_key", descending=True) for order in GroupOrder}


_NONE = Count(0, exact=True)


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """Which groups to list: those with failures in a window, of some states, with a text in them.

    Raises BadInput or LimitExceeded for an invalid text. None does not constrain.
    """

    window: MetricsFilter
    states: tuple[GroupState, ...] | None = None
    search: str | None = None

    def __post_init__(self) -> None:
        check_search(self.search)


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group, and its number of failures in a window; what nobody asked for is empty."""

    group: ErrorGroup
    failures: int
    sort_key: int
    since: int  # where the window begins, in µs since the epoch
    unresolved: Count = _NONE
    trend: Sequence[int] = field(default=())


async def list_page(
    database: Database,
    where: GroupFilter,
    request: PageRequest,
    order: GroupOrder = GroupOrder.COUNT,
    *,
    unresolved: bool = False,
    trend: Buckets | None = None,
) -> Page[ListedGroup]:
    """A page of the groups, by three statements of its own and those of `by_ids`.

    Raises BadInput for a cursor of another list, LimitExceeded when the window has too much in it.
    """
    ordering = _ORDERINGS[order]
    scope = await resolve(database, where.window.executions)

    async def read(segment: Segment) -> list[ListedGroup]:
        if scope is None:
            return []
        statement = _Statement(database.dialect, where, scope)
        rows = await database.fetch_long(statement.page(segment, order, unresolved), *statement.params.values)
        groups = await by_ids(database, [row[0] for row in rows])
        return [
            ListedGroup(groups[id_], failures, key, where.window.start, Count.capped(left))
            for id_, failures, key, left in rows
            if id_ in groups
        ]

    page = await read_page(ordering, request, read, lambda each: Position(each.sort_key, each.group.id))
    if trend is not None and page.items:
        found = await trends_of(database, trend, {each.group.id: each.group.fingerprints for each in page.items})
        page.items = [replace(each, trend=found[each.group.id]) for each in page.items]
    return page


async def count(database: Database, where: GroupFilter) -> Count:
    """How many groups there are. Raises LimitExceeded as a page does."""
    scope = await resolve(database, where.window.executions)
    if scope is None:
        return _NONE
    statement = _Statement(database.dialect, where, scope)
    # Some hundreds; when normalising fails there may be one for each failure.
    return await counted(database, statement.groups("1"), *statement.params.values)


class _Statement:
    """Of groups `g`, each with its mark, `k`."""

    def __init__(self, dialect: Dialect, where: GroupFilter, scope: ResolvedFilter) -> None:
        self._dialect = dialect
        self._where = where
        self._scope = scope
        self.params = Params(dialect)

    def page(self, segment: Segment, order: GroupOrder, unresolved: bool) -> str:
        keys = {
            GroupOrder.COUNT: lambda: "g.failures",
            GroupOrder.LAST_SEEN: lambda: self._over_members("max", self._end("queued_at", "DESC")),
            GroupOrder.FIRST_SEEN: lambda: self._over_members("min", self._end("queued_at", "ASC")),
            GroupOrder.UNRESOLVED: self._unresolved,
        }
        groups = self.groups(f"g.id, g.failures, coalesce({keys[order]()}, 0) AS sort_key")
        rows = segment.select("id, failures, sort_key", f"({groups}) f", self.params)
        # Only of those on the page, not of all that were sorted.
        count = self._unresolved() if unresolved else "0"
        return f"SELECT g.id, g.failures, g.sort_key, {count} FROM ({rows}) g ORDER BY {segment.order_by('g.')}"

    def groups(self, columns: str) -> str:
        groups = counted_groups(self._where.window, self._scope, self.params, kept=False)
        conditions = []
        if self._where.states is not None:
            last_seen = self._over_members("max", self._end("queued_at", "DESC"))
            conditions.append(marks.condition(self._where.states, self.params, "k", last_seen))
        if self._where.search:
            found = self._end(f"CASE WHEN {self._found(self._where.search)} THEN 1 ELSE 0 END", "DESC")
            conditions.append(f"{self._over_members('max', found)} = 1")
        only = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {columns} FROM ({groups}) g LEFT JOIN error_group_marks k ON k.group_id = g.id{only}"

    def _over_members(self, function: str, of_one: str) -> str:
        """What `of_one` says of each fingerprint of a group, where it has `{id}`, as one value."""
        own, merged = of_one.format(id="g.id"), of_one.format(id="m.fingerprint")
        every = f"SELECT ({own}) AS value UNION ALL SELECT ({merged}) FROM error_group_merges m WHERE m.group_id = g.id"
        return f"(SELECT {function}(e.value) FROM ({every}) e)"

    def _end(self, column: str, direction: str) -> str:
        """A value of the newest or the oldest execution of a fingerprint."""
        # As app/executions/scans.py: with an equality, Postgres may go through all executions by time.
        low, high = -(2**62), 2**62
        if self._dialect is Dialect.POSTGRES:
            bounds = [("x.error_group_id, x.queued_at", sign, at) for sign, at in ((">", low), ("<", high))]
            of_one = " AND ".join(f"({left}) {sign} ({{id}}, {at})" for left, sign, at in bounds)
        else:
            of_one = "x.error_group_id = {id}"
        order = ", ".join(f"x.{name} {direction}" for name in ("error_group_id", "queued_at", "id"))
        return (
            f"SELECT {column if ' ' in column else f'x.{column}'} FROM executions x"
            f" WHERE x.error_group_id IS NOT NULL AND {of_one} ORDER BY {order} LIMIT 1"
        )

    def _found(self, search: str) -> str:
        """Whether an execution has the text in its error's type, or in what a search of executions looks at."""
        in_type = occurs(self.params, searchable(search), "lower(x.error_type)")
        return f"{contains(self.params, 'x.search_text', search)} OR {in_type}"

    def _unresolved(self) -> str:
        window = self._where.window
        conditions = [
            "x.error_group_id IS NOT NULL AND x.error_group_id = {id}",
            *(f"x.queued_at {sign} {self.params.bind(at)}" for sign, at in ((">=", window.start), ("<", window.end))),
            "NOT x.retry_succeeded AND NOT x.resolved_by_hand",
            *self._scope.conditions(self.params, "x", ("queued_at",)),
        ]
        rows = f"SELECT 1 FROM executions x WHERE {' AND '.join(conditions)} LIMIT {MAX_COUNT + 1}"
        return f"CAST({self._over_members('sum', f'SELECT count(*) FROM ({rows}) c')} AS BIGINT)"
