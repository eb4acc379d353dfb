"""Resolutions: failures that somebody mended outside Runwatch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from app import resolutions
from app.resolutions import Chosen, Mended, Settled
from resolvers import resolutions as resolvers
from schema import execution  # the module: the two types name each other
from schema.context import Info
from schema.execution_input import ExecutionFilter, filter_tuple
from schema.scalars import DateTime, verb_id

if TYPE_CHECKING:
    from schema.execution import Execution


@strawberry.type(description="That somebody mended a failure outside Runwatch, and resolved it by hand.")
class Resolution:
    """A resolution."""

    at: DateTime = strawberry.field(description="When it was resolved.")
    by: str = strawberry.field(description="Name of the viewer who resolved it.")
    note: str = strawberry.field(description="What the viewer says of it.")

    @classmethod
    def of(cls, row: resolutions.Resolution) -> Resolution:
        """From app's resolution."""
        return cls(at=DateTime(row.at), by=row.actor, note=row.note)


@strawberry.input(description="The failures to resolve by hand. Pass exactly one of filter and ids.")
class ResolveExecutionsInput:
    """Which failures, and what to say of them."""

    note: str = strawberry.field(description="How they were mended, for those who look later: 1 to 1,000 characters.")
    filter: ExecutionFilter | None = strawberry.field(
        default=None, description="Resolves the newest unresolved executions that match, at most 1,000."
    )
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Resolves the executions with these global ids, at most 1,000."
    )

    def mended(self, actor: str) -> Mended:
        """As app's value; BadInput for invalid values, NotFound for an unknown id."""
        return Mended(actor, self.note, **_chosen(self))


@strawberry.input(description="The executions whose resolutions to take back. Pass exactly one of filter and ids.")
class UnresolveExecutionsInput:
    """Which executions."""

    filter: ExecutionFilter | None = strawberry.field(
        default=None, description="Takes back the newest resolutions of executions that match, at most 1,000."
    )
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Global ids of executions, at most 1,000."
    )

    def chosen(self) -> Chosen:
        """As app's value; BadInput for invalid values, NotFound for an unknown id."""
        return Chosen(**_chosen(self))


def _chosen(given: ResolveExecutionsInput | UnresolveExecutionsInput) -> dict[str, Any]:
    return {
        "where": None if given.filter is None else ExecutionFilter.where(given.filter),
        "ids": filter_tuple(given.ids, lambda id_: verb_id("ids", "execution", id_)),
    }


@strawberry.type(description="What a request resolved by hand, or took back.")
class ResolveExecutionsPayload:
    """What changed."""

    settled: strawberry.Private[Settled]
    changed_count: int = strawberry.field(description="Number of executions that it changed.")
    skipped_count: int = strawberry.field(
        description="Number of executions that it left as they were: not failed, resolved already, or not by hand."
    )
    more: bool = strawberry.field(description="Whether the filter matches more than it changed; ask again for those.")

    @classmethod
    def of(cls, settled: Settled) -> ResolveExecutionsPayload:
        """From what app changed."""
        return cls(
            settled=settled, changed_count=len(settled.changed), skipped_count=settled.skipped, more=settled.more
        )

    @strawberry.field(description="The executions that it changed, at most 1,000.")
    async def executions(self, info: Info) -> list[Annotated[Execution, strawberry.lazy("schema.execution")]]:
        """Batched."""
        return [execution.Execution.of(row) for row in await resolvers.changed(info.context, self.settled.changed)]
