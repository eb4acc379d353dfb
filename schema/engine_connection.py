"""Ways back to engines, as administrators make them."""

from __future__ import annotations

import strawberry

from app.retries import connecting
from app.retries.connecting import NewWayBack, Rotation
from app.retries.disconnecting import Disconnected
from schema.alert_rule import KEY, overlap
from schema.engine import Engine
from schema.scalars import is_given, verb_id


@strawberry.input(one_of=True, description="Where retries of an engine go. Pass exactly one field.")
class WayBackInput:
    """One of the ways."""

    webhook_url: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "URL of a webhook, http or https, at most 2,000 characters, without user and password. A private address"
            " needs RUNWATCH_ALERT_NETWORKS. It is kept encrypted, and never shown."
        ),
    )
    broker_url: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "URL of the broker of its Celery workers, several separated by semicolons, at most 2,000 characters."
            " Private addresses as above. It is kept encrypted, and never shown."
        ),
    )


@strawberry.input(description="The engine to connect.")
class ConnectEngineInput:
    """An engine, and how retries are to reach it."""

    name: str = strawberry.field(description="Name of the engine, the `source` of its events; registered if missing.")
    way_back: WayBackInput = strawberry.field(description="Where its retries go.")
    replace: bool = strawberry.field(
        default=False, description="Whether to take the place of its present webhook or broker, if it has one."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)

    def wanted(self) -> NewWayBack:
        """As app's value; BadInput for invalid values."""
        way = self.way_back
        webhook, broker = (url if is_given(url) else None for url in (way.webhook_url, way.broker_url))
        return NewWayBack(self.name, webhook, broker, self.replace, self.idempotency_key)


@strawberry.input(description="The engine whose secret to renew.")
class RotateEngineSecretInput:
    """An engine with a webhook."""

    id: strawberry.ID = strawberry.field(description="The engine.")
    overlap_hours: float = strawberry.field(
        default=24, description="Hours, 0 to 720, for which the present secret signs too. Defaults to 24."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)

    def rotation(self) -> Rotation:
        """As app's value; NotFound or BadInput for invalid values."""
        return Rotation(verb_id("id", "engine", self.id), overlap(self.overlap_hours), self.idempotency_key)


@strawberry.type(description="A connected engine.")
class ConnectEnginePayload:
    """An engine and its secret."""

    engine: Engine = strawberry.field(description="The engine.")
    signing_secret: str | None = strawberry.field(
        description="Secret that signs its webhooks, whsec_ and Base64. Nobody can read it again. Null for a broker."
    )

    @classmethod
    def of(cls, connected: connecting.Connected) -> ConnectEnginePayload:
        """From app's value."""
        return cls(engine=Engine.of(connected.engine), signing_secret=connected.secret)


@strawberry.type(description="A disconnected engine.")
class DisconnectEnginePayload:
    """An engine without a way back."""

    engine: Engine = strawberry.field(description="The engine.")
    cancelled_retries: int = strawberry.field(
        description="How many retries that the engine had not accepted are CANCELLED now."
    )

    @classmethod
    def of(cls, disconnected: Disconnected) -> DisconnectEnginePayload:
        """From app's value."""
        return cls(engine=Engine.of(disconnected.engine), cancelled_retries=disconnected.cancelled)


@strawberry.type(description="What came of a test of the way back to an engine.")
class TestEnginePayload:
    """What was reached, or why not."""

    reached: bool = strawberry.field(description="Whether it can be reached.")
    detail: str = strawberry.field(description="What was reached, or why not, for people.")
