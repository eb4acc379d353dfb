"""Reads of executions."""

from __future__ import annotations

from dataclasses import dataclass

from app import executions
from app.auth import Permission
from app.changes import revisions
from app.executions import Execution, ExecutionFilter, ExecutionOrder
from app.executions.payloads import Payload
from app.paging import Count, Page, PageRequest
from app.secrets import revealing
from resolvers.context import Context


@dataclass(frozen=True, slots=True)
class ExecutionList:
    """A page, the filter it was made with, and the place in the changes from which on it may be out of date."""

    page: Page[Execution]
    where: ExecutionFilter
    updates_cursor: str


async def list_executions(
    context: Context, where: ExecutionFilter, order: ExecutionOrder, request: PageRequest
) -> ExecutionList:
    """A page of executions."""
    context.require(Permission.READ)
    context.budget.take_list(request.size)
    # Before the page: what the page then misses has a later revision.
    epoch, revision = await revisions.revision_of(context.database)
    page = await executions.list_page(context.database, where, order, request)
    return ExecutionList(page, where, revisions.updates_cursor(epoch, revision))


async def count_executions(context: Context, where: ExecutionFilter) -> Count:
    """How many executions a filter lets through."""
    context.require(Permission.READ)
    return await executions.count(context.database, where)


async def find_execution(context: Context, id_: str) -> Execution | None:
    """One execution, or None for an unknown id."""
    context.require(Permission.READ)
    return await context.loaders.executions.load(id_)


async def find_payload(context: Context, id_: str) -> Payload | None:
    """The large parts of an execution, or None when it has none."""
    context.require(Permission.READ)
    return await context.loaders.payloads.load(id_)


async def attempt_of(context: Context, execution: Execution) -> int:
    """1 for an original, 2 for its first retry, and so on."""
    context.require(Permission.READ)
    if execution.retry_of is None:
        return 1
    return await context.loaders.attempts.load(execution.id) or 1


async def reveal_trigger(context: Context, execution_id: str) -> str | None:
    """The trigger data of an execution in the clear, as JSON text; None when the engine sent none. It is audited."""
    context.require(Permission.REVEAL)
    return await revealing.reveal_trigger(context.database, context.sealer, execution_id, context.viewer.name)
