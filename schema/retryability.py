"""Whether an execution can be retried, and the delivery status of a retry."""

from __future__ import annotations

import strawberry

from app.delivery import outbox
from app.retries.blockers import RetryBlocker
from schema.scalars import DateTime

__all__ = ["Dispatch", "RetryBlocker", "Retryability"]

strawberry.enum(
    RetryBlocker,
    name="RetryBlocker",
    description=(
        "Reason that prevents a retry. NOT_FINISHED: its status is PENDING. NOT_FAILED: its status is SUCCESS or"
        " CANCELLED. ENGINE_CANNOT_RETRY: Engine.canRetry is false. TRIGGER_DATA_INCOMPLETE: Trigger.incomplete is"
        " true, or no key opens its secrets. RETRY_IN_PROGRESS: a retry of it is QUEUED, RUNNING or WAITING."
        " ALREADY_RESOLVED: a retry of it, however deep, succeeded. SUPERSEDED: it has a failed retry; retry that one."
        " FORBIDDEN: the viewer may not retry."
    ),
)


@strawberry.type(description="Whether the viewer can retry an execution.")
class Retryability:
    """Whether an execution can be retried."""

    can_retry: bool = strawberry.field(description="Whether the viewer can retry it.")
    reasons: list[RetryBlocker] = strawberry.field(description="Every reason that prevents a retry.")


@strawberry.type(description="Delivery status of a retry.")
class Dispatch:
    """Delivery status of a retry."""

    attempts: int = strawberry.field(description="Number of delivery attempts.")
    accepted_at: DateTime | None = strawberry.field(
        description="When the engine accepted the retry. Null while it has not."
    )
    next_attempt_at: DateTime | None = strawberry.field(
        description="When the next attempt is due. Null if the retry was accepted or given up."
    )
    last_error: str | None = strawberry.field(
        description=(
            "Why the last failed attempt failed, with up to 4 KiB of the engine's answer. Null if no attempt failed."
        )
    )

    @classmethod
    def of(cls, dispatch: outbox.Dispatch) -> Dispatch:
        """From app's dispatch."""
        accepted_at, next_attempt_at = dispatch.accepted_at, dispatch.next_attempt_at
        return cls(
            attempts=dispatch.attempts,
            accepted_at=None if accepted_at is None else DateTime(accepted_at),
            next_attempt_at=None if next_attempt_at is None else DateTime(next_attempt_at),
            last_error=dispatch.last_error,
        )
