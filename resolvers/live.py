"""Live updates of executions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from app.auth import Permission
from app.executions import ExecutionFilter
from app.live.updates import Update
from resolvers.arguments import Argument
from resolvers.context import Context


async def watch_executions(
    context: Context, where: Argument[ExecutionFilter], after: str | None
) -> AsyncGenerator[Update, None]:
    """The changes of executions that match a filter, or matched it: from a cursor on, or from now on."""
    context.require(Permission.READ)
    async with aclosing(context.feed.watch(where(), after)) as updates:
        async for update in updates:
            yield update
