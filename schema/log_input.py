"""Inputs of logs, and their conversion into app's values."""

from __future__ import annotations

from typing import Annotated

import strawberry

from app import ids
from app.errors import BadInput
from app.events import LogLevel
from app.executions.log_offsets import Skip
from app.executions.log_pages import MAX_LINES, Around, check_size
from app.executions.logs import LogFilter
from app.paging import PAGE_SIZE, PageRequest

__all__ = [
    "AroundLine",
    "AroundSize",
    "ExecutionId",
    "FirstLines",
    "LastLines",
    "LogLevel",
    "LogSearch",
    "MinLevel",
    "SkipLines",
    "StepId",
    "log_filter",
    "log_request",
]

strawberry.enum(
    LogLevel, name="LogLevel", description="Severity of a log line as the engine reports it, least severe first."
)

MinLevel = Annotated[LogLevel | None, strawberry.argument(description="Lines of this level, or a more severe one.")]
StepId = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="Lines of this step, by global id. BAD_USER_INPUT for a step of another execution."
    ),
]
LogSearch = Annotated[
    str | None,
    strawberry.argument(description="Lines whose message contains this text, in any case. At most 1,000 characters."),
]
FirstLines = Annotated[
    int | None,
    strawberry.argument(
        description="Page size, 1 to 1,000. Defaults to 50. A page ends early when its lines exceed 1 MiB."
    ),
]
LastLines = Annotated[
    int | None,
    strawberry.argument(description="Page size from the end of the log, 1 to 1,000. Not together with `first`."),
]
AroundLine = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description=(
            "Lines on both sides of this one, by global id. It is among them if it passes the filter. Not"
            " together with first, last, after and before. BAD_USER_INPUT for a line of another execution,"
            " NOT_FOUND for one that the log does not have."
        )
    ),
]
AroundSize = Annotated[
    int,
    strawberry.argument(description="Page size for `around`, 1 to 1,000: at most half of it before the line."),
]
SkipLines = Annotated[
    int | None,
    strawberry.argument(
        description=(
            "Lines of the list to leave out before the page, for scrollbars. With first alone. LIMIT_EXCEEDED more"
            " than 100,000 lines from the start of the log; without a filter, from both ends."
        )
    ),
]
ExecutionId = Annotated[strawberry.ID, strawberry.argument(description="Execution of this log.")]


def log_filter(execution_id: str, min_level: LogLevel | None, step_id: str | None, search: str | None) -> LogFilter:
    """As app's value; BadInput for invalid values, or a step of another execution."""
    if step_id is None:
        return LogFilter(min_level, None, search)
    step = ids.parse_step_id(step_id)
    if step is None or step[0] != execution_id:
        raise BadInput(f"stepId: not a step of this execution: {step_id[:80]!r}")
    return LogFilter(min_level, step[1], search)


def log_request(
    execution_id: str,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    around: str | None,
    size: int,
    skip: int | None,
) -> PageRequest | Around | Skip:
    """As app's value; BadInput for numbers out of range, for pages in two ways, or a line of another execution."""
    check_size(size)
    if skip is not None:
        if any(each is not None for each in (after, last, before, around)):
            raise BadInput("skip: with first alone")
        return Skip(skip, PAGE_SIZE if first is None else first)
    if around is None:
        return PageRequest(first, after, last, before, MAX_LINES)
    if any(each is not None for each in (first, after, last, before)):
        raise BadInput("around: not together with first, last, after and before")
    line = ids.parse_log_id(around)
    if line is None or line[0] != execution_id:
        raise BadInput(f"around: not a line of this execution: {around[:80]!r}")
    return Around(line[1], size)
