"""The server itself."""

from __future__ import annotations

from app.auth import Permission
from resolvers.about import About
from resolvers.context import Context


def about(context: Context) -> About:
    """What the server says of itself."""
    context.require(Permission.READ)
    return context.about
