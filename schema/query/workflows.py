"""Reads of workflows."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from resolvers import workflows as workflow_resolvers
from schema.context import Info
from schema.nodes import find
from schema.paging import After, Before, First, Last, PageRequest
from schema.workflow import Workflow, WorkflowConnection


@strawberry.field(description="One workflow. Null for an unknown id.")
async def workflow(info: Info, id: strawberry.ID) -> Workflow | None:
    """By global id."""
    found: Workflow | None = await find(info, "workflow", id)
    return found


@strawberry.field(description="Workflows by name, sorted by code points.")
async def workflows(
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    search: Annotated[
        str | None, strawberry.argument(description="Workflows whose name contains this text, in any case.")
    ] = None,
) -> WorkflowConnection | None:
    """A page of workflows."""
    request = partial(PageRequest, first, after, last, before)
    return WorkflowConnection.of(await workflow_resolvers.list_workflows(info.context, search, request))
