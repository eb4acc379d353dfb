"""The log lines of executions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from app import ids
from app.errors import NotFound
from app.executions import logs
from app.executions.logs import LogFilter
from resolvers import logs as resolvers
from resolvers import steps as step_resolvers
from resolvers.arguments import Argument
from schema import execution  # the module: the two name each other
from schema.context import Info
from schema.log_input import LogLevel
from schema.paging import Connection, Edge, PageRequest, edges, nodes
from schema.scalars import DateTime, Json
from schema.step import Step

if TYPE_CHECKING:
    from schema.execution import Execution


@strawberry.type(description="One line of an execution's log.")
class LogEntry:
    """One line of an execution's log."""

    row: strawberry.Private[logs.LogEntry]
    id: strawberry.ID = strawberry.field(description="Global id: the kind and the id within it. Opaque to clients.")
    at: DateTime = strawberry.field(description="When the line was written, by the engine's clock.")
    level: LogLevel = strawberry.field(description="Severity.")
    message: str = strawberry.field(description="Text of the line, up to 64 KiB, secrets masked as •••.")
    attributes: Json | None = strawberry.field(
        description=(
            "Attributes that the engine sent with the text, secrets masked as •••. Null if it sent none."
            " An object with `truncated`, `bytes` and `start` replaces attributes of more than 64 KiB."
        )
    )
    truncated: bool = strawberry.field(description="Whether the stored message or attributes were cut.")

    @classmethod
    def of(cls, row: logs.LogEntry) -> LogEntry:
        """From app's log entry."""
        return cls(
            row=row,
            id=strawberry.ID(ids.to_global("log", f"{row.execution_id}_{row.sequence}")),
            at=DateTime(row.at),
            level=row.level,
            message=row.message,
            attributes=None if row.attributes is None else Json(row.attributes),
            truncated=row.truncated,
        )

    @strawberry.field(description="Step of the line. Null if the line names none, or if only the line names that step.")
    async def step(self, info: Info) -> Step | None:
        """Batched."""
        if self.row.step_index is None:
            return None
        step = await step_resolvers.find_step(info.context, self.row.execution_id, self.row.step_index)
        return None if step is None else Step.of(step)


@strawberry.type(description="A log line in a list.")
class LogEntryEdge(Edge[logs.LogEntry, LogEntry]):
    """A log line in a list."""

    cursor: str = strawberry.field(description="Cursor of this line. Opaque, and valid only for this execution.")
    node: LogEntry = strawberry.field(description="The log line.")


@strawberry.type(description="A page of an execution's log, by time. Lines with the same time are in order of arrival.")
class ExecutionLogConnection(Connection[logs.LogEntry]):
    """A page of an execution's log."""

    listed: strawberry.Private[resolvers.LogList]
    updates_cursor: str = strawberry.field(
        description=(
            "Cursor for `executionLogAppended(after:)`, read before the page: the subscription resumes"
            " without gap or repeat."
        )
    )
    edges: list[LogEntryEdge] = edges(LogEntryEdge, LogEntry.of, "The log lines with their cursors.")
    nodes: list[LogEntry] = nodes(LogEntry.of, "The log lines.")

    @classmethod
    async def find(
        cls, info: Info, execution_id: str, where: Argument[LogFilter], request: Argument[PageRequest]
    ) -> ExecutionLogConnection | None:
        """The page of an execution's log; None for an unknown execution."""
        listed = await resolvers.list_logs(info.context, execution_id, where, request)
        return None if listed is None else cls.of(listed)

    @classmethod
    async def get(
        cls, info: Info, execution_id: str, where: Argument[LogFilter], request: Argument[PageRequest]
    ) -> ExecutionLogConnection:
        """The page of the log of an execution that existed just now; NotFound if it no longer does."""
        found = await cls.find(info, execution_id, where, request)
        if found is None:
            raise NotFound("The execution was deleted")
        return found

    @strawberry.field(description="Execution of this log.")
    def execution(self) -> Annotated[Execution, strawberry.lazy("schema.execution")]:
        """Read with the page."""
        return execution.Execution.of(self.listed.execution)


@strawberry.type(description="A new line of a log, or the notice that the cursor is too old.")
class LogUpdate:
    """News of a log."""

    cursor: str = strawberry.field(
        description="Cursor after this line. Opaque. Pass it as `after` to resume without a gap."
    )
    entry: LogEntry | None = strawberry.field(
        description="The new line. Null: the cursor is unknown or too old; list the log again."
    )

    @classmethod
    def of(cls, update: resolvers.LogUpdate) -> LogUpdate:
        """From the resolver's update."""
        return cls(cursor=update.cursor, entry=None if update.entry is None else LogEntry.of(update.entry))


__all__ = ["ExecutionLogConnection", "LogEntry", "LogEntryEdge", "LogUpdate"]
