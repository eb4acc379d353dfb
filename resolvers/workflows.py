"""Reads of workflows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app import clock, workflows
from app.auth import Permission
from app.executions import Execution, gaps
from app.paging import PageRequest
from app.workflows import Workflow
from resolvers.arguments import Argument
from resolvers.context import Context
from resolvers.lists import CountedList, read_list


async def list_workflows(context: Context, search: str | None, request: Argument[PageRequest]) -> CountedList[Workflow]:
    """A page of workflows, by name."""
    context.require(Permission.READ)
    database, given = context.database, request()
    return await read_list(
        context,
        given,
        lambda: workflows.list_page(database, search, given),
        lambda: workflows.count(database, search),
    )


async def find_workflow(context: Context, id_: str) -> Workflow | None:
    """One workflow; None for an unknown id."""
    context.require(Permission.READ)
    return await context.loaders.workflows.load(id_)


async def find_workflows(context: Context, ids: Iterable[str]) -> Mapping[str, Workflow | None]:
    """Several workflows, by id."""
    context.require(Permission.READ)
    return await context.loaders.workflows.load_all(ids)


async def latest_execution(context: Context, workflow_id: str) -> Execution | None:
    """The newest execution of a workflow by queuedAt; None if it has none."""
    context.require(Permission.READ)
    return await context.loaders.latest_executions.load(workflow_id)


async def recent_executions(context: Context, workflow_id: str, first: Argument[int]) -> Sequence[Execution]:
    """The newest executions of a workflow, newest first."""
    context.require(Permission.READ)
    size = first()
    context.budget.take_list(size)
    return (await context.loaders.recent_executions.load(workflow_id) or [])[:size]


async def usual_gap(context: Context, workflow_id: str) -> int | None:
    """How often a workflow usually runs, in µs."""
    context.require(Permission.READ)
    return gaps.usual_gap(*await _gaps_of(context, workflow_id))


async def is_overdue(context: Context, workflow_id: str) -> bool:
    """Whether a workflow has not run for much longer than usual."""
    context.require(Permission.READ)
    return gaps.is_overdue(*await _gaps_of(context, workflow_id), clock.now_us())


async def consecutive_failures(context: Context, workflow_id: str) -> int:
    """How many executions of a workflow failed since its last success."""
    context.require(Permission.READ)
    return await context.loaders.consecutive_failures.load(workflow_id) or 0


async def _gaps_of(context: Context, workflow_id: str) -> tuple[Sequence[Execution], int | None]:
    """The newest runs of a workflow, and how long it has paused at most."""
    recent = await context.loaders.recent_executions.load(workflow_id)
    return recent or [], await context.loaders.longest_pauses.load(workflow_id)
