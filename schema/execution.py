"""Executions: the runs of workflows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import strawberry

from app import executions, ids
from app.executions import steps
from app.graphql.compiled.projections import PROJECTION, Part, Rows
from app.lifecycle import time_marks
from resolvers import engines as engine_resolvers
from resolvers import executions as resolvers
from resolvers import resolutions as resolution_resolvers
from resolvers import retries as retry_resolvers
from resolvers import steps as step_resolvers
from resolvers import workflows as workflow_resolvers
from schema import log, workflow  # the modules: their types and these name each other
from schema.comparison import ExecutionComparison
from schema.context import Info
from schema.engine import Engine
from schema.error import ExecutionError
from schema.execution_input import State, Status, TimeMark, filter_tuple
from schema.log_input import (
    AroundLine,
    AroundSize,
    FirstLines,
    LastLines,
    LogSearch,
    MinLevel,
    SkipLines,
    StepId,
    log_filter,
    log_request,
)
from schema.node import ID, Node
from schema.paging import After, Before, size_of
from schema.projections import READS_LOGS, column, global_id, in_milliseconds, joined, made
from schema.resolution import Resolution
from schema.retryability import Dispatch, Retryability
from schema.scalars import DateTime, milliseconds, queue_ms_of, verb_id
from schema.step import Step
from schema.trigger import Trigger

if TYPE_CHECKING:
    from schema.log import ExecutionLogConnection
    from schema.workflow import Workflow


OfStatus = Annotated[
    list[Status] | None, strawberry.argument(description="Only runs with one of these statuses; [] matches none.")
]


def _root_id(root_id: str | None, own: str) -> str:
    return ids.to_global("execution", root_id or own)


def _is_resolved(status: Status, retry_succeeded: bool, resolved_by_hand: bool) -> bool:
    return status is Status.FAILURE and (retry_succeeded or resolved_by_hand)


async def _steps(self: Execution, info: Info) -> list[steps.Step]:
    return await step_resolvers.list_steps(info.context, self.row.id)


@strawberry.type(description="One run of a workflow.")
class Execution(Node):
    """One run of a workflow."""

    row: strawberry.Private[executions.Execution]
    id: strawberry.ID = strawberry.field(description=ID, metadata=global_id("execution"))
    external_id: str = strawberry.field(
        description="The engine's own id of the run, unique within the engine.", metadata=column("external_id")
    )
    workflow_name: str = strawberry.field(
        metadata=column("workflow_name"),
        description="Name of the workflow when the run was queued. `(unknown)` until an event names it.",
    )
    status: Status = strawberry.field(
        description="Status for administrators. Follows from `state`.", metadata=column("status")
    )
    state: State = strawberry.field(description="State that the engine last reported.", metadata=column("state"))
    requested_by: str | None = strawberry.field(
        metadata=column("requested_by"),
        description=(
            "Name of the viewer who asked for this retry. Null for an original, and for a retry that the"
            " engine made by itself."
        ),
    )
    queued_at: DateTime = strawberry.field(
        metadata=column("queued_at"),
        description="When the run was queued: the least reported time, else the least time of all its events.",
    )
    due_at: DateTime | None = strawberry.field(
        metadata=column("due_at"),
        description=(
            "When a queued run is to begin, or one that waits is to continue. Null if its engine did not say so, and"
            " once it runs."
        ),
    )
    started_at: DateTime | None = strawberry.field(
        description="When the run started: the least reported time. Null if not reported.",
        metadata=column("started_at"),
    )
    finished_at: DateTime | None = strawberry.field(
        description="When the run finished. Null while it has not.", metadata=column("finished_at")
    )
    time_marks: list[TimeMark] = strawberry.field(
        metadata=made(time_marks, "time_marks", "queued_at", "started_at", "finished_at", "duration"),
        description="What is odd about its times; mostly nothing.",
    )
    updated_at: DateTime = strawberry.field(
        description="When the stored execution last changed, by Runwatch's clock.", metadata=column("updated_at")
    )
    last_heard_at: DateTime = strawberry.field(
        metadata=column("received_at"),
        description=(
            "When Runwatch last heard of the run from its engine, by Runwatch's clock, to the second: the newest event,"
            " or the acceptance of a retry; before that, when the retry was asked for. Subscriptions do not announce a"
            " change of this alone."
        ),
    )

    @classmethod
    def of(cls, row: executions.Execution) -> Execution:
        """From app's execution."""
        return cls(
            id=strawberry.ID(ids.to_global("execution", row.id)),
            row=row,
            external_id=row.external_id,
            workflow_name=row.workflow_name,
            status=row.status,
            state=row.state,
            requested_by=row.requested_by,
            queued_at=DateTime(row.queued_at),
            started_at=None if row.started_at is None else DateTime(row.started_at),
            finished_at=None if row.finished_at is None else DateTime(row.finished_at),
            due_at=None if row.due_at is None else DateTime(row.due_at),
            time_marks=time_marks(row.time_marks, row.queued_at, row.started_at, row.finished_at, row.duration),
            updated_at=DateTime(row.updated_at),
            last_heard_at=DateTime(row.received_at),
        )

    @strawberry.field(description="Its engine.", metadata=joined("engine", engine_resolvers.find_engines))
    async def engine(self, info: Info) -> Engine:
        """Batched."""
        engine = await engine_resolvers.find_engine(info.context, self.row.engine_id)
        assert engine is not None  # engines are never deleted
        return Engine.of(engine)

    @strawberry.field(description="Its workflow.", metadata=joined("workflow", workflow_resolvers.find_workflows))
    async def workflow(self, info: Info) -> Annotated[Workflow, strawberry.lazy("schema.workflow")]:
        """Batched."""
        found = await workflow_resolvers.find_workflow(info.context, self.row.workflow_id)
        assert found is not None  # workflows are never deleted
        return workflow.Workflow.of(found)

    @strawberry.field(description="What triggered the run.", metadata={PROJECTION: Part(Trigger.of)})
    def trigger(self) -> Trigger:
        """Its data is read only when asked for."""
        return Trigger.of(self.row)

    @strawberry.field(
        description=(
            "startedAt - queuedAt in milliseconds. Null until startedAt is known, and with the mark"
            " STARTED_BEFORE_QUEUED."
        ),
        metadata=made(queue_ms_of, "started_at", "queued_at"),
    )
    def queue_ms(self) -> float | None:
        """Waiting time."""
        return queue_ms_of(self.row.started_at, self.row.queued_at)

    @strawberry.field(
        description=(
            "finishedAt - startedAt in milliseconds. Null until both are known, and with the mark"
            " FINISHED_BEFORE_STARTED."
        ),
        metadata=in_milliseconds("duration"),
    )
    def duration_ms(self) -> float | None:
        """Running time."""
        return milliseconds(self.row.duration)

    @strawberry.field(
        description="Why the run failed. Null unless status is FAILURE, and then never null.",
        metadata={PROJECTION: Part(ExecutionError.of_execution, ("status",), Status.FAILURE.__eq__)},
    )
    def error(self) -> ExecutionError | None:
        """Its stack trace is read only when asked for."""
        return ExecutionError.of_execution(self.row)

    @strawberry.field(
        description=(
            "Why Runwatch rejected the newest report of its end that it could not take. Null if there is none, and once"
            " the run has finished. Subscriptions do not announce it."
        )
    )
    async def end_refused(self, info: Info) -> str | None:
        """Batched."""
        return await resolvers.end_refused(info.context, self.row.id)

    @strawberry.field(
        description=(
            "Step to blame: the step that the error names, else the first failed step. Null if the run"
            " did not fail, or failed outside any step."
        )
    )
    async def failed_step(self, info: Info) -> Step | None:
        """Batched."""
        step = await step_resolvers.failed_step(info.context, self.row)
        return None if step is None else Step.of(step)

    @strawberry.field(
        description="Steps by index, at most 1,000: reported steps, and those of the definition.",
        metadata={PROJECTION: Rows(_steps, Step.of)},
    )
    async def steps(self, info: Info) -> list[Step]:
        """Batched."""
        return [Step.of(step) for step in await _steps(self, info)]

    @strawberry.field(description="How many `steps` it has.")
    async def step_count(self, info: Info) -> int:
        """Batched."""
        return await step_resolvers.step_count(info.context, self.row.id)

    @strawberry.field(
        description=(
            "The step under way, that is RUNNING or WAITING; of several, the one with the greatest index. Null while no"
            " step is, and once the run has finished."
        )
    )
    async def current_step(self, info: Info) -> Step | None:
        """Batched."""
        step = await step_resolvers.current_step(info.context, self.row)
        return None if step is None else Step.of(step)

    @strawberry.field(description="Its log, oldest lines first, as in Query.executionLogs.", metadata=READS_LOGS)
    async def logs(
        self,
        info: Info,
        first: FirstLines = None,
        after: After = None,
        last: LastLines = None,
        before: Before = None,
        min_level: MinLevel = None,
        step_id: StepId = None,
        search: LogSearch = None,
        around: AroundLine = None,
        size: AroundSize = 200,
        skip: SkipLines = None,
    ) -> Annotated[ExecutionLogConnection, strawberry.lazy("schema.log")]:
        """One page of it."""
        where = partial(log_filter, self.row.id, min_level, step_id, search)
        request = partial(log_request, self.row.id, first, after, last, before, around, size, skip)
        return await log.ExecutionLogConnection.get(info, self.row, where, request)

    @strawberry.field(description="1 for an original. A retry has one more than the execution that it retries.")
    async def attempt(self, info: Info) -> int:
        """Batched."""
        return await resolvers.attempt_of(info.context, self.row)

    @strawberry.field(description="The execution that this one retries. Null for an original.")
    async def retry_of(self, info: Info) -> Execution | None:
        """Batched."""
        if self.row.retry_of is None:
            return None
        parent = await resolvers.find_execution(info.context, self.row.retry_of)
        return None if parent is None else Execution.of(parent)

    @strawberry.field(description="Its direct retries, newest first.")
    async def retries(
        self,
        info: Info,
        first: Annotated[
            int, strawberry.argument(description="Maximum number of retries, 1 to 100. Defaults to 20.")
        ] = 20,
    ) -> list[Execution]:
        """Batched."""
        retries = await retry_resolvers.retries_of(info.context, self.row, partial(size_of, first))
        return [Execution.of(row) for row in retries]

    @strawberry.field(description="The run of the same workflow queued just before this one. Null if there is none.")
    async def previous(self, info: Info, status: OfStatus = None) -> Execution | None:
        """One statement."""
        found = await resolvers.neighbour_of(info.context, self.row, partial(filter_tuple, status), earlier=True)
        return None if found is None else Execution.of(found)

    @strawberry.field(description="The run of the same workflow queued just after this one. Null if there is none.")
    async def next(self, info: Info, status: OfStatus = None) -> Execution | None:
        """One statement."""
        found = await resolvers.neighbour_of(info.context, self.row, partial(filter_tuple, status), earlier=False)
        return None if found is None else Execution.of(found)

    @strawberry.field(
        description=(
            "What differs from another run of its workflow. Null if the workflow has no success before this run and"
            " `with` is null. NOT_FOUND for an unknown id; BAD_USER_INPUT for a run of another workflow."
        )
    )
    async def comparison(
        self,
        info: Info,
        with_: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                name="with",
                description="The other run, by global id. Null: the last one before this that succeeded.",
            ),
        ] = None,
    ) -> ExecutionComparison | None:
        """Not batched."""

        def other() -> str | None:
            return None if with_ is None else verb_id("with", "execution", with_)

        found = await resolvers.compare(info.context, self.row, other)
        return None if found is None else ExecutionComparison.of(found)

    @strawberry.field(
        description=(
            "Id of the original that its chain of retries starts from, as the filter `rootExecutionId` takes it. Its"
            " own for an original. It stays when the original is deleted."
        ),
        metadata=made(_root_id, "root_id", "id"),
    )
    def root_execution_id(self) -> strawberry.ID:
        """Kept in its row."""
        return strawberry.ID(_root_id(self.row.root_id, self.row.id))

    @strawberry.field(description="The original that its chain of retries starts from. An original is its own root.")
    async def root_execution(self, info: Info) -> Execution:
        """Batched."""
        return Execution.of(await retry_resolvers.root_of(info.context, self.row))

    @strawberry.field(
        description=(
            "Whether the run failed, and one of its retries, however deep, succeeded, or somebody resolved it or one of"
            " them by hand."
        ),
        metadata=made(_is_resolved, "status", "retry_succeeded", "resolved_by_hand"),
    )
    def resolved(self) -> bool:
        """Kept in its row."""
        return _is_resolved(self.row.status, self.row.retry_succeeded, self.row.resolved_by_hand)

    @strawberry.field(description="Who resolved this very run by hand, and why. Null if nobody did.")
    async def resolution(self, info: Info) -> Resolution | None:
        """Batched."""
        found = await resolution_resolvers.resolution_of(info.context, self.row)
        return None if found is None else Resolution.of(found)

    @strawberry.field(description="Whether the viewer can retry the run, and what prevents it.")
    async def retryability(self, info: Info) -> Retryability:
        """Batched."""
        reasons = await retry_resolvers.retryability(info.context, self.row)
        return Retryability(can_retry=not reasons, reasons=list(reasons))

    @strawberry.field(description="Delivery status of this retry. Null if Runwatch did not ask for the run.")
    async def dispatch(self, info: Info) -> Dispatch | None:
        """Batched."""
        found = await retry_resolvers.dispatch_of(info.context, self.row)
        return None if found is None else Dispatch.of(found)
