"""What a subscriber to executions gets."""

from __future__ import annotations

import strawberry

from app import ids
from app.live.updates import Change, Update
from schema.execution import Execution

strawberry.enum(
    Change,
    name="ExecutionChange",
    description=(
        "What happened. For several changes in one update, the strongest: DELETED, FINISHED, CREATED,"
        " UPDATED. RESYNC: the cursor is unknown or too old; list again, and subscribe with that"
        " list's updatesCursor."
    ),
)


@strawberry.type(description="A change of an execution.")
class ExecutionUpdate:
    """A change of an execution."""

    cursor: str = strawberry.field(
        description="Cursor of this update. Opaque. Pass it as `after` to resume without a gap."
    )
    change: Change = strawberry.field(description="What happened.")
    execution_id: strawberry.ID | None = strawberry.field(
        description="Global id of the execution. Null only on RESYNC."
    )
    execution: Execution | None = strawberry.field(
        description="The execution as it is now. Null on RESYNC and DELETED."
    )
    matches: bool = strawberry.field(
        description=(
            "Whether the execution matches the filter. false: it no longer does, so remove it from the list. Where"
            " Runwatch does not know how it was before, as after a restart, it says false of one that may never have"
            " matched."
        )
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
