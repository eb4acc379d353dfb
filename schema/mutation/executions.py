"""What an administrator may see of executions, with an audit entry."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from resolvers import executions as execution_resolvers
from schema.context import Info
from schema.scalars import Json, verb_id

ExecutionId = Annotated[strawberry.ID, strawberry.argument(description="The execution.")]


@strawberry.field(
    description=(
        "Returns the trigger data as the engine sent it, secrets in the clear. Null if the engine"
        " sent none. NOT_FOUND for an unknown id. ADMIN only, and audited."
    )
)
async def reveal_trigger(info: Info, execution_id: ExecutionId) -> Json | None:
    """Audited."""
    data = await execution_resolvers.reveal_trigger(
        info.context, partial(verb_id, "executionId", "execution", execution_id)
    )
    return None if data is None else Json(data)
