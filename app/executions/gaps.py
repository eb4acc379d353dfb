"""How often a workflow usually runs, and whether it is overdue. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Protocol


class Queued(Protocol):
    """What is needed of a run. `queued_at` is in µs since the epoch."""

    @property
    def queued_at(self) -> int: ...

    @property
    def retry_of(self) -> str | None: ...


# Of fewer gaps nobody can tell what is usual.
LEAST_GAPS = 4
OVERDUE_FACTOR = 3


def usual_gap(recent: Sequence[Queued]) -> int | None:
    """The median time between two runs of a workflow, in µs, of its newest ones, newest first.

    Without retries, which come when somebody asks for them. None for fewer than LEAST_GAPS.
    """
    gaps = [later - earlier for later, earlier in pairwise(_originals(recent))]
    return int(median(gaps)) if len(gaps) >= LEAST_GAPS else None


def is_overdue(recent: Sequence[Queued], now: int) -> bool:
    """Whether no run has been queued for longer than OVERDUE_FACTOR times the usual gap."""
    gap = usual_gap(recent)
    return bool(gap) and now - _originals(recent)[0] > OVERDUE_FACTOR * (gap or 0)


def _originals(recent: Sequence[Queued]) -> list[int]:
    return [each.queued_at for each in recent if each.retry_of is None]
