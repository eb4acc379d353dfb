"""Reads of saved views."""

from __future__ import annotations

import strawberry

from resolvers import saved_views as saved_view_resolvers
from schema.context import Info
from schema.saved_view import SavedView


@strawberry.field(
    description="One's own saved views by name, numbers in it by their value, then those that are shared. At most 200."
)
async def saved_views(info: Info) -> list[SavedView] | None:
    """Views are few."""
    return [SavedView.of(view) for view in await saved_view_resolvers.list_views(info.context)]
