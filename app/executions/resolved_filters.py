"""A filter of executions as conditions on their table, once its workflows, engines and groups were looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.db import Database
from app.executions import group_members
from app.executions.filters import EVERYTHING, ExecutionFilter
from app.executions.searching import contains
from app.executions.trigrams import Hits, hits
from app.lifecycle import State, Status
from app.paging.keyset import Params

# A page reads up to a page of keys for each of so many workflows or states: 10,000 index entries, about 5 ms.
MAX_BRANCHES = 200

# With other conditions too, each branch may have to read a lot before it has its page.
MAX_BRANCHES_WITH_CONDITIONS = 10

Branched = Literal["workflow_id", "state", "failed_step_name", "error_group_id", "root_id"]


@dataclass(frozen=True, slots=True)
class ResolvedFilter:
    """A filter after its workflows and engines were looked up: what remains for the table of executions."""

    filter: ExecutionFilter
    states: tuple[int, ...] | None  # ascending; None: any
    workflows: tuple[str, ...] | None  # ids, at most MAX_BRANCHES; None: any, or more than those
    many_workflows: bool = False  # more than MAX_BRANCHES: the condition stays a subquery
    hits: Hits = Hits.UNKNOWN  # what the index of trigrams finds for the search

    @property
    def branches(self) -> tuple[Branched, Sequence[str | int]] | None:
        """A column and its values, to read one index range each; None if the ordering's own index is better.

        A branch reads until it has a whole page that satisfies the other conditions, so many branches multiply the cost
        of those conditions. Without other conditions, a branch reads one page of keys and nothing else.
        """
        if self.filter.root_id is not None:
            return "root_id", (self.filter.root_id,)
        for column, values in self._failures.items():
            if values is not None and len(values) <= MAX_BRANCHES:
                return column, values
        few_workflows = self.workflows is not None and len(self.workflows) <= MAX_BRANCHES_WITH_CONDITIONS
        if self.states is not None and (self.workflows is None or not few_workflows or self._pending):
            only_states = self.workflows is None and not self.many_workflows
            # All but a few runs succeed: with further conditions, the ordering alone finds those as soon.
            return ("state", self.states) if only_states or State.SUCCEEDED not in self.states else None
        if self.workflows is None or not (few_workflows or self._only_workflows):
            return None
        return "workflow_id", self.workflows

    @property
    def _failures(self) -> dict[Branched, tuple[str, ...] | None]:
        """Conditions that only failed runs meet. Those are few, so look this up first, the rarer condition before the
        other.
        """
        wanted = self.filter
        return {"error_group_id": _once(wanted.error_group_ids), "failed_step_name": _once(wanted.failed_step_names)}

    @property
    def _pending(self) -> bool:
        """Whether the filter asks only for unfinished runs: they are few, whatever their workflow."""
        return self.states is not None and self.states[-1] < State.SUCCEEDED

    @property
    def _only_workflows(self) -> bool:
        """Whether an index of (workflow, queued_at) answers the whole filter."""
        wanted = self.filter
        others = (
            *(self.states, wanted.trigger_kinds, wanted.exclude_trigger_kinds or None),
            *(wanted.min_duration, wanted.max_duration, wanted.search or None, wanted.unresolved),
        )
        return all(other is None for other in (*others, *self._failures.values()))

    def conditions(self, params: Params, alias: str, leave_out: Sequence[str]) -> list[str]:
        """Conditions on the table `alias`, without what names executions or a family, and the columns `leave_out`."""
        wanted, left = self.filter, leave_out
        conditions: list[str] = []
        if self.states is not None and "state" not in left:
            # Literals: there are few sets of states, and their numbers of rows differ by a factor of a thousand, which
            # Postgres cannot see once it has a generic plan of the statement.
            conditions.append(f"{alias}.state IN ({', '.join(map(str, self.states))})")
        if self.workflows is not None and "workflow_id" not in left:
            conditions.append(params.any_of(f"{alias}.workflow_id", self.workflows, "id"))
        if self.many_workflows:
            inner = " AND ".join(_workflow_conditions(params, wanted))
            conditions.append(f"{alias}.workflow_id IN (SELECT w.id FROM workflows w WHERE {inner})")
        if wanted.trigger_kinds is not None:
            conditions.append(params.any_of(f"{alias}.trigger_kind", wanted.trigger_kinds, "text"))
        if wanted.exclude_trigger_kinds:
            excluded = params.any_of(f"{alias}.trigger_kind", wanted.exclude_trigger_kinds, "text")
            conditions.append(f"NOT ({excluded})")
        for name, values in self._failures.items():
            if values is not None and name not in left:
                kind: Literal["id", "text"] = "id" if name == "error_group_id" else "text"
                conditions.append(params.any_of(f"{alias}.{name}", values, kind))
        for column, sign, value in (
            ("queued_at", ">=", wanted.queued_from),
            ("queued_at", "<", wanted.queued_to),
            ("duration", ">=", wanted.min_duration),
            ("duration", "<=", wanted.max_duration),
        ):
            if value is not None and column not in left:
                conditions.append(f"{alias}.{column} {sign} {params.bind(value)}")
        if wanted.unresolved:
            # allowed_states covers the status.
            conditions.append(f"NOT {alias}.retry_succeeded AND NOT {alias}.resolved_by_hand")
        elif wanted.unresolved is not None:
            resolved = f"{alias}.retry_succeeded OR {alias}.resolved_by_hand"
            conditions.append(f"({alias}.status <> {int(Status.FAILURE)} OR {resolved})")
        if wanted.search:
            conditions.append(contains(params, f"{alias}.search_text", wanted.search))
        return conditions


RESOLVED_EVERYTHING = ResolvedFilter(EVERYTHING, None, None)


async def resolve(database: Database, wanted: ExecutionFilter) -> ResolvedFilter | None:
    """Look up the workflows and engines of the filter, its family, and on SQLite its search, in at most one statement
    each; None if nothing can match.
    """
    found = await _resolve(database, wanted)
    if found is None or not wanted.search or wanted.names_executions or wanted.root_id is not None:
        return found
    return replace(found, hits=await hits(database, wanted.search))


async def _resolve(database: Database, wanted: ExecutionFilter) -> ResolvedFilter | None:
    if wanted is EVERYTHING:
        return RESOLVED_EVERYTHING
    if wanted.root_id is not None:
        wanted = await _with_family(database, wanted, wanted.root_id)
    if wanted.error_group_ids:
        led = await group_members.lead(database, wanted.error_group_ids)
        every = (*wanted.error_group_ids, *(each for id_ in led.groups for each in led.fingerprints(id_)))
        wanted = replace(wanted, error_group_ids=tuple(dict.fromkeys(every)))
    given = (
        *(wanted.workflow_ids, wanted.workflow_names, wanted.engines, wanted.trigger_kinds),
        *(wanted.failed_step_names, wanted.error_group_ids, wanted.ids, wanted.external_ids),
    )
    allowed = wanted.allowed_states
    if () in given or (allowed is not None and not allowed):
        return None
    states = None if allowed is None else tuple(sorted(map(int, allowed)))
    if not wanted.names_workflows:
        ids = None if wanted.workflow_ids is None else tuple(sorted(set(wanted.workflow_ids)))
        if ids is None or len(ids) <= MAX_BRANCHES:
            return ResolvedFilter(wanted, states, ids)
        return ResolvedFilter(wanted, states, None, many_workflows=True)
    params = Params(database.dialect)
    conditions = " AND ".join(_workflow_conditions(params, wanted))
    rows = await database.fetch(
        f"SELECT w.id FROM workflows w WHERE {conditions} LIMIT {MAX_BRANCHES + 1}", *params.values
    )
    if not rows:
        return None
    if len(rows) > MAX_BRANCHES:
        return ResolvedFilter(wanted, states, None, many_workflows=True)
    return ResolvedFilter(wanted, states, tuple(row[0] for row in rows))


async def _with_family(database: Database, wanted: ExecutionFilter, root_id: str) -> ExecutionFilter:
    """The filter itself; by id for an original that nothing has retried, which has no root_id."""
    rows = await database.fetch("SELECT root_id FROM executions WHERE id = $1", root_id)
    if not rows or rows[0][0] is not None:
        return wanted
    return replace(wanted, root_id=None, ids=(root_id,) if wanted.ids is None or root_id in wanted.ids else ())


def _workflow_conditions(params: Params, wanted: ExecutionFilter) -> list[str]:
    conditions = []
    if wanted.workflow_ids is not None:
        conditions.append(params.any_of("w.id", wanted.workflow_ids, "id"))
    if wanted.workflow_names is not None:
        conditions.append(params.any_of("w.name", wanted.workflow_names, "text"))
    if wanted.exclude_workflow_names:
        excluded = params.any_of("w.name", wanted.exclude_workflow_names, "text")
        conditions.append(f"NOT ({excluded})")
    if wanted.engines is not None:
        named = params.any_of("g.name", wanted.engines, "text")
        conditions.append(f"w.engine_id IN (SELECT g.id FROM engines g WHERE {named})")
    return conditions


def _once(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Each value once: a branch read twice would return its rows twice."""
    return None if values is None else tuple(dict.fromkeys(values))
