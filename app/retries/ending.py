"""The end of retries that Runwatch delivers no more, and that their engines have not accepted.

It ranks below the engine's own word, which may still come: then the engine had the retry after all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app import clock
from app.db import Transaction
from app.delivery.outbox import OutboxItem
from app.events import Failure, Text
from app.ingestion import Ingestion
from app.ingestion.arrivals import Arrivals
from app.ingestion.execution_rows import Key
from app.ingestion.merging import ExecutionFacts
from app.lifecycle import RANK_FINISHED_BY_US, State, state_key

# Why a retry was cancelled: any other reason lets it fail.
DISCONNECTED = "The engine was disconnected"


async def end(
    transaction: Transaction, ingestion: Ingestion, items: Sequence[OutboxItem], reason: str, family: set[str]
) -> None:
    """End locked retries, each with its row of the outbox, as the last part of a transaction. See Ingestion.merge."""
    by_id = {item.subject_id: item for item in items}
    condition, given = transaction.among("id", 1, "id", by_id)
    rows = await transaction.fetch(f"SELECT id, engine_id, external_id FROM executions WHERE {condition}", given)
    now = clock.now_us()
    facts: dict[Key, ExecutionFacts] = {
        (engine_id, external_id): _facts(by_id[id_], reason, now) for id_, engine_id, external_id in rows
    }
    # Not as an event: that would count as the engine's word, which may still come.
    await _set_awaiting(transaction, by_id, False)
    await ingestion.merge(transaction, Arrivals.of_facts(facts), family)
    await _set_awaiting(transaction, by_id, True)


def _facts(item: OutboxItem, reason: str, now: int) -> ExecutionFacts:
    state, error = State.CANCELLED, None
    if reason != DISCONNECTED:
        message = f"The engine did not accept the retry (attempts: {item.attempts}): {reason}"
        state, error = State.FAILED, Failure("DispatchFailed", Text(message, len(message.encode())), None, None)
    facts = ExecutionFacts(
        first_event_at=now,
        received_at=0,
        state_key=state_key(RANK_FINISHED_BY_US, now, state, item.id),
        error=error,
    )
    facts.rewritten.add("outcome")
    return facts


async def _set_awaiting(transaction: Transaction, ids: Iterable[str], awaiting: bool) -> None:
    rows = [(id_, awaiting) for id_ in sorted(ids)]
    await transaction.update("executions", ("id", "awaiting_dispatch"), rows, key=("id",))
