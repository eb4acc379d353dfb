"""The context as Strawberry hands it to fields."""

from __future__ import annotations

from strawberry.types import Info as StrawberryInfo

from resolvers.context import Context

Info = StrawberryInfo[Context, None]
