"""Reads of steps."""

from __future__ import annotations

from app import ids
from app.auth import Permission
from app.executions import Execution
from app.executions.steps import Step, StepPayload
from resolvers.context import Context


async def list_steps(context: Context, execution_id: str) -> list[Step]:
    """All steps of an execution, by index."""
    context.require(Permission.READ)
    steps = await context.loaders.all_steps.load(execution_id) or []
    context.budget.take_list(len(steps))
    return steps


async def find_step(context: Context, execution_id: str, index: int) -> Step | None:
    """One step; None if neither an event nor the definition names it."""
    context.require(Permission.READ)
    return await context.loaders.steps.load(ids.part_key(execution_id, index))


async def failed_step(context: Context, execution: Execution) -> Step | None:
    """The step to blame for a failed execution; None if it did not fail, or failed outside any step."""
    context.require(Permission.READ)
    if execution.failed_step is None:
        return None
    return await context.loaders.steps.load(ids.part_key(execution.id, execution.failed_step))


async def step_count(context: Context, execution_id: str) -> int:
    """How many steps an execution has."""
    context.require(Permission.READ)
    progress = await context.loaders.progress.load(execution_id)
    return 0 if progress is None else progress.count


async def current_step(context: Context, execution: Execution) -> Step | None:
    """The step under way; None if none is."""
    context.require(Permission.READ)
    if execution.state.finished:
        return None
    progress = await context.loaders.progress.load(execution.id)
    if progress is None or progress.current is None:
        return None
    return await context.loaders.steps.load(ids.part_key(execution.id, progress.current))


async def find_step_payload(context: Context, step: Step) -> StepPayload | None:
    """The large parts of a step; None if it has none."""
    context.require(Permission.READ)
    return await context.loaders.step_payloads.load(ids.part_key(step.execution_id, step.index))
