"""Executions: the runs of workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from app import executions, ids
from resolvers import engines as engine_resolvers
from resolvers import executions as resolvers
from resolvers import retries as retry_resolvers
from resolvers import steps as step_resolvers
from resolvers import workflows as workflow_resolvers
from schema import log, workflow  # the modules: their types and these name each other
from schema.context import Info
from schema.engine import Engine
from schema.error import ExecutionError
from schema.execution_input import State, Status
from schema.log_input import LogSearch, MinLevel, StepId, log_filter
from schema.node import Node
from schema.paging import After, Before, Count, First, Last, PageInfo, PageRequest
from schema.retryability import Dispatch, Retryability
from schema.scalars import DateTime, Json, milliseconds
from schema.step import Step

if TYPE_CHECKING:
    from schema.log import ExecutionLogConnection
    from schema.workflow import Workflow


@strawberry.type(description="What set an execution off.")
class Trigger:
    """What set an execution off."""

    execution_id: strawberry.Private[str]
    kind: str = strawberry.field(description="schedule, webhook, manual, …: the engine's word; unknown until it says.")
    incomplete: bool = strawberry.field(
        description="Whether data could not be kept to the byte: too large, or not JSON. It cannot be given to a retry."
    )

    @strawberry.field(
        description="The data that the run was given, secrets shown as •••; null when the engine sent none. Data of"
        " more than 256 KiB are replaced by an object with their size and how they begin."
    )
    async def data(self, info: Info) -> Json | None:
        """Batched."""
        payload = await resolvers.find_payload(info.context, self.execution_id)
        return None if payload is None or payload.trigger_data is None else Json(payload.trigger_data)

    @strawberry.field(description="Size of the data as it was sent, in bytes; 0 when the engine sent none.")
    async def data_bytes(self, info: Info) -> int:
        """Batched."""
        payload = await resolvers.find_payload(info.context, self.execution_id)
        return 0 if payload is None else payload.trigger_data_bytes

    @strawberry.field(description="JSON Pointers (RFC 6901) to the values of the data that are shown as •••.")
    async def redacted_paths(self, info: Info) -> list[str]:
        """Batched."""
        payload = await resolvers.find_payload(info.context, self.execution_id)
        return [] if payload is None else payload.redacted_paths


@strawberry.type(description="One run of a workflow.")
class Execution(Node):
    """One run of a workflow."""

    row: strawberry.Private[executions.Execution]
    external_id: str = strawberry.field(description="The engine's own id, unique per engine.")
    workflow_name: str = strawberry.field(
        description="The workflow's name when this was queued; (unknown) until an event names it."
    )
    status: Status = strawberry.field(description="What an administrator reads.")
    state: State = strawberry.field(description="What the engine last reported.")
    requested_by: str | None = strawberry.field(
        description="Who asked for this retry; null for an original, and for a retry that the engine made by itself."
    )
    queued_at: DateTime = strawberry.field(description="The least time at which it was queued, else of all its events.")
    started_at: DateTime | None = strawberry.field(description="The least time at which it started; null: not known.")
    finished_at: DateTime | None = strawberry.field(description="When it finished; null: it has not.")
    updated_at: DateTime = strawberry.field(description="When Runwatch last saw it change, by Runwatch's clock.")

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
            updated_at=DateTime(row.updated_at),
        )

    @strawberry.field(description="The engine that runs it.")
    async def engine(self, info: Info) -> Engine:
        """Batched."""
        engine = await engine_resolvers.find_engine(info.context, self.row.engine_id)
        assert engine is not None  # engines are never deleted
        return Engine.of(engine)

    @strawberry.field(description="The workflow that it is a run of.")
    async def workflow(self, info: Info) -> Annotated[Workflow, strawberry.lazy("schema.workflow")]:
        """Batched."""
        found = await workflow_resolvers.find_workflow(info.context, self.row.workflow_id)
        assert found is not None  # workflows are never deleted
        return workflow.Workflow.of(found)

    @strawberry.field(description="What set it off.")
    def trigger(self) -> Trigger:
        """Its data is read only when asked for."""
        row = self.row
        return Trigger(execution_id=row.id, kind=row.trigger_kind, incomplete=row.trigger_incomplete)

    @strawberry.field(description="startedAt - queuedAt in milliseconds; null until it has started.")
    def queue_ms(self) -> float | None:
        """Waiting time."""
        started_at = self.row.started_at
        return None if started_at is None else milliseconds(started_at - self.row.queued_at)

    @strawberry.field(description="finishedAt - startedAt in milliseconds; null until both are known.")
    def duration_ms(self) -> float | None:
        """Running time."""
        return milliseconds(self.row.duration)

    @strawberry.field(description="Why it failed; never null when status is FAILURE, else null.")
    def error(self) -> ExecutionError | None:
        """Its stack trace is read only when asked for."""
        return ExecutionError.of_execution(self.row)

    @strawberry.field(
        description="The step to blame: the one that the error names, else the first that failed; null when it did not"
        " fail, or died outside any step."
    )
    async def failed_step(self, info: Info) -> Step | None:
        """Batched."""
        step = await step_resolvers.failed_step(info.context, self.row)
        return None if step is None else Step.of(step)

    @strawberry.field(description="Its steps by index, at most 1,000: reported ones, and those of its definition.")
    async def steps(self, info: Info) -> list[Step]:
        """Batched."""
        return [Step.of(step) for step in await step_resolvers.list_steps(info.context, self.row.id)]

    @strawberry.field(description="Its log, the oldest lines first, as in Query.executionLogs.")
    async def logs(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        min_level: MinLevel = None,
        step_id: StepId = None,
        search: LogSearch = None,
    ) -> Annotated[ExecutionLogConnection, strawberry.lazy("schema.log")]:
        """One page of it."""
        where, request = log_filter(self.row.id, min_level, step_id, search), PageRequest(first, after, last, before)
        return await log.ExecutionLogConnection.get(info, self.row.id, where, request)

    @strawberry.field(description="1 for an original; a retry has one more than what it is a retry of.")
    async def attempt(self, info: Info) -> int:
        """Batched."""
        return await resolvers.attempt_of(info.context, self.row)

    @strawberry.field(description="The execution that this is a retry of; null for an original.")
    async def retry_of(self, info: Info) -> Execution | None:
        """Batched."""
        if self.row.retry_of is None:
            return None
        parent = await resolvers.find_execution(info.context, self.row.retry_of)
        return None if parent is None else Execution.of(parent)

    @strawberry.field(description="Its direct retries, the newest first, at most 100.")
    async def retries(
        self, info: Info, first: Annotated[int, strawberry.argument(description="The most, 1 to 100.")] = 20
    ) -> list[Execution]:
        """Batched."""
        size = PageRequest(first=first).size
        return [Execution.of(row) for row in await retry_resolvers.retries_of(info.context, self.row, size)]

    @strawberry.field(description="The original at the top of its line of retries; itself for an original.")
    async def root_execution(self, info: Info) -> Execution:
        """Batched."""
        return Execution.of(await retry_resolvers.root_of(info.context, self.row))

    @strawberry.field(description="Whether it failed and a retry of it, however deep, succeeded.")
    def resolved(self) -> bool:
        """Kept in its row."""
        return self.row.status is Status.FAILURE and self.row.retry_succeeded

    @strawberry.field(description="Whether it can be retried, and what speaks against it.")
    async def retryability(self, info: Info) -> Retryability:
        """Batched."""
        reasons = await retry_resolvers.retryability(info.context, self.row)
        return Retryability(can_retry=not reasons, reasons=list(reasons))

    @strawberry.field(description="The way of this retry to its engine; null when Runwatch did not ask for it.")
    async def dispatch(self, info: Info) -> Dispatch | None:
        """Batched."""
        found = await retry_resolvers.dispatch_of(info.context, self.row)
        return None if found is None else Dispatch.of(found)


@strawberry.type(description="An execution in a list.")
class ExecutionEdge:
    """An execution in a list."""

    cursor: str = strawberry.field(description="Its place in this list; opaque, and bound to the list's ordering.")
    node: Execution = strawberry.field(description="The execution.")


@strawberry.type(description="A page of executions.")
class ExecutionConnection:
    """A page of executions."""

    listed: strawberry.Private[resolvers.ExecutionList]
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    updates_cursor: str = strawberry.field(
        description="A place in the changes, read before the page: what the page misses comes after it."
    )

    @classmethod
    def of(cls, listed: resolvers.ExecutionList) -> ExecutionConnection:
        """From a resolver's list."""
        return cls(listed=listed, page_info=PageInfo(page=listed.page), updates_cursor=listed.updates_cursor)

    @strawberry.field(description="The executions with their cursors.")
    def edges(self) -> list[ExecutionEdge]:
        """With cursors."""
        page = self.listed.page
        return [ExecutionEdge(cursor=page.cursor(row), node=Execution.of(row)) for row in page.items]

    @strawberry.field(description="The executions.")
    def nodes(self) -> list[Execution]:
        """Without cursors."""
        return [Execution.of(row) for row in self.listed.page.items]

    @strawberry.field(description="How many there are on all pages; counted only when asked for.")
    async def total_count(self, info: Info) -> Count:
        """One more statement."""
        return Count.of(await resolvers.count_executions(info.context, self.listed.where))
