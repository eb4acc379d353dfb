"""Resolutions by hand: everybody may read them, administrators make them and take them back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app import resolutions
from app.auth import Permission
from app.executions import Execution
from app.resolutions import Chosen, Mended, Resolution, Settled
from resolvers.arguments import Argument
from resolvers.context import Context


async def resolve_executions(context: Context, mended: Argument[Mended]) -> Settled:
    """Resolve failures by hand."""
    context.require(Permission.RESOLVE)
    return await resolutions.resolve(context.database, context.announcements, mended())


async def unresolve_executions(context: Context, given: Argument[Chosen]) -> Settled:
    """Take resolutions back."""
    context.require(Permission.RESOLVE)
    return await resolutions.take_back(context.database, context.announcements, context.viewer.name, given())


async def resolution_of(context: Context, execution: Execution) -> Resolution | None:
    """The resolution of an execution; None if it has none of its own."""
    context.require(Permission.READ)
    if not execution.resolved_by_hand:
        return None
    return await context.loaders.resolutions.load(execution.id)


async def changed(context: Context, execution_ids: Sequence[str]) -> list[Execution]:
    """The executions that a request changed, without those that were deleted since."""
    context.require(Permission.READ)
    context.budget.take_list(len(execution_ids))
    found = await asyncio.gather(*map(context.loaders.executions.load, execution_ids))
    return [execution for execution in found if execution is not None]
