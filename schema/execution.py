"""Executions: the runs of workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from app import executions, ids
from app.lifecycle import State, Status
from resolvers import engines as engine_resolvers
from resolvers import executions as resolvers
from resolvers import workflows as workflow_resolvers
from schema import workflow  # the module: the two types name each other
from schema.context import Info
from schema.engine import Engine
from schema.node import Node
from schema.paging import Count, PageInfo
from schema.scalars import DateTime, Json, milliseconds

if TYPE_CHECKING:
    from schema.workflow import Workflow


@strawberry.type(description="What set an execution off.")
class Trigger:
    """What set an execution off."""

    execution_id: strawberry.Private[str]
    kind: str = strawberry.field(description="schedule, webhook, manual, …: the engine's word; unknown until it says.")

    @strawberry.field(description="The data that the run was given; null when the engine sent none.")
    async def data(self, info: Info) -> Json | None:
        """Batched."""
        payload = await resolvers.find_payload(info.context, self.execution_id)
        return None if payload is None or payload.trigger_data is None else Json(payload.trigger_data)

    @strawberry.field(description="Size of the data as it was sent, in bytes; 0 when the engine sent none.")
    async def data_bytes(self, info: Info) -> int:
        """Batched."""
        payload = await resolvers.find_payload(info.context, self.execution_id)
        return 0 if payload is None else payload.trigger_data_bytes


@strawberry.type(description="Why an execution failed.")
class ExecutionError:
    """Why an execution failed."""

    row: strawberry.Private[executions.Execution]
    type: str | None = strawberry.field(description="The kind of error, as the engine names it; null when it does not.")
    message: str = strawberry.field(description="The message, up to 8 KiB; made from the state when there is none.")

    @classmethod
    def of(cls, row: executions.Execution) -> ExecutionError | None:
        """From the row of a failed execution; None for any other."""
        if row.status is not Status.FAILURE:
            return None
        made = f"The engine reported {row.state.name} and no message"
        return cls(row=row, type=row.error_type, message=row.error_message or made)

    @strawberry.field(description="The stack trace, up to 256 KiB; null when the engine sent none.")
    async def stack_trace(self, info: Info) -> str | None:
        """Batched."""
        payload = await resolvers.find_payload(info.context, self.row.id)
        return None if payload is None else payload.stack_trace

    @strawberry.field(description="Whether message or stack trace are longer than what is kept.")
    async def truncated(self, info: Info) -> bool:
        """Batched."""
        message = self.row.error_message or ""
        if (self.row.error_message_bytes or 0) > len(message.encode()):
            return True
        payload = await resolvers.find_payload(info.context, self.row.id)
        return payload is not None and (payload.stack_trace_bytes or 0) > len((payload.stack_trace or "").encode())


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
        return Trigger(execution_id=self.row.id, kind=self.row.trigger_kind)

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
        return ExecutionError.of(self.row)

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
