"""Errors of executions and of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from app.error_groups import stack_traces
from app.events.sizes import MAX_MESSAGE, MAX_STACK_TRACE, is_cut
from app.executions import Execution, steps
from app.graphql.compiled.costs import BYTES
from app.lifecycle import State, Status
from resolvers import error_groups as error_group_resolvers
from resolvers import executions as execution_resolvers
from resolvers import steps as step_resolvers
from schema import error_group  # the module: the two types name each other
from schema.context import Info
from schema.projections import column, made

if TYPE_CHECKING:
    from schema.error_group import ErrorGroup


@strawberry.type(description="A frame of a stack trace: a call that had not returned when the error was raised.")
class StackFrame:
    """A frame of a stack trace."""

    file: str = strawberry.field(
        description="Path, address or name of the file as the trace has it. Empty if the trace names none."
    )
    line: int | None = strawberry.field(description="Line in the file, from 1. Null if the trace has none.")
    function: str | None = strawberry.field(
        description="Function in the words of its language, with its class or package. Null for one without a name."
    )
    source: str | None = strawberry.field(
        description="Text of the line. Null if the trace does not have it, as outside Python."
    )
    library: bool = strawberry.field(
        description="Whether it belongs to a library or to the language, as far as path or name tell."
    )
    cause: str | None = strawberry.field(
        description=(
            "First line of the error that caused the one above. The first frame of each cause has it, all others"
            " have null. A cause without frames has a frame with nothing else."
        )
    )

    @classmethod
    def of(cls, frame: stack_traces.Frame) -> StackFrame:
        """From app's frame."""
        return cls(
            file=frame.file,
            line=frame.line,
            function=frame.function,
            source=frame.source,
            library=frame.library,
            cause=frame.cause,
        )


def _message(sent: str | None, state: State) -> str:
    return sent or f"The engine reported {state.name} without a message"


def step_has_error(failed: bool, type_: str | None, message: str | None) -> bool:
    """Whether a step reported a failure, or has an error anyway."""
    return failed or type_ is not None or message is not None


@strawberry.type(description="Why an execution or a step failed. Known secrets are masked as •••.")
class ExecutionError:
    """Why an execution or a step failed."""

    row: strawberry.Private[Execution | steps.Step]
    type: str | None = strawberry.field(
        metadata=column("error_type"),
        description="Error type as the engine names it, such as TimeoutError. Null if it names none.",
    )
    message: str = strawberry.field(
        description="Error message, up to 8 KiB. Derived from the state if the engine sent none.",
        metadata={**made(_message, "error_message", "state"), BYTES: 256},
    )

    @classmethod
    def of_execution(cls, row: Execution) -> ExecutionError | None:
        """Of a failed execution; None for any other."""
        if row.status is not Status.FAILURE:
            return None
        return cls(row=row, type=row.error_type, message=_message(row.error_message, row.state))

    @classmethod
    def of_step(cls, row: steps.Step) -> ExecutionError | None:
        """Of a step that reported a failure, or has an error anyway; None for any other."""
        if not step_has_error(row.failed, row.error_type, row.error_message):
            return None
        return cls(row=row, type=row.error_type, message=_message(row.error_message, row.state))

    @strawberry.field(
        description="Stack trace, up to 256 KiB. Null if the engine sent none.", metadata={BYTES: 8 * 1024}
    )
    async def stack_trace(self, info: Info) -> str | None:
        """Batched."""
        return (await self._stack_trace(info))[0]

    @strawberry.field(
        description=(
            "Frames of `stackTrace`, the innermost first, at most 500: those of the error, then those of its causes."
            " Reads traces of Python (rich's too), JavaScript, Java, Kotlin, .NET, Mono, Go, Ruby, PHP, Rust, Elixir,"
            " Perl and PowerShell, the first and the last 1,000 lines of each. Null for any other format, and without a"
            " stack trace."
        )
    )
    async def frames(self, info: Info) -> list[StackFrame] | None:
        """Batched."""
        text = (await self._stack_trace(info))[0]
        found = None if text is None else stack_traces.shown(text)
        if found is None:
            return None
        info.context.budget.take_list(len(found))
        return [StackFrame.of(frame) for frame in found]

    @strawberry.field(description="Whether the stored message or stack trace was cut.")
    async def truncated(self, info: Info) -> bool:
        """Batched."""
        if is_cut(self.row.error_message_bytes, MAX_MESSAGE):
            return True
        return is_cut((await self._stack_trace(info))[1], MAX_STACK_TRACE)

    @strawberry.field(description="Error group of this failure. Null for the error of a step.")
    async def group(self, info: Info) -> Annotated[ErrorGroup, strawberry.lazy("schema.error_group")] | None:
        """Batched."""
        if isinstance(self.row, steps.Step) or self.row.error_group_id is None:
            return None
        found = await error_group_resolvers.find_error_group(info.context, self.row.error_group_id)
        return None if found is None else error_group.ErrorGroup.of(found)

    async def _stack_trace(self, info: Info) -> tuple[str | None, int | None]:
        """The kept text, and the size as sent."""
        if isinstance(self.row, steps.Step):
            of_step = await step_resolvers.find_step_payload(info.context, self.row)
            return (None, None) if of_step is None else (of_step.stack_trace, of_step.stack_trace_bytes)
        payload = await execution_resolvers.find_payload(info.context, self.row.id)
        return (None, None) if payload is None else (payload.stack_trace, payload.stack_trace_bytes)
