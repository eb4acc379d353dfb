"""Inputs of logs, and their conversion into app's values."""

from __future__ import annotations

from typing import Annotated

import strawberry

from app import ids
from app.errors import BadInput
from app.events import LogLevel
from app.executions.logs import LogFilter

__all__ = ["ExecutionId", "LogLevel", "LogSearch", "MinLevel", "StepId", "log_filter"]

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
ExecutionId = Annotated[strawberry.ID, strawberry.argument(description="Execution of this log.")]


def log_filter(execution_id: str, min_level: LogLevel | None, step_id: str | None, search: str | None) -> LogFilter:
    """As app's value; BadInput for invalid values, or a step of another execution."""
    if step_id is None:
        return LogFilter(min_level, None, search)
    step = ids.parse_step_id(step_id)
    if step is None or step[0] != execution_id:
        raise BadInput(f"stepId: not a step of this execution: {step_id[:80]!r}")
    return LogFilter(min_level, step[1], search)
