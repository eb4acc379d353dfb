"""Reads of who is signed in."""

from __future__ import annotations

import strawberry

from resolvers import sessions as session_resolvers
from schema.context import Info
from schema.session import Session
from schema.viewer import Viewer


@strawberry.field(
    description=(
        "Browsers that are signed in, those seen last first: for ADMIN everybody's, for others those that their own"
        " credential began. At most 1,000."
    )
)
async def sessions(info: Info) -> list[Session] | None:
    """Sessions are few."""
    viewer = info.context.viewer
    return [Session.of(each, viewer) for each in await session_resolvers.list_sessions(info.context)]


@strawberry.field(description="The signed-in viewer.")
def viewer(info: Info) -> Viewer:
    """Every role may ask this, so there is no permission to ask for: whoever has signed in has a viewer."""
    return Viewer.of(info.context.viewer)
