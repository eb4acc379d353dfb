"""Reads of workflows."""

from __future__ import annotations

from dataclasses import dataclass

from app import workflows
from app.auth import Permission
from app.changes import revisions
from app.executions import Execution
from app.paging import Count, Page, PageRequest
from app.workflows import Workflow
from resolvers.context import Context


@dataclass(frozen=True, slots=True)
class WorkflowList:
    """A page, what was searched for, and the place in the changes from which on it may be out of date."""

    page: Page[Workflow]
    search: str | None
    updates_cursor: str


async def list_workflows(context: Context, search: str | None, request: PageRequest) -> WorkflowList:
    """A page of workflows, by name."""
    context.require(Permission.READ)
    context.budget.take_list(request.size)
    epoch, revision = await revisions.revision_of(context.database)
    page = await workflows.list_page(context.database, search, request)
    return WorkflowList(page, search, revisions.updates_cursor(epoch, revision))


async def count_workflows(context: Context, search: str | None) -> Count:
    """How many workflows have a name that contains `search`."""
    context.require(Permission.READ)
    return await workflows.count(context.database, search)


async def find_workflow(context: Context, id_: str) -> Workflow | None:
    """One workflow, or None for an unknown id."""
    context.require(Permission.READ)
    return await context.loaders.workflows.load(id_)


async def latest_execution(context: Context, workflow_id: str) -> Execution | None:
    """The newest execution of a workflow by queuedAt, or None when it has none."""
    context.require(Permission.READ)
    return await context.loaders.latest_executions.load(workflow_id)


async def consecutive_failures(context: Context, workflow_id: str) -> int:
    """How many executions of a workflow failed since its last success."""
    context.require(Permission.READ)
    return await context.loaders.consecutive_failures.load(workflow_id) or 0
