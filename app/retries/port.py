"""What a way to one kind of engine has to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


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
