"""Reads of executions."""

from __future__ import annotations

from app import executions
from app.auth import Permission
from app.executions import Execution, ExecutionFilter, ExecutionOrder, comparing
from app.executions.comparing import Comparison
from app.executions.payloads import Payload
from app.lifecycle import Status
from app.paging import PageRequest
from app.secrets import revealing
from resolvers.arguments import Argument
from resolvers.context import Context
from resolvers.lists import CountedList, read_list

# It reads up to 1 MiB of JSON and 2,000 steps.
ROWS_OF_A_COMPARISON = 1_000


async def list_executions(
    context: Context,
    where: Argument[ExecutionFilter],
    order: Argument[ExecutionOrder],
    request: Argument[PageRequest],
    *,
    follows: bool = True,
    columns: tuple[str, ...] | None = None,
) -> CountedList[Execution]:
    """A page of executions, or of rows of some columns; with the cursor of updates if somebody follows it."""
    context.require(Permission.READ)
    database, filter_, ordering, given = context.database, where(), order(), request()
    return await read_list(
        context,
        given,
        lambda: executions.list_page(database, filter_, ordering, given, columns),
        lambda: executions.count(database, filter_),
        follows=follows,
    )


async def find_execution(context: Context, id_: str) -> Execution | None:
    """One execution; None for an unknown id."""
    context.require(Permission.READ)
    return await context.loaders.executions.load(id_)


async def neighbour_of(
    context: Context, execution: Execution, statuses: Argument[tuple[Status, ...] | None], *, earlier: bool
) -> Execution | None:
    """The execution of the same workflow queued just before or after this one; None if there is none."""
    context.require(Permission.READ)
    allowed = statuses()
    context.budget.take_list(1)
    return await executions.neighbour(context.database, execution, allowed, earlier=earlier)


async def compare(context: Context, execution: Execution, with_: Argument[str | None]) -> Comparison | None:
    """What differs from another run of the workflow, or from its last success before this one; None without any."""
    context.require(Permission.READ)
    other_id = with_()
    context.budget.take_list(ROWS_OF_A_COMPARISON)
    return await comparing.compare(context.database, context.sealer, execution, other_id)


async def find_payload(context: Context, id_: str) -> Payload | None:
    """The large parts of an execution; None if it has none."""
    context.require(Permission.READ)
    return await context.loaders.payloads.load(id_)


async def attempt_of(context: Context, execution: Execution) -> int:
    """1 for an original, 2 for its first retry, and so on."""
    context.require(Permission.READ)
    if execution.retry_of is None:
        return 1
    return await context.loaders.attempts.load(execution.id) or 1


async def reveal_trigger(context: Context, execution_id: Argument[str]) -> str | None:
    """The trigger data of an execution in the clear, as JSON text; None if the engine sent none. Audited."""
    context.require(Permission.REVEAL)
    return await revealing.reveal_trigger(context.database, context.sealer, execution_id(), context.viewer.name)


async def end_refused(context: Context, id_: str) -> str | None:
    """Why the end of an unfinished execution was rejected."""
    context.require(Permission.READ)
    return await context.loaders.refused_ends.load(id_)
