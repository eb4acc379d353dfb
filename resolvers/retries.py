"""Retries: asking for them, and reading about them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from app.auth import Permission
from app.delivery.outbox import Dispatch
from app.engines import Engine
from app.executions import Execution
from app.retries import Asked, Retry
from app.retries.blockers import RetryBlocker, blockers
from app.retries.bulk import BulkOutcome, BulkRequest, BulkRetries
from app.texts import natural_key
from resolvers.arguments import Argument
from resolvers.context import Context


async def retry_execution(context: Context, execution_id: Argument[str], key: str | None) -> Retry:
    """A new retry of an execution, or the one in progress."""
    context.require(Permission.RETRY)
    return await context.retries.request(Asked(execution_id(), context.viewer.name, key))


async def retry_executions(context: Context, request: Argument[BulkRequest]) -> BulkOutcome:
    """Retries of many executions, or a dry run."""
    context.require(Permission.RETRY)
    return await BulkRetries(context.retries).run(request())


async def existing(context: Context, execution_ids: Sequence[str]) -> set[str]:
    """Those of some executions that have not been deleted."""
    context.require(Permission.READ)
    context.budget.take_list(len(execution_ids))
    found = await asyncio.gather(*map(context.loaders.executions.load, execution_ids))
    return {execution.id for execution in found if execution is not None}


async def engines_of(context: Context, execution_ids: Sequence[str]) -> list[tuple[Engine, int]]:
    """The engines of some executions, each with how many are its own, most first; leaves out deleted executions."""
    context.require(Permission.READ)
    context.budget.take_list(len(execution_ids))
    found = await asyncio.gather(*map(context.loaders.executions.load, execution_ids))
    counts = Counter(execution.engine_id for execution in found if execution is not None)
    engines = await asyncio.gather(*map(context.loaders.engines.load, counts))
    named = [(engine, counts[engine.id]) for engine in engines if engine is not None]
    return sorted(named, key=lambda each: (-each[1], natural_key(each[0].name), each[0].name))


async def retryability(context: Context, execution: Execution) -> Sequence[RetryBlocker]:
    """Every reason that prevents this viewer from retrying an execution."""
    context.require(Permission.READ)
    engine = await context.loaders.engines.load(execution.engine_id)
    assert engine is not None  # engines are never deleted
    earlier = await context.loaders.retries.load(execution.id) or ()
    return blockers(execution, engine, [retry.state for retry in earlier], allowed=context.viewer.may(Permission.RETRY))


async def retries_of(context: Context, execution: Execution, first: Argument[int]) -> list[Execution]:
    """The direct retries of an execution, newest first, at most `first`."""
    context.require(Permission.READ)
    size = first()
    context.budget.take_list(size)
    retries = await context.loaders.retries.load(execution.id) or ()
    found = [await context.loaders.executions.load(retry.id) for retry in retries[:size]]
    return [retry for retry in found if retry is not None]


async def root_of(context: Context, execution: Execution) -> Execution:
    """The original at the root of a chain of retries; an original is its own root."""
    context.require(Permission.READ)
    if execution.retry_of is None:
        return execution
    if execution.root_id and (found := await context.loaders.executions.load(execution.root_id)):
        return found
    # Deleted: then the topmost that is left stands for it.
    root = await context.loaders.roots.load(execution.id)
    return (await context.loaders.executions.load(root) if root else None) or execution


async def dispatch_of(context: Context, execution: Execution) -> Dispatch | None:
    """Delivery status of a retry; None if Runwatch did not create it."""
    context.require(Permission.READ)
    if execution.requested_by is None:
        return None
    return await context.loaders.dispatches.load(execution.id)
