"""Steps: the parts of executions."""

from __future__ import annotations

import strawberry

from app import ids
from app.executions import steps
from resolvers import steps as resolvers
from schema.context import Info
from schema.error import ExecutionError
from schema.execution_input import State, Status
from schema.node import Node
from schema.scalars import DateTime, Json, milliseconds


@strawberry.type(
    description="One part of an execution. Steps that are only known from the definition are QUEUED, and SKIPPED once"
    " the execution has finished."
)
class Step(Node):
    """One part of an execution."""

    row: strawberry.Private[steps.Step]
    index: int = strawberry.field(description="Its place in the execution, from 0.")
    name: str = strawberry.field(description="Its name.")
    kind: str | None = strawberry.field(
        description="What sort of step it is: the engine's word; null when it has none."
    )
    state: State = strawberry.field(
        description="What the engine last reported of it; one that never finished reads as its finished execution does."
    )
    status: Status = strawberry.field(description="What an administrator reads.")
    started_at: DateTime | None = strawberry.field(description="When it started; null: not known, or it has not.")
    finished_at: DateTime | None = strawberry.field(description="When it reported its end; null: it has not.")
    duration_ms: float | None = strawberry.field(
        description="How long it ran in milliseconds: the engine's own figure, else finishedAt - startedAt; null: not"
        " known."
    )
    error: ExecutionError | None = strawberry.field(description="Why it failed; null when it did not say that it did.")

    @classmethod
    def of(cls, row: steps.Step) -> Step:
        """From app's step."""
        return cls(
            id=strawberry.ID(ids.step_id(row.execution_id, row.index)),
            row=row,
            index=row.index,
            name=row.name,
            kind=row.kind,
            state=row.state,
            status=row.state.status,
            started_at=None if row.started_at is None else DateTime(row.started_at),
            finished_at=None if row.finished_at is None else DateTime(row.finished_at),
            duration_ms=milliseconds(row.duration),
            error=ExecutionError.of_step(row),
        )

    @strawberry.field(description="What it was given, secrets shown as •••; null when the engine sent nothing.")
    async def input(self, info: Info) -> Json | None:
        """Batched."""
        payload = await resolvers.find_step_payload(info.context, self.row)
        return None if payload is None or payload.input is None else Json(payload.input)

    @strawberry.field(description="What it gave, secrets shown as •••; null when the engine sent nothing.")
    async def output(self, info: Info) -> Json | None:
        """Batched."""
        payload = await resolvers.find_step_payload(info.context, self.row)
        return None if payload is None or payload.output is None else Json(payload.output)
