"""Whether an execution can be retried, and how a retry gets to its engine."""

from __future__ import annotations

import strawberry

from app.delivery import outbox
from app.retries.blockers import RetryBlocker
from schema.scalars import DateTime

__all__ = ["Dispatch", "RetryBlocker", "Retryability"]

strawberry.enum(
    RetryBlocker,
    name="RetryBlocker",
    description="What speaks against a retry. ALREADY_RESOLVED: a retry of it, however deep, succeeded. SUPERSEDED: it"
    " has a failed retry; retry that one. RETRY_IN_PROGRESS: a retry of it is QUEUED, RUNNING or WAITING.",
)


@strawberry.type(description="Whether an execution can be retried, by whoever asks.")
class Retryability:
    """Whether an execution can be retried."""

    can_retry: bool = strawberry.field(description="Whether nothing speaks against it.")
    reasons: list[RetryBlocker] = strawberry.field(description="All that speaks against it.")


@strawberry.type(description="The way of a retry to its engine.")
class Dispatch:
    """The way of a retry to its engine."""

    attempts: int = strawberry.field(description="How often it was tried.")
    accepted_at: DateTime | None = strawberry.field(description="When the engine took it; null: it has not.")
    next_attempt_at: DateTime | None = strawberry.field(
        description="When it is tried next; null when it was accepted or given up."
    )
    last_error: str | None = strawberry.field(
        description="Why the last attempt that failed did, with up to 4 KiB of the engine's answer; null: none failed."
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
