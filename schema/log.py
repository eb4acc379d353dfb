"""The log lines of executions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from app import executions, ids
from app.errors import NotFound
from app.executions import log_counts, logs
from app.executions.log_offsets import Skip
from app.executions.log_pages import Around
from app.executions.logs import LogFilter
from app.graphql.compiled.costs import BYTES
from app.graphql.compiled.projections import PROJECTION, Part, selected_columns
from resolvers import logs as resolvers
from resolvers import steps as step_resolvers
from resolvers.arguments import Argument
from schema import execution  # the module: the two name each other
from schema.context import Info
from schema.log_input import LogLevel
from schema.mentions import selects
from schema.node import ID
from schema.paging import CURSOR, EDGES, NODES, Connection, Count, Edge, PageRequest
from schema.projections import column, made
from schema.scalars import DateTime, Json
from schema.step import Step

if TYPE_CHECKING:
    from schema.execution import Execution


@strawberry.type(description="One line of an execution's log.")
class LogEntry:
    """One line of an execution's log."""

    row: strawberry.Private[logs.LogEntry]
    numbered: strawberry.Private[resolvers.Numbered]
    id: strawberry.ID = strawberry.field(description=ID, metadata=made(ids.log_id, "execution_id", "sequence"))
    at: DateTime = strawberry.field(
        description="When the line was written, by the engine's clock.", metadata=column("at")
    )
    level: LogLevel = strawberry.field(description="Severity.", metadata=column("level"))
    message: str = strawberry.field(
        description="Text of the line, up to 64 KiB, secrets masked as •••.",
        metadata={**column("message"), BYTES: 2 * 1024},
    )
    attributes: Json | None = strawberry.field(
        metadata=column("attributes"),
        description=(
            "Attributes that the engine sent with the text, secrets masked as •••. Null if it sent none."
            " An object with `truncated`, `bytes` and `start` replaces attributes of more than 64 KiB."
        ),
    )
    truncated: bool = strawberry.field(
        description="Whether the stored message or attributes were cut.",
        metadata=made(logs.is_truncated, "message_bytes", "attributes_bytes"),
    )

    @classmethod
    def of(cls, row: logs.LogEntry, numbered: resolvers.Numbered) -> LogEntry:
        """From app's log entry, one of some that are numbered together."""
        return cls(
            row=row,
            numbered=numbered,
            id=strawberry.ID(ids.log_id(row.execution_id, row.sequence)),
            at=DateTime(row.at),
            level=row.level,
            message=row.message,
            attributes=None if row.attributes is None else Json(row.attributes),
            truncated=row.truncated,
        )

    @strawberry.field(
        description=(
            "Its place in the whole log at the time of the answer, from 1, whatever the filter of the list. Null"
            " if it is more than 60,000 lines away from both ends of the log; in a filtered list 10,000, in an"
            " update 1,000."
        )
    )
    async def number(self, info: Info) -> int | None:
        """One read for all lines of a list."""
        return await resolvers.number_of(info.context, self.numbered, self.row)

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

    cursor: str = strawberry.field(
        description="Cursor of this line. Opaque, and valid only for this execution.", metadata=CURSOR
    )
    node: LogEntry = strawberry.field(description="The log line.", metadata={PROJECTION: Part()})


@strawberry.type(description="A level with a number of log lines.")
class LevelCount:
    """A level with a number of log lines."""

    level: LogLevel = strawberry.field(description="The level.")
    count: Count = strawberry.field(description="Number of lines. Counting stops at 100,000.")


@strawberry.type(description="A log line that a text occurs in.")
class LogMatch:
    """A log line that a text occurs in."""

    id: strawberry.ID = strawberry.field(description="Global id of the line, for `around`. Opaque to clients.")
    number: int = strawberry.field(description="Its place in the whole log at the time of the answer, from 1.")
    cursor: str = strawberry.field(description="Its cursor in every list of this log. Opaque.")

    @classmethod
    def of(cls, match: log_counts.Match) -> LogMatch:
        """From app's match."""
        id_ = strawberry.ID(ids.log_id(match.execution_id, match.sequence))
        return cls(id=id_, number=match.number, cursor=match.cursor)


