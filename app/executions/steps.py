"""Steps of executions, as readers see them: reported steps, and steps that only the definition names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.db import Database, Row
from app.ids import split_step_key, step_key
from app.lifecycle import State, Status, shown_state


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Times and the duration are in µs; None: not happened, or unknown."""

    execution_id: str
    index: int
    name: str
    kind: str | None
    state: State
    failed: bool  # by its own report, not because its run ended
    started_at: int | None
    finished_at: int | None
    duration: int | None
    error_type: str | None
    error_message: str | None
    error_message_bytes: int | None


@dataclass(frozen=True, slots=True)
class StepPayload:
    """The large parts of a step; sizes are in bytes as sent."""

    input: str | None
    output: str | None
    stack_trace: str | None
    stack_trace_bytes: int | None


_REPORTED = """
SELECT s.execution_id, s.step_index, s.name, s.kind, s.state, s.started_at, s.finished_at, s.reported_duration,
  s.error_type, s.error_message, s.error_message_bytes, e.state
FROM steps s JOIN executions e ON e.id = s.execution_id WHERE {condition}
"""
_DEFINED = """
SELECT p.execution_id, p.definition, e.state
FROM execution_payloads p JOIN executions e ON e.id = p.execution_id
WHERE p.definition IS NOT NULL AND {condition}
"""


async def of_executions(database: Database, execution_ids: Iterable[str]) -> dict[str, list[Step]]:
    """All steps of each execution, by index. Leaves out executions without any. Two statements."""
    given = database.array(execution_ids)
    found: dict[str, dict[int, Step]] = {}
    sql = _REPORTED.format(condition=database.any_of("s.execution_id", 1, "id"))
    for row in await database.fetch(sql, given):
        found.setdefault(row[0], {})[row[1]] = _reported(row)
    for execution_id, names, run in await _definitions(database, given):
        steps = found.setdefault(execution_id, {})
        for index, name in enumerate(names):
            steps.setdefault(index, _unreported(execution_id, index, name, run))
    return {id_: [steps[index] for index in sorted(steps)] for id_, steps in found.items()}


async def by_keys(database: Database, keys: Iterable[str]) -> dict[str, Step]:
    """Steps by `ids.step_key`. Leaves out steps that are neither reported nor defined. At most two statements."""
    wanted = {key: split_step_key(key) for key in keys}
    condition, params = _any_of_steps(database, "s.", wanted)
    rows = await database.fetch(_REPORTED.format(condition=condition), *params)
    found = {step_key(row[0], row[1]): _reported(row) for row in rows}
    if missing := {key: wanted[key] for key in wanted.keys() - found.keys()}:
        given = database.array({execution_id for execution_id, _ in missing.values()})
        defined = {id_: (names, run) for id_, names, run in await _definitions(database, given)}
        for key, (execution_id, index) in missing.items():
            names, run = defined.get(execution_id, ((), State.QUEUED))
            if index < len(names):
                found[key] = _unreported(execution_id, index, names[index], run)
    return found


async def payloads_by_keys(database: Database, keys: Iterable[str]) -> dict[str, StepPayload]:
    """The payloads of steps by `ids.step_key`. Leaves out steps without any."""
    condition, params = _any_of_steps(database, "", keys)
    rows = await database.fetch(
        "SELECT execution_id, step_index, input, output, stack_trace, stack_trace_bytes"
        f" FROM step_payloads WHERE {condition}",
        *params,
    )
    return {step_key(row[0], row[1]): StepPayload(*row[2:]) for row in rows}


async def _definitions(database: Database, given: Any) -> list[tuple[str, Sequence[str], State]]:
    sql = _DEFINED.format(condition=database.any_of("p.execution_id", 1, "id"))
    return [(row[0], orjson.loads(row[1]), State(row[2])) for row in await database.fetch(sql, given)]


def _any_of_steps(database: Database, alias: str, keys: Iterable[str]) -> tuple[str, Sequence[Any]]:
    """The condition that a row is one of the steps, by step key, and its parameters."""
    columns = f"({alias}execution_id, {alias}step_index)"
    if database.dialect == "postgres":
        ids, indexes = zip(*map(split_step_key, keys), strict=True)
        return f"{columns} IN (SELECT * FROM unnest($1::uuid[], $2::bigint[]))", (ids, indexes)
    pairs = "SELECT substr(value, 1, 32), CAST(substr(value, 34) AS INTEGER) FROM json_each($1)"
    return f"{columns} IN ({pairs})", (database.array(keys),)


def _reported(row: Row) -> Step:
    execution_id, index, name, kind, state, started_at, finished_at, reported, type_, message, size, run = row
    known = None if started_at is None or finished_at is None else finished_at - started_at
    return Step(
        execution_id=execution_id,
        index=index,
        name=name,
        kind=kind,
        state=shown_state(State(state), State(run)),
        failed=State(state).status is Status.FAILURE,
        started_at=started_at,
        finished_at=finished_at,
        duration=known if reported is None else reported,
        error_type=type_,
        error_message=message,
        error_message_bytes=size,
    )


def _unreported(execution_id: str, index: int, name: str, run: State) -> Step:
    state = State.SKIPPED if run.finished else State.QUEUED
    return Step(execution_id, index, name, None, state, False, None, None, None, None, None, None)
