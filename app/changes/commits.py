"""What a committed transaction changed, and who hears of it: writers announce here, every listener hears all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from app.changes import revisions
from app.db import Transaction


@dataclass(frozen=True, slots=True)
class Committed:
    """What a committed transaction changed."""

    revision: int | None  # the newest; `changed` have the len(changed) revisions up to it; None if nothing changed
    changed: list[str]  # ids of executions, in the order of their revisions
    logged: list[str]  # ids of executions with new log lines


Listener = Callable[[Committed], None]


class Announcements:
    """The one list of listeners of a process. They are called after each commit, in its event loop: none may block."""

    def __init__(self, listeners: Sequence[Listener] = ()) -> None:
        self._listeners = tuple(listeners)

    async def announce(
        self,
        transaction: Transaction,
        changed: Sequence[str],
        *,
        created: Collection[str] = (),
        finished: Collection[str] = (),
        logged: Sequence[str] = (),
    ) -> None:
        """Give the changed executions their revisions, and tell the listeners once the transaction is committed.

        Call it last: from then on until the commit, whoever else changes an execution waits (app/changes/revisions.py).
        """
        revision = None
        if changed:
            revision = await revisions.take(transaction, changed, created=created, finished=finished)
        self._tell(transaction, Committed(revision, list(changed), list(logged)))

    async def announce_deleted(self, transaction: Transaction, deleted: Sequence[str]) -> None:
        """Leave the tombstones of deleted executions, and tell the listeners as `announce` does."""
        revision = await revisions.bury(transaction, deleted)
        self._tell(transaction, Committed(revision, list(deleted), []))

    def _tell(self, transaction: Transaction, committed: Committed) -> None:
        for listener in self._listeners:
            transaction.after_commit(partial(listener, committed))


# Of a process that serves nobody: those that do find its changes by looking.
NO_LISTENERS = Announcements()
