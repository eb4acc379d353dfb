"""The kinds of triggers: those of all executions, whatever became of them, and of no others."""

from __future__ import annotations

from app import clock
from app.db import Database
from app.ingestion import Ingestion
from app.metrics.folding import fold
from app.metrics.trigger_kinds import trigger_kinds
from app.retention.pruning import prune
from tests.app.reports import NOON, events, report
from tests.factories import record_statements
from tests.sealing import SEALER


async def record(database: Database, kind: str | None, subject: str, *states: str) -> None:
    queued = report("execution.queued", subject, workflow="nightly")
    if kind is not None:
        queued["data"]["trigger"] = {"kind": kind}
    ends = [report("execution.finished", subject, 1, state=state) for state in states]
    await Ingestion(database, SEALER).record(events([queued, *ends]))


async def fold_all(database: Database) -> None:
    while await fold(database):
        pass


async def test_each_kind_once_by_code_points(database: Database) -> None:
    assert await trigger_kinds(database) == []
    for number in range(3):
        await record(database, "schedule", f"a{number}", "SUCCEEDED")
        await record(database, "webhook", f"b{number}", "FAILED")
        await record(database, "Zebra", f"c{number}", "CANCELLED")
        await record(database, "épreuve", f"d{number}")  # not finished
        await record(database, "🚀", f"e{number}")
        await record(database, None, f"f{number}", "SKIPPED")  # until somebody says
    expected = ["Zebra", "schedule", "unknown", "webhook", "épreuve", "🚀"]
    assert expected == sorted(expected)
    assert await trigger_kinds(database) == expected
    await fold(database, 4)  # some of them
    assert await trigger_kinds(database) == expected
    await fold_all(database)
    assert await trigger_kinds(database) == expected


async def test_a_kind_that_was_corrected_goes(database: Database) -> None:
    """At the latest with the next fold."""
    await record(database, None, "pending")
    await record(database, None, "finished", "SUCCEEDED")
    await fold_all(database)
    assert await trigger_kinds(database) == ["unknown"]
    await record(database, "manual", "pending")
    assert await trigger_kinds(database) == ["manual", "unknown"]
    await record(database, "api", "finished", "SUCCEEDED")
    assert set(await trigger_kinds(database)) >= {"api", "manual"}
    await fold_all(database)
    assert await trigger_kinds(database) == ["api", "manual"]


async def test_pruned_kinds_stay_as_long_as_their_figures(database: Database) -> None:
    await record(database, "kept", "a", "SUCCEEDED")
    await fold_all(database)
    await prune(database, NOON + clock.HOUR, keep_metrics=True)
    await record(database, "gone", "b", "SUCCEEDED")
    await prune(database, NOON + clock.HOUR, keep_metrics=False)
    await fold_all(database)
    assert await trigger_kinds(database) == ["kept"]


async def test_one_statement(database: Database) -> None:
    recorded = record_statements(database)
    await trigger_kinds(database)
    assert len(recorded) == 1
