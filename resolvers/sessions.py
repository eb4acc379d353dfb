"""Sessions of browsers: everybody's own, and for administrators those of all."""

from __future__ import annotations

from app.auth import Permission, open_sessions
from app.auth.open_sessions import Ending
from app.auth.sessions import Session
from resolvers.arguments import Argument
from resolvers.context import Context


async def list_sessions(context: Context) -> list[Session]:
    """The open sessions that the viewer may end, those seen last first."""
    context.require(Permission.READ)
    viewer = context.viewer
    own = None if viewer.may(Permission.MANAGE_SESSIONS) else viewer
    return await open_sessions.list_open(context.database, context.sessions, own)


async def end_sessions(context: Context, ending: Argument[Ending]) -> int:
    """End sessions, at once; how many."""
    context.require(Permission.READ)
    viewer = context.viewer
    of_others = viewer.may(Permission.MANAGE_SESSIONS)
    return await open_sessions.end(context.database, viewer, ending(), of_others=of_others)
