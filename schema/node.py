"""Node: everything with a global id."""

from __future__ import annotations

import strawberry

ID = "Global id: the kind and the id within it. Opaque to clients."


@strawberry.interface(description="An object that node(id:) can find.")
class Node:
    """An object with a global id."""

    id: strawberry.ID = strawberry.field(description=ID)
