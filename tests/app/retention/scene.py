"""Rows of several ages, put straight into the tables."""

from __future__ import annotations

from typing import Any

from app import clock
from app.db import Database
from app.ids import new_id
from app.lifecycle import State
from app.retention.rules import Rules
from app.retention.turns import Turn
from tests.app.reports import select
from tests.factories import execution_row, insert, insert_engine, insert_executions, insert_workflow

# Now, for rows: turns look at the clock.
NOW = clock.now_us()


def days_ago(days: float) -> int:
    return NOW - round(days * clock.DAY)


async def workflow(database: Database, name: str = "nightly", *, days: float = 400) -> str:
    engine = await insert_engine(database, f"engine of {name}")
    return await insert_workflow(database, engine, name, new_id(days_ago(days)))


async def runs(database: Database, workflow_id: str, *given: tuple[str, float, State], **more: Any) -> None:
    """Runs by external id, age in days and state; they ended when they were queued."""
    rows = [
        execution_row(
            external_id=name,
            workflow_id=workflow_id,
            queued_at=days_ago(days),
            finished_at=days_ago(days) if state.finished else None,
            state=state,
            **more,
        )
        for name, days, state in given
    ]
    await insert_executions(database, *rows)


async def alert(database: Database, rule_id: str, workflow_id: str, days: float, due: bool = False) -> str:
    """An alert, and its delivery, which may be due still."""
    at, execution_id = days_ago(days), new_id(days_ago(days))
    row = {"id": new_id(at), "rule_id": rule_id, "workflow_id": workflow_id, "since": at, "failures": 3}
    row |= {"first_execution_id": execution_id, "last_execution_id": execution_id, "fired_at": at}
    await insert(database, "alerts", [row])
    notice = {"id": row["id"], "rule_id": rule_id, "alert_id": row["id"], "kind": "FIRED", "created_at": at}
    await insert(database, "alert_notices", [notice])
    delivery = {"id": new_id(at), "kind": "alert.webhook", "subject_id": row["id"], "created_at": at}
    delivery |= {"accepted_at": None if due else at, "next_attempt_at": at if due else None}
    await insert(database, "outbox", [delivery])
    return str(row["id"])


CONDITION = '{"type":"failuresInARow","count":3}'


async def rule(database: Database, workflow_id: str | None = None, *, deleted: int | None = None) -> str:
    row: dict[str, Any] = {
        "id": new_id(days_ago(400)),
        "workflow_id": workflow_id,
        "condition": CONDITION,
        "enabled": True,
    }
    row |= {"created_at": days_ago(400), "updated_at": days_ago(400), "deleted_at": deleted}
    await insert(database, "alert_rules", [row])
    return str(row["id"])


async def turn(database: Database, **rules: Any) -> dict[str, int]:
    """What a turn by hand has deleted."""
    deleted = await Turn(database, Rules(**rules), paced=False).run()
    return {name: number for name, number in deleted.items() if number}


async def left(database: Database, table: str = "executions", column: str = "external_id") -> set[Any]:
    return {row[column] for row in await select(database, table, "1 = 1")}
