"""The server itself."""

from __future__ import annotations

import strawberry

from app import clock
from resolvers.about import About
from schema.scalars import DateTime


@strawberry.type(description="The server that answers.")
class Server:
    """The server that answers."""

    version: str = strawberry.field(description="Version of Runwatch, for example 0.1.0.")
    build: str | None = strawberry.field(
        description=(
            "Hash of the page that it serves, as in the header X-Runwatch-Build: with another one, the page has to be"
            " loaded anew. Null if it serves none."
        )
    )
    kept_days: int | None = strawberry.field(
        description=(
            "Days after which finished runs are deleted, by `runwatch prune` or by the server itself, as"
            " RUNWATCH_KEPT_DAYS says; failed ones may be kept for longer. Null if no time is set."
        )
    )
    now: DateTime = strawberry.field(description="The server's clock.")

    @classmethod
    def of(cls, about: About) -> Server:
        """As it is now."""
        return cls(
            version=about.version,
            build=about.build() or None,
            kept_days=about.kept_days,
            now=DateTime(clock.now_us()),
        )
