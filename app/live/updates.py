"""What subscribers to executions receive, as values."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from app.changes import Changed
from app.changes.revisions import updates_cursor
from app.executions import Execution
from app.executions.filters import ExecutionFilter


class Change(StrEnum):
    """What happened to an execution. Of several changes in one update, the strongest is named."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    FINISHED = "FINISHED"
    DELETED = "DELETED"
    RESYNC = "RESYNC"


@dataclass(frozen=True, slots=True)
class Update:
    """What a subscriber receives."""

    cursor: str
    change: Change
    execution_id: str | None  # None: RESYNC
    execution: Execution | None  # None: RESYNC, DELETED
    matches: bool


class Watchable(Protocol):
    """Where updates come from."""

    def watch(self, where: ExecutionFilter, after: str | None = None) -> AsyncGenerator[Update, None]:
        """The changes of executions that match a filter, or matched it: from a cursor on, or from now on."""
        ...


@dataclass(slots=True)
class FeedPosition:
    """How much a subscriber has received: up to a revision, in one life of the counter.

    `read` is the number of the feed's read that has to be over before the feed knows as much as who gave the position.
    """

    epoch: str
    revision: int
    read: int = 0


def update_of(epoch: str, changed: Changed, matches: bool, before: int) -> Update:
    """A change, for somebody who knows its execution up to the revision `before`."""
    if changed.execution is None:
        change = Change.DELETED
    elif changed.finished > before:
        change = Change.FINISHED
    else:
        change = Change.CREATED if changed.created > before else Change.UPDATED
    return Update(updates_cursor(epoch, changed.revision), change, changed.execution_id, changed.execution, matches)


def resync(position: FeedPosition) -> Update:
    """The position is unknown: list again, and continue from there."""
    return Update(updates_cursor(position.epoch, position.revision), Change.RESYNC, None, None, False)
