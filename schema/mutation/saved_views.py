"""What changes saved views."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from resolvers import saved_views as saved_view_resolvers
from schema.context import Info
from schema.saved_view import SavedView, SavedViewInput, SaveViewPayload
from schema.scalars import verb_id


@strawberry.field(
    description=(
        "Deletes a saved view and returns its id. NOT_FOUND for an unknown id or somebody else's view; FORBIDDEN"
        " for a shared one unless ADMIN."
    )
)
async def delete_view(info: Info, id: strawberry.ID) -> strawberry.ID:
    """Audited if it was shared."""
    await saved_view_resolvers.delete_view(info.context, partial(verb_id, "id", "savedView", id))
    return id


@strawberry.field(
    description=(
        "Creates a saved view, or changes the view with the given id. NOT_FOUND for an unknown id or somebody"
        " else's view; FORBIDDEN unless an ADMIN shares it; LIMIT_EXCEEDED beyond 100 own or shared ones."
    )
)
async def save_view(
    info: Info, input: Annotated[SavedViewInput, strawberry.argument(description="The view.")]
) -> SaveViewPayload:
    """Audited if it is shared."""
    view = await saved_view_resolvers.save_view(info.context, input.change)
    return SaveViewPayload(view=SavedView.of(view))