@strawberry.type(
    description=(
        "A page of an execution's log, by time. Lines with the same time are in order of arrival. Messages and"
        " attributes of a page have at most 1 MiB, 400 bytes for each line included: pageInfo tells what is left out."
    )
)
class ExecutionLogConnection(Connection[logs.LogEntry]):
    """A page of an execution's log."""

    listed: strawberry.Private[resolvers.LogList]
    updates_cursor: str = strawberry.field(
        description=(
            "Cursor for `executionLogAppended(after:)`, read before the page: the subscription resumes"
            " without gap or repeat."
        )
    )

    @classmethod
    async def find(
        cls,
        info: Info,
        of: executions.Execution | str,
        where: Argument[LogFilter],
        request: Argument[PageRequest | Around | Skip],
    ) -> ExecutionLogConnection | None:
        """The page of the log of an execution, or of its id; None for an unknown execution."""
        follows = selects(info, "updatesCursor")
        columns = selected_columns(info)
        listed = await resolvers.list_logs(info.context, of, where, request, follows=follows, columns=columns)
        return None if listed is None else cls.of(listed)

    @classmethod
    async def get(
        cls,
        info: Info,
        of: executions.Execution,
        where: Argument[LogFilter],
        request: Argument[PageRequest | Around | Skip],
    ) -> ExecutionLogConnection:
        """The page of the log of an execution that existed just now; NotFound if it no longer does."""
        found = await cls.find(info, of, where, request)
        if found is None:
            raise NotFound("The execution was deleted")
        return found

    @strawberry.field(description="The log lines with their cursors.", metadata={PROJECTION: EDGES})
    def edges(self) -> list[LogEntryEdge]:
        """Of the page."""
        page = self.listed.page
        return [
            LogEntryEdge(row=row, cursor=page.cursor(row), node=LogEntry.of(row, self.listed.numbered))
            for row in page.items
        ]

    @strawberry.field(description="The log lines.", metadata={PROJECTION: NODES})
    def nodes(self) -> list[LogEntry]:
        """Of the page."""
        return [LogEntry.of(row, self.listed.numbered) for row in self.listed.page.items]

    @strawberry.field(description="How many lines of the list are before this page. Null for more than 100,000.")
    async def offset(self, info: Info) -> int | None:
        """One statement, or none."""
        return await resolvers.offset_of(info.context, self.listed)

    @strawberry.field(
        description=(
            "How many lines there are of every level, under stepId and search alone, the least severe first."
            " Null, with LIMIT_EXCEEDED, if a search takes too long."
        )
    )
    async def levels(self, info: Info) -> list[LevelCount] | None:
        """One statement."""
        found = await resolvers.levels_of(info.context, self.listed)
        return [LevelCount(level=level, count=Count.of(count)) for level, count in found.items()]

    @strawberry.field(
        description=(
            "Places of the lines whose message contains a text, under minLevel and stepId alone: the first 1,000"
            " in order of time. Null, with LIMIT_EXCEEDED, if the search takes too long."
        )
    )
    async def matches(
        self,
        info: Info,
        search: Annotated[
            str,
            strawberry.argument(
                description="The text, in any case. 1 to 1,000 characters; BAD_USER_INPUT for an empty one."
            ),
        ],
        after: Annotated[
            str | None,
            strawberry.argument(description="Matches after this cursor: that of the last one that you have."),
        ] = None,
    ) -> list[LogMatch] | None:
        """One statement."""
        found = await resolvers.matches_of(info.context, self.listed, search, after)
        return [LogMatch.of(match) for match in found]

    @strawberry.field(description="Execution of this log.")
    def execution(self) -> Annotated[Execution, strawberry.lazy("schema.execution")]:
        """Read with the page."""
        return execution.Execution.of(self.listed.execution)


@strawberry.type(description="New lines of a log, or the notice that the cursor is too old.")
class LogUpdate:
    """News of a log."""

    cursor: str = strawberry.field(
        description="Cursor after these lines. Opaque. Pass it as `after` to resume without a gap."
    )
    entry: LogEntry | None = strawberry.field(
        description=("The new line; of several, the last. Null: the cursor is unknown or too old; list the log again.")
    )
    entries: list[LogEntry] = strawberry.field(
        description=(
            "All new lines that have come together, at most 500 and 512 KiB, in order of arrival. Each line has its"
            " own update unless the subscription selects this field. Empty where `entry` is null."
        )
    )

    @classmethod
    def of(cls, update: resolvers.LogUpdate) -> LogUpdate:
        """From the resolver's update."""
        if not update.entries:
            return cls(cursor=update.cursor, entry=None, entries=[])
        numbered = update.numbered
        entries = [LogEntry.of(entry, numbered) for entry in update.entries]
        return cls(cursor=update.cursor, entry=entries[-1], entries=entries)


__all__ = ["ExecutionLogConnection", "LogEntry", "LogEntryEdge", "LogUpdate"]
