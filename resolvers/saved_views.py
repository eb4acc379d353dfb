"""Saved views: everybody has own ones, and administrators share theirs."""

from __future__ import annotations

from app import saved_views
from app.auth import Permission
from app.saved_views import SavedView, ViewChange
from resolvers.arguments import Argument
from resolvers.context import Context


async def list_views(context: Context) -> list[SavedView]:
    """The viewer's own views, then those that are shared."""
    context.require(Permission.READ)
    return await saved_views.list_all(context.database, context.viewer.name)


async def save_view(context: Context, change: Argument[ViewChange]) -> SavedView:
    """Create or change a view."""
    context.require(Permission.READ)
    viewer = context.viewer
    return await saved_views.save(context.database, viewer.name, change(), shares=viewer.may(Permission.SHARE_VIEWS))


async def delete_view(context: Context, id_: Argument[str]) -> None:
    """Delete a view."""
    context.require(Permission.READ)
    viewer = context.viewer
    await saved_views.delete(context.database, viewer.name, id_(), shares=viewer.may(Permission.SHARE_VIEWS))
