"""What the feed knows of those who listen: audiences by their filters, and what passes changes on to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from app.changes import Changed
from app.executions.predicate import Predicate


class Audience(Protocol):
    """Subscribers that share one filter; `subscribers` says how many."""

    @property
    def subscribers(self) -> int: ...

    def put(self, changed: Changed, matches: bool, before: int) -> None:
        """A change. None of them knows anything of its execution beyond the revision `before`."""
        ...

    def fall_behind(self) -> None:
        """There is more than the audience receives: it has to read."""
        ...


class Distributor(Protocol):
    """Passes changes on to its audiences, which takes time; the feed waits for it."""

    @property
    def is_full(self) -> bool:
        """Whether the feed should wait for it before it delivers more."""
        ...

    async def done(self) -> None:
        """Wait until everything is passed on."""
        ...

    def fall_behind(self) -> None:
        """Give up what is not passed on: its audiences have to read."""
        ...


class Filter:
    """One filter, however many audiences have it: tested once for each change."""

    def __init__(self, error_group_ids: Sequence[str], test: Predicate, ever: Predicate) -> None:
        self.error_group_ids = error_group_ids
        self.test = test
        self.ever = ever  # whether an execution may have matched at any time, by what never changes of it
        self.audiences: set[Audience] = set()
