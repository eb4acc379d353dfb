"""Steps of executions, as readers see them: reported steps, and steps that only the definition names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
import orjson

from app.db import Database
from app.db.dialect import Dialect
from app.db.rows import Column, RowsOf
from app.ids import part_key, split_part_key
from app.lifecycle import STATUS_OF, State, Status, shown_state


class Step(msgspec.Struct, frozen=True):
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


class StepPayload(msgspec.Struct, frozen=True):
    """The large parts of a step; sizes are in bytes as sent."""

    execution_id: str
    step_index: int
    input: str | None
    output: str | None
    stack_trace: str | None
    stack_trace_bytes: int | None


class _Reported(msgspec.Struct):
    """A step of which events spoke, and the state of its run."""

    execution_id: str
    step_index: int
    name: str
    kind: str | None
    state: State
    started_at: int | None
    finished_at: int | None
    reported_duration: int | None
    error_type: str | None
    error_message: str | None
    error_message_bytes: int | None
    run: Annotated[State, Column("e.state")]

    def step(self) -> Step:
        started_at, finished_at, duration = self.started_at, self.finished_at, self.reported_duration
        if duration is None and started_at is not None and finished_at is not None and finished_at >= started_at:
            duration = finished_at - started_at
        return Step(
            execution_id=self.execution_id,
            index=self.step_index,
            name=self.name,
            kind=self.kind,
            state=shown_state(self.state, self.run),
            failed=STATUS_OF[self.state] is Status.FAILURE,
            started_at=started_at,
            finished_at=finished_at,
            duration=duration,
            error_type=self.error_type,
            error_message=self.error_message,
            error_message_bytes=self.error_message_bytes,
        )


class _Defined(msgspec.Struct):
    """The steps that a run said it would have, and its state."""

    execution_id: str
    names: Annotated[list[str], Column("p.definition", orjson.loads)]
    run: Annotated[State, Column("e.state")]


class Progress(msgspec.Struct, frozen=True):
    """How many steps a run has, and the index of the one under way."""

    count: int
    current: int | None


_UNDER_WAY = f"({int(State.RUNNING)}, {int(State.WAITING)})"

_REPORTED = RowsOf(_Reported, "s")
_DEFINED = RowsOf(_Defined, "p")
_PAYLOADS = RowsOf(StepPayload)


async def of_executions(database: Database, execution_ids: Iterable[str]) -> dict[str, list[Step]]:
    """All steps of each execution, by index. Leaves out executions without any. One statement."""
    found: dict[str, dict[int, Step]] = {}
    nothing = "NULL, " * (len(_REPORTED.names) - 2)
    asked = list(execution_ids)
    reported, given = database.among("s.execution_id", 1, "id", asked)
    defined, _ = database.among("p.execution_id", 1, "id", asked)
    rows = await database.fetch(
        f"SELECT {_REPORTED.columns}, NULL AS definition FROM steps s JOIN executions e ON e.id = s.execution_id"
        f" WHERE {reported} UNION ALL"
        f" SELECT p.execution_id, {nothing}e.state, p.definition FROM execution_payloads p"
        " JOIN executions e ON e.id = p.execution_id"
        f" WHERE p.definition IS NOT NULL AND {defined}",
        given,
    )
    for each in _REPORTED.read_all([row[:-1] for row in rows if row[-1] is None]):
        found.setdefault(each.execution_id, {})[each.step_index] = each.step()
    for names in [_DEFINED.read((row[0], row[-1], row[-2])) for row in rows if row[-1] is not None]:
        steps = found.setdefault(names.execution_id, {})
        for index in range(len(names.names)):
            steps.setdefault(index, _unreported(names, index))
    return {id_: [steps[index] for index in sorted(steps)] for id_, steps in found.items()}


async def progress_of(database: Database, execution_ids: Iterable[str]) -> dict[str, Progress]:
    """How far each execution is, in one statement. Nothing is under way in one that has finished."""
    length = "json_array_length(p.definition" + (")" if database.dialect is Dialect.SQLITE else "::json)")
    condition, given = database.among("e.id", 1, "id", execution_ids)
    rows = await database.fetch(
        f"""
        SELECT d.id,
          d.defined + (SELECT count(*) FROM steps s WHERE s.execution_id = d.id AND s.step_index >= d.defined),
          (SELECT max(s.step_index) FROM steps s
           WHERE s.execution_id = d.id AND s.state IN {_UNDER_WAY} AND d.state < {int(State.SUCCEEDED)})
        FROM (
          SELECT e.id, e.state, coalesce({length}, 0) AS defined
          FROM executions e LEFT JOIN execution_payloads p ON p.execution_id = e.id
          WHERE {condition}
        ) d
        """,
        given,
    )
    return {id_: Progress(count, current) for id_, count, current in rows}


async def by_keys(database: Database, keys: Iterable[str]) -> dict[str, Step]:
    """Steps by `ids.part_key`. Leaves out steps that are neither reported nor defined. At most two statements."""
    wanted = {key: split_part_key(key) for key in keys}
    condition, params = _any_of_steps(database, "s.", wanted)
    reported = await _reported(database, condition, *params)
    found = {part_key(each.execution_id, each.step_index): each.step() for each in reported}
    if missing := {key: wanted[key] for key in wanted.keys() - found.keys()}:
        given = {execution_id for execution_id, _ in missing.values()}
        of_runs = {each.execution_id: each for each in await _defined(database, given)}
        for key, (execution_id, index) in missing.items():
            defined = of_runs.get(execution_id)
            if defined is not None and index < len(defined.names):
                found[key] = _unreported(defined, index)
    return found


async def payloads_by_keys(database: Database, keys: Iterable[str]) -> dict[str, StepPayload]:
    """The payloads of steps by `ids.part_key`. Leaves out steps without any."""
    condition, params = _any_of_steps(database, "", keys)
    rows = await database.fetch(f"SELECT {_PAYLOADS.columns} FROM step_payloads WHERE {condition}", *params)
    return {part_key(each.execution_id, each.step_index): each for each in _PAYLOADS.read_all(rows)}


async def _reported(database: Database, condition: str, *params: Any) -> list[_Reported]:
    joined = "steps s JOIN executions e ON e.id = s.execution_id"
    return _REPORTED.read_all(
        await database.fetch(f"SELECT {_REPORTED.columns} FROM {joined} WHERE {condition}", *params)
    )


async def _defined(database: Database, execution_ids: Iterable[str]) -> list[_Defined]:
    joined = "execution_payloads p JOIN executions e ON e.id = p.execution_id"
    condition, given = database.among("p.execution_id", 1, "id", execution_ids)
    return _DEFINED.read_all(
        await database.fetch(
            f"SELECT {_DEFINED.columns} FROM {joined} WHERE p.definition IS NOT NULL AND {condition}", given
        )
    )


def _any_of_steps(database: Database, alias: str, keys: Iterable[str]) -> tuple[str, Sequence[Any]]:
    """The condition that a row is one of the steps, by step key, and its parameters."""
    given = list(keys)
    if len(given) == 1:
        return f"{alias}execution_id = $1 AND {alias}step_index = $2", split_part_key(given[0])
    columns = f"({alias}execution_id, {alias}step_index)"
    # Pairs are no list for `any_of`: two arrays on Postgres, and on SQLite the keys, which are taken apart there.
    if database.dialect is Dialect.POSTGRES:
        ids, indexes = zip(*map(split_part_key, given), strict=True)
        return f"{columns} IN (SELECT * FROM unnest($1::uuid[], $2::bigint[]))", (ids, indexes)
    pairs = "SELECT substr(value, 1, 32), CAST(substr(value, 34) AS INTEGER) FROM json_each($1)"
    return f"{columns} IN ({pairs})", (database.array(given),)


def _unreported(defined: _Defined, index: int) -> Step:
    state = State.SKIPPED if defined.run.finished else State.QUEUED
    name = defined.names[index]
    return Step(defined.execution_id, index, name, None, state, False, None, None, None, None, None, None)
