"""What decides which of two reports provides a fact. Pure."""

from __future__ import annotations

from app.lifecycle import RANK_FINISHED_BY_US, time_of_key

# Identity keys of all events but those that queue a run or start a step begin with it, and those of these below it.
OF_OTHERS = "1"
# Before the keys of all other claims of a trigger: of two processes of an engine one may have its message, and a retry
# needs it.
WITH_MESSAGE = " "

_FINISHED = f"{RANK_FINISHED_BY_US:x}"


def finish_time(key: str) -> int | None:
    """When the report behind a state key finished something, in microseconds since the epoch; None if it did not."""
    return time_of_key(key) if key >= _FINISHED else None


def bound_of(finished_at: int | None, key: str) -> int | None:
    """The receipt that bounds a shown end; None if that is the time behind its state key."""
    return None if finished_at == finish_time(key) else finished_at


def least(one: int | None, other: int | None) -> int | None:
    """The lesser of two times; either may be unknown."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def precedes(key: str | None, other: str | None) -> bool:
    """Whether the claim behind `key` beats the one behind `other`."""
    return key is not None and (other is None or key < other)
