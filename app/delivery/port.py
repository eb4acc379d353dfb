"""What the parts of dispatch agree on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from app.delivery.outbox import OutboxItem


class NotDelivered(Exception):
    """An attempt failed, for a reason that an administrator may read.

    `final`: no further one will help. `cut`: the reason's end was cut off, perhaps within a secret.
    """

    def __init__(self, reason: str, *, final: bool = False, cut: bool = False) -> None:
        super().__init__(reason)
        self.final = final
        self.cut = cut


class Handler(Protocol):
    """Delivers the outbox's rows of one kind, and settles what they come to."""

    async def deliver(self, item: OutboxItem) -> None:
        """Hand it over; raises NotDelivered. May happen twice for one row: the receiver knows the row's id."""

    async def settle(self, item: OutboxItem, failure: str | None, given_up: bool) -> None:
        """Commit what an attempt came to: accepted, or the failure, after which there may be no further attempt.

        `failure` is what outbox.readable makes of the reason.
        """


@dataclass(frozen=True, slots=True)
class RetryRequest:
    """A retry on its way to its engine."""

    id: str  # of the outbox row, the same at each attempt
    attempts: int
    execution_id: str  # as the API shows it
    external_id: str
    retry_of: str  # as the API shows it
    workflow: str
    trigger_kind: str
    trigger_data: str  # JSON text, as it was sent


class Channel(Protocol):
    """A way to one kind of engine."""

    async def send(self, request: RetryRequest, connection: dict[str, str]) -> None:
        """Hand a retry over to the engine at `connection`; raises NotDelivered, whatever is wrong with the engine."""

    async def close(self) -> None:
        """Close what is open."""
