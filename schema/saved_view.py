"""Saved views: addresses of the page under a name."""

from __future__ import annotations

import strawberry

from app import ids, saved_views
from schema.node import ID
from schema.scalars import verb_id


@strawberry.type(description="A view of the page that somebody saved, of one's own or shared.")
class SavedView:
    """A view."""

    id: strawberry.ID = strawberry.field(description=ID)
    name: str = strawberry.field(description="Name in one line, 1 to 100 characters. Names need not differ.")
    page: str = strawberry.field(description="Page that it is of, such as `history`: the first part of its path.")
    query: str = strawberry.field(description="What stands behind ? in the page's address.")
    shared: bool = strawberry.field(description="Whether everybody sees it.")
    owner: str = strawberry.field(description="Name of the viewer who saved it.")

    @classmethod
    def of(cls, view: saved_views.SavedView) -> SavedView:
        """From app's view."""
        return cls(
            id=strawberry.ID(ids.to_global("savedView", view.id)),
            name=view.name,
            page=view.page,
            query=view.query,
            shared=bool(view.shared),
            owner=view.owner,
        )


@strawberry.input(description="The view to create or change.")
class SavedViewInput:
    """A view as it is to be."""

    id: strawberry.ID | None = strawberry.field(default=None, description="View to change. Null creates one.")
    name: str = strawberry.field(description="Name in one line, 1 to 100 characters.")
    page: str = strawberry.field(description="Page that it is of: 1 to 20 letters a to z.")
    query: str = strawberry.field(description="What stands behind ? in the page's address, at most 2 KiB.")
    shared: bool = strawberry.field(default=False, description="Whether everybody sees it. ADMIN only.")

    def change(self) -> saved_views.ViewChange:
        """As app's value; BadInput, LimitExceeded or NotFound for invalid values."""
        id_ = None if self.id is None else verb_id("id", "savedView", self.id)
        return saved_views.ViewChange(id_, self.name, self.page, self.query, self.shared)


@strawberry.type(description="The saved view.")
class SaveViewPayload:
    """What was saved."""

    view: SavedView = strawberry.field(description="The view.")
