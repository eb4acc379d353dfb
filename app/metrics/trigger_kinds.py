"""The kinds of triggers that exist."""

from __future__ import annotations

from app.db import Database
from app.lifecycle import STATES_OF, Status
from app.metrics.rollups import Detail, Grain

# A workflow has some hundreds of daily rows a year. Unfinished and unfolded executions are read directly.
_KINDS = f"""
SELECT trigger_kind FROM metric_rollups WHERE detail = {int(Detail.KIND)} AND grain = {int(Grain.DAY)}
UNION SELECT trigger_kind FROM metric_deltas WHERE sign = 1
UNION SELECT trigger_kind FROM executions
  WHERE state IN ({", ".join(str(int(state)) for state in STATES_OF[Status.PENDING])})
"""


async def trigger_kinds(database: Database) -> list[str]:
    """Each kind that an execution has, including kept figures of pruned ones; sorted by code points."""
    return sorted(row[0] for row in await database.fetch_long(_KINDS))
