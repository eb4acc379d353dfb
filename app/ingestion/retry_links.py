"""Retries that an engine made by itself: events that name the execution that theirs retries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.db import Transaction
from app.db.locks import Lock
from app.events import Claims, Event, Heartbeat, Queued, Rejection, Started, Waiting
from app.executions import lineage
from app.ingestion.execution_rows import Key

# What may claim. By the exact type: isinstance of a msgspec.Struct takes the way through abc.
CLAIMS = frozenset({Queued, Started, Waiting, Heartbeat})


def claimed_by(event: Event) -> str | None:
    """The id of the execution that the event names as retried."""
    return event.body.retry_of if isinstance(event.body, Claims) else None


def any_claimed(events: Iterable[Event]) -> bool:
    """Whether any of the events names an execution as retried."""
    return any(event.body.retry_of for event in events if type(event.body) in CLAIMS)  # type: ignore[union-attr]


async def check(transaction: Transaction, events: Sequence[Event], engines: dict[str, str]) -> list[Rejection]:
    """Reject claims of an unknown execution, of another engine's, of the event's own, and claims that close a cycle."""
    # One transaction at a time: two that each close half of a cycle would not see each other.
    await transaction.lock(Lock.RETRY_LINKS)
    rejected: list[Rejection] = []
    accepted: dict[Key, list[Key]] = {}  # links of this batch: from a retry to what it retries, and its ancestors
    for event in events:
        parent_id = claimed_by(event)
        if parent_id is None:
            continue
        key = (engines[event.source], event.subject)
        chain = await lineage.line_of(transaction, parent_id)
        if error := _contradiction(key, chain, accepted):
            rejected.append(Rejection(event.index, event.id, error))
        else:
            accepted.setdefault(key, []).extend(chain)
    return rejected


def _contradiction(key: Key, chain: list[Key], accepted: dict[Key, list[Key]]) -> str | None:
    if not chain:
        return "retryOf: no such execution"
    if chain[0][0] != key[0]:
        return "retryOf: an execution of another engine"
    reached = dict.fromkeys(chain)
    unseen = list(reached)
    while unseen:
        further = [ancestor for ancestor in accepted.get(unseen.pop(), ()) if ancestor not in reached]
        reached.update(dict.fromkeys(further))
        unseen.extend(further)
    if key in reached:
        return "retryOf: would make the execution a retry of itself"
    if len(reached) >= lineage.MAX_ANCESTORS:
        return f"retryOf: makes a chain of more than {lineage.MAX_ANCESTORS} retries"
    return None
