"""Reads of anything by its id."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.node import Node
from schema.nodes import find


@strawberry.field(description="One object by global id. Null for an unknown id.")
async def node(info: Info, id: strawberry.ID) -> Node | None:
    """By global id."""
    found: Node | None = await find(info, id.partition("_")[0], id)
    return found
