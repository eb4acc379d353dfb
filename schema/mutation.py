"""The verbs, as a table of contents."""

from __future__ import annotations

from typing import Annotated

import strawberry

from app.auth import Permission
from resolvers import executions as execution_resolvers
from schema.context import Info
from schema.scalars import Json, verb_id

ExecutionId = Annotated[strawberry.ID, strawberry.argument(description="The execution.")]


@strawberry.type(description="What can be done.")
class Mutation:
    """What can be done."""

    @strawberry.field(
        description="The trigger data as they were sent, secrets in the clear; null when the engine sent none. ADMIN"
        " only, and audited."
    )
    async def reveal_trigger(self, info: Info, execution_id: ExecutionId) -> Json | None:
        """Audited."""
        info.context.require(Permission.REVEAL)
        data = await execution_resolvers.reveal_trigger(info.context, verb_id("execution", execution_id))
        return None if data is None else Json(data)
