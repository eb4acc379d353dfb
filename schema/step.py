"""Steps: the parts of executions."""

from __future__ import annotations

import strawberry

from app import ids
from app.executions import steps
from app.graphql.compiled.projections import PROJECTION, Part
from app.lifecycle import STATUS_OF, step_time_marks
from resolvers import steps as resolvers
from schema.context import Info
from schema.error import ExecutionError, step_has_error
from schema.execution_input import State, Status, TimeMark
from schema.node import ID, Node
from schema.projections import column, in_milliseconds, made
from schema.scalars import DateTime, Json, milliseconds


@strawberry.type(
    description=(
        "One part of an execution. A step that only the definition names is QUEUED, and SKIPPED once"
        " the execution has finished."
    )
)
class Step(Node):
    """One part of an execution."""

    row: strawberry.Private[steps.Step]
    id: strawberry.ID = strawberry.field(description=ID, metadata=made(ids.step_id, "execution_id", "index"))
    index: int = strawberry.field(description="Index in the execution, from 0.", metadata=column("index"))
    name: str = strawberry.field(description="Name of the step.", metadata=column("name"))
    kind: str | None = strawberry.field(
        metadata=column("kind"), description="Kind of step in the engine's words. Null if the engine names none."
    )
    state: State = strawberry.field(
        metadata=column("state"),
        description=(
            "State that the engine last reported. An unfinished step of a finished execution has that"
            " execution's state."
        ),
    )
    status: Status = strawberry.field(
        description="Status for administrators. Follows from `state`.", metadata=made(STATUS_OF.__getitem__, "state")
    )
    started_at: DateTime | None = strawberry.field(
        description="When the step started. Null if not reported.", metadata=column("started_at")
    )
    finished_at: DateTime | None = strawberry.field(
        description="When the step finished. Null if not reported.", metadata=column("finished_at")
    )
    duration_ms: float | None = strawberry.field(
        metadata=in_milliseconds("duration"),
        description=(
            "Duration in milliseconds: the engine's own figure, else finishedAt - startedAt. Null if"
            " unknown, and where that would be below 0."
        ),
    )
    time_marks: list[TimeMark] = strawberry.field(
        metadata=made(step_time_marks, "started_at", "finished_at", "duration"),
        description="What is odd about its times; mostly nothing.",
    )
    error: ExecutionError | None = strawberry.field(
        metadata={PROJECTION: Part(ExecutionError.of_step, ("failed", "error_type", "error_message"), step_has_error)},
        description="Why the step failed. Null if the engine reported no failure.",
    )

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
            time_marks=step_time_marks(row.started_at, row.finished_at, row.duration),
            error=ExecutionError.of_step(row),
        )

    @strawberry.field(
        description=(
            "Input of the step, secrets masked as •••. Null if the engine sent none. An object with"
            " `truncated`, `bytes` and `start` replaces input of more than 256 KiB."
        )
    )
    async def input(self, info: Info) -> Json | None:
        """Batched."""
        payload = await resolvers.find_step_payload(info.context, self.row)
        return None if payload is None or payload.input is None else Json(payload.input)

    @strawberry.field(
        description=(
            "Output of the step, secrets masked as •••. Null if the engine sent none. An object with"
            " `truncated`, `bytes` and `start` replaces output of more than 256 KiB."
        )
    )
    async def output(self, info: Info) -> Json | None:
        """Batched."""
        payload = await resolvers.find_step_payload(info.context, self.row)
        return None if payload is None or payload.output is None else Json(payload.output)
