"""How often a workflow usually runs, and whether it is overdue.

The newest runs alone may be one burst, whose gaps say nothing of the time to the next one: what counts too is how long
the workflow has paused before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median
from typing import Protocol

from app import clock
from app.db import Database
from app.ids import is_id


class Queued(Protocol):
    """What is needed of a run. `queued_at` is in µs since the epoch."""

    @property
    def queued_at(self) -> int: ...

    @property
    def retry_of(self) -> str | None: ...


# Of fewer gaps nobody can tell what is usual.
LEAST_GAPS = 4
OVERDUE_FACTOR = 3
# Pauses are looked for in so many steps back, each to the newest run that is as much older: half a day of steady runs,
# 24 days of a daily burst. A step is two reads of an index: those of 50 workflows take 9 ms.
STEPS, STEP = 24, 30 * clock.MINUTE

_RUN = "FROM executions e WHERE e.workflow_id = back.workflow_id AND e.retry_of IS NULL AND e.queued_at"
_PAUSES = f"""
WITH RECURSIVE back (workflow_id, queued_at, steps) AS (
  SELECT w.id, (
    SELECT e.queued_at FROM executions e WHERE e.workflow_id = w.id AND e.retry_of IS NULL
    ORDER BY e.queued_at DESC LIMIT 1
  ), 0 FROM workflows w WHERE {{among}}
  UNION ALL SELECT back.workflow_id, (
    SELECT e.queued_at {_RUN} <= back.queued_at - {STEP} ORDER BY e.queued_at DESC LIMIT 1
  ), back.steps + 1 FROM back WHERE back.steps < {STEPS} AND back.queued_at IS NOT NULL
)
SELECT back.workflow_id, max((
  SELECT e.queued_at {_RUN} > back.queued_at ORDER BY e.queued_at LIMIT 1
) - back.queued_at)
FROM back WHERE back.steps > 0 AND back.queued_at IS NOT NULL GROUP BY back.workflow_id
"""


def usual_gap(recent: Sequence[Queued], pause: int | None) -> int | None:
    """The median time between two of the newest runs of a workflow, newest first, in µs, or half its longest pause.

    Without retries, which come when somebody asks for them. None for fewer gaps than LEAST_GAPS, and for runs that all
    came in one burst, of which no pause is known.
    """
    gaps = [later - earlier for later, earlier in pairwise(_originals(recent))]
    return None if pause is None or len(gaps) < LEAST_GAPS else max(int(median(gaps)), pause // 2)


def is_overdue(recent: Sequence[Queued], pause: int | None, now: int) -> bool:
    """Whether no run has been queued for longer than OVERDUE_FACTOR times the usual gap."""
    gap = usual_gap(recent, pause)
    return gap is not None and now - _originals(recent)[0] > OVERDUE_FACTOR * gap


async def longest_pauses(database: Database, workflow_ids: Iterable[str]) -> dict[str, int]:
    """How long each workflow has paused at most, in µs, by its id, as far as STEPS go back; without retries.

    Leaves out those whose runs all came within STEP.
    """
    known = [id_ for id_ in workflow_ids if is_id(id_)]
    among, given = database.among("w.id", 1, "id", known)
    rows = await database.fetch(_PAUSES.format(among=among), given) if known else ()
    return {workflow_id: pause for workflow_id, pause in rows}  # noqa: C416 -- a row is no pair for a type checker


def _originals(recent: Sequence[Queued]) -> list[int]:
    return [each.queued_at for each in recent if each.retry_of is None]
