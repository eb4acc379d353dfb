"""What a subscriber to executions gets."""

from __future__ import annotations

import strawberry

from app import ids
from app.live.updates import Change, Update
from schema.execution import Execution

strawberry.enum(
    Change,
    name="ExecutionChange",
    description="What happened. Of several changes that were taken together the strongest is named: DELETED, FINISHED,"
    " CREATED, UPDATED. RESYNC: the position is unknown or too old; list again, and go on from its updatesCursor.",
)


@strawberry.type(description="A change of an execution.")
class ExecutionUpdate:
    """A change of an execution."""

    cursor: str = strawberry.field(description="Give it back as `after` to go on without a gap; opaque.")
    change: Change = strawberry.field(description="What happened.")
    execution_id: strawberry.ID | None = strawberry.field(description="The execution; null only on RESYNC.")
    execution: Execution | None = strawberry.field(
        description="The execution as it is now; null on RESYNC and DELETED."
    )
    matches: bool = strawberry.field(
        description="Whether the filter lets it through. false: it does not any more; show it as gone."
    )

    @classmethod
    def of(cls, update: Update) -> ExecutionUpdate:
        """From app's update."""
        id_ = update.execution_id
        return cls(
            cursor=update.cursor,
            change=update.change,
            execution_id=None if id_ is None else strawberry.ID(ids.to_global("execution", id_)),
            execution=None if update.execution is None else Execution.of(update.execution),
            matches=update.matches,
        )
