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
from schema import execution  # the module: the two name each other
from schema.context import Info
from schema.log_input import LogLevel
from schema.paging import PageInfo, PageRequest
from schema.scalars import DateTime, Json
from schema.step import Step

if TYPE_CHECKING:
    from schema.execution import Execution


@strawberry.type(description="One line of an execution's log.")
class LogEntry:
    """One line of an execution's log."""

    row: strawberry.Private[logs.LogEntry]
    id: strawberry.ID = strawberry.field(description="Its global id.")
    at: DateTime = strawberry.field(description="When it was written, by the engine's clock.")
    level: LogLevel = strawberry.field(description="How severe it is.")
    message: str = strawberry.field(description="Its text, up to 64 KiB, secrets shown as •••.")
    attributes: Json | None = strawberry.field(
        description="What the engine sent beside the text, secrets shown as •••; null when it sent nothing. Attributes"
        " of more than 64 KiB are replaced by an object with their size and how they begin."
    )
    truncated: bool = strawberry.field(description="Whether message or attributes are longer than what is kept.")

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

    @strawberry.field(description="The step that it belongs to; null when it names none, or nothing else names that.")
    async def step(self, info: Info) -> Step | None:
        """Batched."""
        if self.row.step_index is None:
            return None
        step = await step_resolvers.find_step(info.context, self.row.execution_id, self.row.step_index)
        return None if step is None else Step.of(step)


@strawberry.type(description="A log line in a list.")
class LogEntryEdge:
    """A log line in a list."""

    cursor: str = strawberry.field(description="Its place in this list; opaque, and bound to the execution.")
    node: LogEntry = strawberry.field(description="The log line.")


@strawberry.type(description="A page of an execution's log, by time; lines of one time in the order of their arrival.")
class ExecutionLogConnection:
    """A page of an execution's log."""

    listed: strawberry.Private[resolvers.LogList]
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    updates_cursor: str = strawberry.field(
        description="A place in the log's growth, read before the page: executionLogAppended(after:) with it goes on"
        " without gap or repeat."
    )

    @classmethod
    async def find(
        cls, info: Info, execution_id: str, where: LogFilter, request: PageRequest
    ) -> ExecutionLogConnection | None:
        """The page of an execution's log; None for an unknown execution."""
        listed = await resolvers.list_logs(info.context, execution_id, where, request)
        if listed is None:
            return None
        return cls(listed=listed, page_info=PageInfo(page=listed.page), updates_cursor=listed.updates_cursor)

    @classmethod
    async def get(cls, info: Info, execution_id: str, where: LogFilter, request: PageRequest) -> ExecutionLogConnection:
        """The page of the log of an execution that was there just now; NotFound when it is not any more."""
        found = await cls.find(info, execution_id, where, request)
        if found is None:
            raise NotFound("The execution was deleted")
        return found

    @strawberry.field(description="The log lines with their cursors.")
    def edges(self) -> list[LogEntryEdge]:
        """With cursors."""
        page = self.listed.page
        return [LogEntryEdge(cursor=page.cursor(row), node=LogEntry.of(row)) for row in page.items]

    @strawberry.field(description="The log lines.")
    def nodes(self) -> list[LogEntry]:
        """Without cursors."""
        return [LogEntry.of(row) for row in self.listed.page.items]

    @strawberry.field(description="The execution whose log it is.")
    def execution(self) -> Annotated[Execution, strawberry.lazy("schema.execution")]:
        """Read with the page."""
        return execution.Execution.of(self.listed.execution)


@strawberry.type(description="A line that a log has got, or word that the position is too old.")
class LogUpdate:
    """News of a log."""

    cursor: str = strawberry.field(description="The place behind it: give it back as `after` to go on without a gap.")
    entry: LogEntry | None = strawberry.field(
        description="The line; null: the position is unknown or too old, list the log again."
    )

    @classmethod
    def of(cls, update: resolvers.LogUpdate) -> LogUpdate:
        """From the resolver's update."""
        return cls(cursor=update.cursor, entry=None if update.entry is None else LogEntry.of(update.entry))


__all__ = ["ExecutionLogConnection", "LogEntry", "LogEntryEdge", "LogUpdate"]
