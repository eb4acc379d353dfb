"""Error groups: failures with one fingerprint (app/error_groups/fingerprints.py), and how often each happened.

The id of a group is the fingerprint, and what the API shows of it comes from its newest execution. So a group has no
row: none to register, to keep in step, or to clean when Runwatch learns of a secret in its message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from app import executions
from app.db import Database
from app.db.rows import Column, RowsOf
from app.error_groups.counts import counted_groups
from app.error_groups.fingerprints import Basis, Fingerprint, fingerprint
from app.executions import group_aliases, payloads
from app.executions.filters import resolve
from app.metrics.filters import MetricsFilter
from app.paging import Count, Page, PageRequest, counted, read_page
from app.paging.keyset import Ordering, Params, Position, Segment


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Failures with one fingerprint."""

    id: str
    type: str | None
    message: str  # with placeholders for its variable parts


@dataclass(frozen=True, slots=True)
class CountedGroup:
    """A group, and its number of failures in a window."""

    group: ErrorGroup
    failures: int


@dataclass(frozen=True, slots=True)
class Sightings:
    """All executions of a group: how many, and the least and the greatest queuedAt, in µs since the epoch."""

    count: Annotated[int, Column("count(*)")]
    first: Annotated[int, Column("min(queued_at)")]
    last: Annotated[int, Column("max(queued_at)")]


_SIGHTINGS = RowsOf(Sightings)
_BY_FAILURES = Ordering("errorGroups.COUNT", "failures", descending=True)


async def list_page(database: Database, where: MetricsFilter, request: PageRequest) -> Page[CountedGroup]:
    """A page of the groups with failures in a window, most frequent first.

    Raises BadInput for a cursor of another list, LimitExceeded when the window has too much in it.
    """
    scope = await resolve(database, where.executions)

    async def read(segment: Segment) -> list[CountedGroup]:
        if scope is None:
            return []
        params = Params(database.dialect)
        counted = counted_groups(where, scope, params, kept=False)
        statement = segment.select("id, failures", f"({counted}) f", params)
        rows = await database.fetch_long(statement, *params.values)
        groups = await by_ids(database, [id_ for id_, _ in rows])
        return [CountedGroup(groups[id_], failures) for id_, failures in rows if id_ in groups]

    return await read_page(_BY_FAILURES, request, read, lambda each: Position(each.failures, each.group.id))


async def count(database: Database, where: MetricsFilter) -> Count:
    """How many groups have failures in a window. Raises LimitExceeded as a page does."""
    scope = await resolve(database, where.executions)
    if scope is None:
        return Count(0, exact=True)
    params = Params(database.dialect)
    # Some hundreds; when normalising fails there may be one for each failure.
    return await counted(database, counted_groups(where, scope, params, kept=False), *params.values)


async def by_ids(database: Database, ids: Iterable[str]) -> dict[str, ErrorGroup]:
    """The groups with these ids, by id. Leaves out groups without any execution. At most five statements.

    An id of older fingerprints gives the group that it has become, of several the one that happened last.
    """
    wanted = list(dict.fromkeys(ids))
    latest = await executions.latest_of_error_groups(database, wanted)
    groups = await _shown(database, latest)
    if unknown := [id_ for id_ in wanted if id_ not in latest]:
        groups |= await _by_aliases(database, unknown)
    return groups


async def _by_aliases(database: Database, ids: Sequence[str]) -> dict[str, ErrorGroup]:
    became = await group_aliases.successors(database, ids)
    latest = await executions.latest_of_error_groups(database, {id_ for every in became.values() for id_ in every})
    newest = {}
    for alias, every in became.items():
        found = [latest[id_] for id_ in every if id_ in latest]
        if found:
            newest[alias] = max(found, key=lambda execution: (execution.queued_at, execution.id)).error_group_id
    groups = await _shown(database, latest)
    return {alias: groups[id_] for alias, id_ in newest.items() if id_ is not None}


async def _shown(database: Database, latest: Mapping[str, executions.Execution]) -> dict[str, ErrorGroup]:
    silent = [execution.id for execution in latest.values() if not execution.error_message]
    found = await payloads.by_ids(database, silent) if silent else {}
    groups = {}
    for id_, execution in latest.items():
        shown = _fingerprint_of(execution, found.get(execution.id))
        groups[id_] = ErrorGroup(id_, shown.type, shown.message)
    return groups


def basis_of(execution: executions.Execution, payload: payloads.Payload | None) -> Basis:
    """What the group of a failure was made by."""
    return _fingerprint_of(execution, payload).basis


def _fingerprint_of(execution: executions.Execution, payload: payloads.Payload | None) -> Fingerprint:
    return fingerprint(
        execution.error_type,
        execution.error_message,
        None if payload is None else payload.stack_trace,
        workflow=execution.workflow_name,
        failed_step=execution.failed_step_name,
    )


async def sightings(database: Database, ids: Iterable[str]) -> dict[str, Sightings]:
    """The executions of groups, by id. Leaves out groups without any."""
    condition = database.any_of("error_group_id", 1, "id")
    rows = await database.fetch_long(
        f"SELECT error_group_id, {_SIGHTINGS.columns} FROM executions"
        f" WHERE error_group_id IS NOT NULL AND {condition} GROUP BY error_group_id",
        database.array(ids),
    )
    return {id_: _SIGHTINGS.read(values) for id_, *values in rows}
