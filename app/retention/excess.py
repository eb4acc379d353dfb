"""How many runs are too many: by their number, and by the size of the database."""

from __future__ import annotations

import math

from app.db import Database
from app.db.space import used_bytes
from app.retention.rules import Rules


async def excess(database: Database, rules: Rules) -> int:
    """The number of the oldest runs that go, whatever their age."""
    if rules.executions is None and rules.bytes is None:
        return 0
    rows = await database.fetch_long("SELECT count(*) FROM executions")
    executions = int(rows[0][0])
    most = executions if rules.executions is None else min(executions, rules.executions)
    if rules.bytes is not None:
        used, counted = await used_bytes(database, "executions")
        if used > rules.bytes:
            # As if all were equally large; the next turn measures again.
            most = min(most, math.floor(counted * rules.bytes / used))
    return executions - most
