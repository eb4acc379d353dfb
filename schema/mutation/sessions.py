"""What ends sessions."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers import sessions as session_resolvers
from schema.context import Info
from schema.session import EndSessionsInput, EndSessionsPayload

Ending = Annotated[EndSessionsInput, strawberry.argument(description="Which sessions to end.")]


@strawberry.field(
    description=(
        "Ends sessions of browsers: they are refused at once, in every process, and their sockets are closed with"
        " 4403. NOT_FOUND for an unknown id, a session that has ended, or somebody else's unless ADMIN; FORBIDDEN"
        " for a name unless ADMIN. Audited."
    )
)
async def end_sessions(info: Info, input: Ending) -> EndSessionsPayload:
    """Audited."""
    return EndSessionsPayload(ended=await session_resolvers.end_sessions(info.context, input.ending))
