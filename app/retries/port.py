"""The port to the engines of one kind: what a retry says, and by which way it goes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RetryRequest:
    """A retry on its way to its engine."""

    id: str  # of the outbox row; the same at each attempt
    attempts: int
    execution_id: str  # as the API shows it
    external_id: str
    retry_of: str  # as the API shows it
    workflow: str
    trigger_kind: str
    trigger_data: str  # JSON text, as the engine sent it
    requested_at: int = 0  # in µs
    trigger_message: str | None = None  # the engine's own, which it gave Runwatch to keep


class WayBack(Protocol):
    """How retries reach the engines of one kind."""

    async def send(self, request: RetryRequest, connection: dict[str, str]) -> None:
        """Deliver a retry to the engine at `connection`; raises NotDelivered, whatever is wrong with the engine."""

    async def reach(self, connection: dict[str, str]) -> str:
        """What can be said of a way back that can be reached; raises NotDelivered for any other. Sends nothing."""

    async def close(self) -> None:
        """Close open connections."""
