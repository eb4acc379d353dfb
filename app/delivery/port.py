"""The port between the outbox's loop and the handlers of its kinds."""

from __future__ import annotations

from typing import Protocol

from app.delivery.outbox import OutboxItem
from app.secrets.masking import Masker


class NotDelivered(Exception):
    """An attempt failed, for a reason that an administrator may read.

    `final`: no further attempt will help. `cut`: the reason's end was cut off, perhaps within a secret. `retry_after`:
    for how many µs the receiver wants no further attempt. `lingers`: until its lease ends, the attempt may still send
    something.
    """

    def __init__(
        self, reason: str, *, final: bool = False, cut: bool = False, retry_after: int = 0, lingers: bool = False
    ) -> None:
        super().__init__(reason)
        self.final = final
        self.cut = cut
        self.retry_after = retry_after
        self.lingers = lingers

    def masked(self, masker: Masker) -> NotDelivered:
        """The same without what the reason must not tell."""
        reason = masker.text(str(self), cut=self.cut)
        return NotDelivered(reason, final=self.final, cut=self.cut, retry_after=self.retry_after, lingers=self.lingers)


class Handler(Protocol):
    """Delivers the outbox's rows of one kind, and records the outcome."""

    async def deliver(self, item: OutboxItem) -> None:
        """Deliver a row; raises NotDelivered. May happen twice for one row: the receiver knows the row's id."""

    async def settle(self, item: OutboxItem, failure: str | None, given_up: bool) -> None:
        """Commit the outcome of an attempt: accepted, or the failure, after which there may be no further attempt.

        `failure` is what outbox.readable makes of the reason.
        """
