"""Runs that come as fast as retention deletes them take no more room than at first."""

from __future__ import annotations

import logging

import asyncpg
import pytest

from app.db import Database
from app.db.space import give_back, used_bytes
from app.lifecycle import State
from app.retention import pruning
from app.retention.rules import Rules
from app.retention.turns import Turn
from specs.harness.counts import count
from tests.app.retention.scene import days_ago, workflow
from tests.factories import execution_row, insert, log_row, step_row

log = logging.getLogger(__name__)

RUNS = count("runs over three turns of retention", 2_400, 250_000)
TURNS = 4
KEPT = RUNS // (TURNS + 1)


async def fill(database: Database, workflow_id: str, round_: int) -> None:
    """As many runs as are kept, younger than those before."""
    for start in range(0, KEPT, 500):
        numbers = range(start, min(start + 500, KEPT))
        rows = [
            execution_row(
                external_id=f"{round_}-{number}",
                workflow_id=workflow_id,
                queued_at=days_ago(100 - 10 * round_) + number,
                state=State.SUCCEEDED,
            )
            for number in numbers
        ]
        await insert(database, "executions", rows)
        ids = [row["id"] for row in rows]
        payload = {"trigger_data": "x" * 600, "trigger_data_bytes": 600}
        await insert(database, "execution_payloads", [{"execution_id": id_, **payload} for id_ in ids])
        await insert(database, "steps", [step_row(id_, index) for id_ in ids for index in range(2)])
        lines = [log_row(id_, number, message=f"line {number} " * 20) for id_ in ids for number in range(1, 4)]
        await insert(database, "log_entries", lines)


async def size(database: Database, url: str) -> int:
    if database.dialect == "sqlite":
        sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        return int((await database.fetch(sql))[0][0])
    # What autovacuum does within a minute or so.
    connection = await asyncpg.connect(url)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    return int((await database.fetch("SELECT pg_database_size(current_database())"))[0][0])


@pytest.mark.slow
async def test_size_stays(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "MAX_TOMBSTONES", min(pruning.MAX_TOMBSTONES, KEPT))
    id_ = await workflow(database)
    await fill(database, id_, 0)
    sizes, peaks = [], []
    for round_ in range(TURNS):
        await fill(database, id_, round_ + 1)
        peaks.append(await size(database, database_url))
        deleted = await Turn(database, Rules(executions=KEPT, keep_metrics=False), paced=False).run()
        assert deleted["executions"] == KEPT
        sizes.append(await size(database, database_url))
    # The first turn leaves tombstones, and on Postgres pages of indexes, which are used again after the second vacuum.
    log.info("before each turn %s bytes, after it %s", peaks, sizes)
    assert max(peaks[1:]) <= min(peaks[1:]) * 1.1, (peaks, sizes)
    if database.dialect == "sqlite":
        assert max(sizes[1:]) <= min(sizes[1:]) * 1.1, (peaks, sizes)
        assert sizes[0] < peaks[0] * 0.7  # the file became smaller, and not only emptier
    else:  # a vacuum cuts off what is empty at the end of a file, if anything is
        assert max(sizes[1:]) <= max(peaks), (peaks, sizes)
    used, rows = await used_bytes(database, "executions")
    assert rows == pytest.approx(KEPT, rel=0.02)
    base = 0 if database.dialect == "sqlite" else 8_000_000  # what Postgres itself keeps in a database
    assert peaks[0] - base > used > (peaks[0] - base) * 0.3
    assert not await give_back(database)
