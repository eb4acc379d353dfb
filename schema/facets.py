"""Facets of the history: how many executions each next choice would give."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated

import strawberry

from app.executions.facets import Facet
from app.executions.filters import ExecutionFilter
from app.lifecycle import State, Status
from resolvers import error_groups as error_group_resolvers
from resolvers import facets as resolvers
from schema.context import Info
from schema.error_group import ErrorGroup
from schema.paging import Count, NameCount, size_of

First = Annotated[int, strawberry.argument(description="Maximum number of entries, 1 to 100. Defaults to 20.")]


@strawberry.type(description="A status with a number of executions.")
class StatusCount:
    """A status with a number of executions."""

    status: Status = strawberry.field(description="The status.")
    count: Count = strawberry.field(description="Number of executions.")


@strawberry.type(description="A state with a number of executions.")
class StateCount:
    """A state with a number of executions."""

    state: State = strawberry.field(description="The state.")
    count: Count = strawberry.field(description="Number of executions.")


@strawberry.type(description="An error group with a number of executions.")
class ErrorGroupCount:
    """An error group with a number of executions."""

    group: ErrorGroup = strawberry.field(description="The error group.")
    count: Count = strawberry.field(description="Number of executions.")


@strawberry.type(
    description=(
        "How many executions a filter lets through, by what could be chosen next. Each facet counts without its own"
        " condition and stops at 10,000. If more than 100,000 match, names and error groups count the newest"
        " of them, as AT_LEAST. A facet that takes longer than one second is null, with LIMIT_EXCEEDED."
        " Answers may be two seconds old."
    )
)
class ExecutionFacets:
    """Facets, each counted only if selected, and failing alone."""

    where: strawberry.Private[ExecutionFilter]

    @strawberry.field(description="All that match the filter.")
    async def total(self, info: Info) -> Count | None:
        """As the list counts."""
        return Count.of(await resolvers.total(info.context, self.where))

    @strawberry.field(description="Those that `unresolved: true` would leave.")
    async def unresolved(self, info: Info) -> Count | None:
        """Of the filter's others."""
        return Count.of(await resolvers.unresolved(info.context, self.where))

    @strawberry.field(description="Every status, without the condition `status`.")
    async def status(self, info: Info) -> list[StatusCount] | None:
        """All of them, 0 too."""
        found = await resolvers.statuses(info.context, self.where)
        return [StatusCount(status=status, count=Count.of(count)) for status, count in found.items()]

    @strawberry.field(description="Every state, without the condition `state`.")
    async def state(self, info: Info) -> list[StateCount] | None:
        """All of them, 0 too."""
        found = await resolvers.states(info.context, self.where)
        return [StateCount(state=state, count=Count.of(count)) for state, count in found.items()]

    @strawberry.field(
        description=(
            "Names of workflows, without the conditions `workflowName` and `workflowId`. Most frequent"
            " first, as in the other facets of names."
        )
    )
    async def workflow(
        self,
        info: Info,
        first: First = 20,
        search: Annotated[
            str | None, strawberry.argument(description="Only names that contain this text, in any case.")
        ] = None,
    ) -> list[NameCount] | None:
        """Of all engines together, as the filter means them."""
        found = await resolvers.values(info.context, Facet.WORKFLOW, self.where, partial(size_of, first), search)
        return [NameCount(name=name, count=Count.of(count)) for name, count in found]

    @strawberry.field(description="Names of engines, without the condition `engine`.")
    async def engine(self, info: Info) -> list[NameCount] | None:
        """Engines are few."""
        found = await resolvers.values(info.context, Facet.ENGINE, self.where)
        return [NameCount(name=name, count=Count.of(count)) for name, count in found]

    @strawberry.field(description="Trigger kinds, without the condition `triggerKind`.")
    async def trigger_kind(self, info: Info) -> list[NameCount] | None:
        """Kinds are few."""
        found = await resolvers.values(info.context, Facet.TRIGGER_KIND, self.where)
        return [NameCount(name=name, count=Count.of(count)) for name, count in found]

    @strawberry.field(description="Names of failed steps, without the condition `failedStepName`.")
    async def failed_step_name(self, info: Info, first: First = 20) -> list[NameCount] | None:
        """Of failed runs."""
        found = await resolvers.values(info.context, Facet.FAILED_STEP_NAME, self.where, partial(size_of, first))
        return [NameCount(name=name, count=Count.of(count)) for name, count in found]

    @strawberry.field(description="Error groups, without the condition `errorGroupId`. Most frequent first.")
    async def error_group(self, info: Info, first: First = 20) -> list[ErrorGroupCount] | None:
        """Of failed runs."""
        found = await resolvers.values(info.context, Facet.ERROR_GROUP, self.where, partial(size_of, first))
        groups = await asyncio.gather(*(error_group_resolvers.find_error_group(info.context, id_) for id_, _ in found))
        return [
            ErrorGroupCount(group=ErrorGroup.of(group), count=Count.of(count))
            for group, (_, count) in zip(groups, found, strict=True)
            if group is not None
        ]
