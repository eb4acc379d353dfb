"""Engines: what runs automations."""

from __future__ import annotations

import strawberry

from app import engines, ids
from app.engines import EngineKind
from schema.node import Node

strawberry.enum(EngineKind, name="EngineKind", description="How a retry gets back to an engine; NONE: it cannot.")


@strawberry.type(description="What runs automations and reports their runs.")
class Engine(Node):
    """What runs automations."""

    name: str = strawberry.field(description="Its name: the source of its events.")
    kind: EngineKind = strawberry.field(description="How a retry gets back to it.")
    can_retry: bool = strawberry.field(
        description="Whether a way back to it is configured; of CELERY also, whether its workers have said that they"
        " run a retry once."
    )

    @classmethod
    def of(cls, engine: engines.Engine) -> Engine:
        """From app's engine."""
        return cls(
            id=strawberry.ID(ids.to_global("engine", engine.id)),
            name=engine.name,
            kind=engine.kind,
            can_retry=engine.can_retry,
        )
