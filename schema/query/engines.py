"""Reads of engines."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from resolvers import engines as engine_resolvers
from schema.context import Info
from schema.engine import Engine, EngineIssueConnection
from schema.paging import After, Before, First, Last, PageRequest
from schema.scalars import local_id


@strawberry.field(
    description=(
        "What Runwatch rejected or corrected of an engine's events, those seen last first. It keeps 200 kinds of"
        " them for each engine. None for an unknown id."
    )
)
async def engine_issues(
    info: Info,
    engine_id: Annotated[strawberry.ID, strawberry.argument(description="Global id of the engine.")],
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> EngineIssueConnection | None:
    """A page of issues."""
    request = partial(PageRequest, first, after, last, before)
    id_ = partial(local_id, "engineId", "engine", engine_id)
    return EngineIssueConnection.of(await engine_resolvers.list_issues(info.context, id_, request))


@strawberry.field(description="All engines by name, numbers in it by their value.")
async def engines(info: Info) -> list[Engine] | None:
    """Engines are few."""
    return [Engine.of(engine) for engine in await engine_resolvers.list_engines(info.context)]
