"Manage engines and how retries reach them."

from __future__ import annotations

import strawberry

from app import engines, ids
from app.engines import EngineKind
from schema.node import ID, Node
from schema.projections import column, global_id

strawberry.enum(
    EngineKind,
    name="EngineKind",
    description=(
        "How retries reach an engine. WEBHOOK: a signed POST. CELERY: the broker of its workers. NONE: not at all."
    ),
)


@strawberry.type(description="An engine runs automations and reports their runs.")
class Engine(Node):
    """What runs automations."""

    id: strawberry.ID = strawberry.field(description=ID, metadata=global_id("engine"))
    name: str = strawberry.field(description="Name of the engine: the `source` of its events.", metadata=column("name"))
    kind: EngineKind = strawberry.field(description="How retries reach the engine.", metadata=column("kind"))
    can_retry: bool = strawberry.field(
        metadata=column("can_retry"),
        description=(
            "Whether retries can reach the engine. For CELERY, also whether its workers have said that"
            " they run a retry once."
        ),
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
