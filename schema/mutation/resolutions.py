"""What resolves failures by hand."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from resolvers import resolutions as resolution_resolvers
from schema.context import Info
from schema.resolution import ResolveExecutionsInput, ResolveExecutionsPayload, UnresolveExecutionsInput

ResolveInput = Annotated[
    ResolveExecutionsInput,
    strawberry.argument(description="The failures to resolve by hand, and how they were mended."),
]
UnresolveInput = Annotated[
    UnresolveExecutionsInput, strawberry.argument(description="The executions whose resolutions to take back.")
]


@strawberry.field(
    description=(
        "Resolves failures by hand: those that were mended outside Runwatch. They and what they retry count as"
        " `resolved`; nothing else changes, no streak ends, and they can be retried. Skips what did not fail or is"
        " resolved. `unresolveExecutions` takes it back. NOT_FOUND for an unknown id; BAD_USER_INPUT for an invalid"
        " note or filter; LIMIT_EXCEEDED for more than 1,000 ids. ADMIN only, and audited."
    )
)
async def resolve_executions(info: Info, input: ResolveInput) -> ResolveExecutionsPayload:
    """One commit."""
    mended = partial(input.mended, info.context.viewer.name)
    settled = await resolution_resolvers.resolve_executions(info.context, mended)
    return ResolveExecutionsPayload.of(settled)


@strawberry.field(
    description=(
        "Takes back what `resolveExecutions` said of executions; skips those without a resolution of their own."
        " NOT_FOUND for an unknown id; LIMIT_EXCEEDED for more than 1,000. ADMIN only, and audited."
    )
)
async def unresolve_executions(info: Info, input: UnresolveInput) -> ResolveExecutionsPayload:
    """One commit."""
    settled = await resolution_resolvers.unresolve_executions(info.context, input.chosen)
    return ResolveExecutionsPayload.of(settled)
