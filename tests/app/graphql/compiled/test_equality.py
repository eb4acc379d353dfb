"""Operations drawn from our schema have the same answer by plans as by graphql-core, to the byte."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import count as numbers
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLObjectType

from app import clock
from app.auth import Role, Viewer
from app.db import Database
from app.errors import NotFound
from app.graphql.bounds import Bounds
from app.graphql.compiled.projections import PROJECTION
from app.graphql.plans import fallbacks
from app.ingestion import Ingestion
from schema import schema
from specs.harness.counts import count
from tests.app.graphql.compiled.asking import by_core, by_plan
from tests.app.graphql.compiled.drawing import Drawing
from tests.app.reports import NOW, events, line, report, step
from tests.contexts import context_of
from tests.sealing import SEALER

# Each on both databases: 100,000 answers in all, 2,000 without --soak.
OPERATIONS = count("operations by plans and by graphql-core", 1_000, 50_000)
PARTS = 4  # which several processes of a run share
# A machine that stands still for 5 s lets a statement run out of its time, on one of the two ways.
LATE, ATTEMPTS = b"LIMIT_EXCEEDED", 2
ADMIN = Viewer("root", Role.ADMIN)
READER = Viewer("reader", Role.VIEWER, credential="f" * 32)  # whose sessions are looked for by the id of its token
# One in some ten thousand would be refused before it ran.
ANY_COST = Bounds(cost=2**40)
ERROR = {"type": "TimeoutError", "message": "no answer within 30 s from host 17", "stackTrace": "File x, line 1"}


async def filled(database: Database) -> dict[str, list[Any]]:
    """Runs of several kinds; the values that arguments may have."""
    ingestion = Ingestion(database, SEALER)
    for number in range(8):
        failed = number % 3 == 0
        trigger = {"kind": ("schedule", "manual")[number % 2], "data": {"n": number, "password": "hunter2"}}
        given = [
            report("execution.queued", at=number, workflow=f"flow {number % 3}", trigger=trigger),
            report("execution.started", at=number + 1),
            step("started", 0, number + 1),
            step("finished", 0, number + 2, state="FAILED" if failed else "SUCCEEDED", kind="k", output={"a": 1.10}),
            *(line(f"line {each}", number + 1, attributes={"each": each}) for each in range(3)),
        ]
        if number != 7:
            state = {"state": "FAILED", "error": ERROR} if failed else {"state": "SUCCEEDED"}
            given.append(report("execution.finished", at=number + 3, **state))
        await ingestion.record(events(given, subject=f"run-{number}"))
    [[first]] = await database.fetch("SELECT id FROM executions WHERE external_id = 'run-0'")
    retry = report("execution.queued", at=20, workflow="flow 0", retryOf=f"execution_{first}")
    await ingestion.record(events([retry], subject="again"))
    found: dict[str, list[Any]] = {}
    for kind, column in (("execution", "id"), ("workflow", "workflow_id"), ("errorGroup", "error_group_id")):
        rows = await database.fetch(f"SELECT DISTINCT {column} FROM executions WHERE {column} IS NOT NULL ORDER BY 1")
        found[kind] = [f"{kind}_{row[0]}" for row in rows]
    executions = found["execution"]
    steps = [f"step_{id_.partition('_')[2]}_0" for id_ in executions[:3]]
    every = [*executions, *found["workflow"], *found["errorGroup"], *steps, "execution_x", "nothing_1"]
    return {"id": every, "executionId": executions, "stepId": steps, "first": [1, 2, 5], "last": [1, 2]}


async def filled_alike(databases: Sequence[Database], monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """Rows with the same ids in each: one operation asks all of them, and is validated and compiled once."""
    known: list[dict[str, list[Any]]] = []
    for database in databases:
        drawn = map(UUID, (f"{number:032x}" for number in numbers()))
        with monkeypatch.context() as patched:
            patched.setattr("app.ids.uuid_utils", SimpleNamespace(uuid7=lambda *, nanoseconds, ids=drawn: next(ids)))
            known.append(await filled(database))
    assert all(each == known[0] for each in known)
    return known[0]


@cache
def fields_of_schema() -> list[tuple[str, Any]]:
    """All that an operation may ask for, by name."""
    types = [each for each in schema._schema.type_map.values() if isinstance(each, GraphQLObjectType)]
    return [
        (f"{type_.name}.{name}", field.extensions["strawberry-definition"])
        for type_ in types
        if not type_.name.startswith("__") and type_.name not in ("Mutation", "Subscription")
        for name, field in type_.fields.items()
    ]


@cache
def projected_fields() -> list[tuple[str, Any]]:
    """Those that a projection may answer."""
    return [each for each in fields_of_schema() if PROJECTION in each[1].metadata]


def spoil(choice: random.Random, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let some resolver fail, or return what it must not."""
    if choice.random() < 0.3:
        name, field = choice.choice(projected_fields())
        for part in ("make", "load", "rows", "exists"):
            if getattr(field.metadata[PROJECTION], part, None) is not None:
                # It fails, and the resolver does not.
                fails = replace(field.metadata[PROJECTION], **{part: lambda *_: 1 / 0})
                monkeypatch.setattr(field, "metadata", {PROJECTION: fails})
        return name
    name, field = choice.choice([each for each in fields_of_schema() if each[1].base_resolver is not None])
    resolver = field.base_resolver
    monkeypatch.setattr(field, "metadata", {})  # a projection stands for a resolver that does what it does
    outcome = choice.choice([NotFound("gone"), RuntimeError("hunter2"), None, 2**40, "text", (), object(), 1.5])

    def fail(*_: Any, **__: Any) -> Any:
        if isinstance(outcome, NotFound):
            raise outcome
        return outcome  # an exception is raised by graphql-core

    async def fail_later(*_: Any, **__: Any) -> Any:
        return fail()

    monkeypatch.setattr(resolver, "wrapped_func", fail_later if resolver.is_async else fail)
    return name


# graphql-core leaves coroutines behind when a field fails, and Python cannot always warn of them (app/log.py).
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
async def test_drawn_operations_have_one_answer(
    one_of_each: list[Database], monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    known = await filled_alike(one_of_each, monkeypatch)
    monkeypatch.setattr("app.executions.facets.DEADLINE_SECONDS", 600.0)  # a busy machine is late for one of the two
    monkeypatch.setattr(clock, "now_us", lambda: NOW)
    monkeypatch.setattr("app.errors.secrets.token_hex", lambda _: "e1")
    monkeypatch.setattr("app.errors.log.error", lambda *_, **__: None, raising=False)
    planned = erred = 0
    seeds = range(part, OPERATIONS, PARTS)
    for seed in seeds:
        drawing = Drawing(schema._schema, seed, known)
        document = drawing.operation()
        choice = random.Random(seed)
        viewer = READER if seed % 7 == 0 else ADMIN
        with monkeypatch.context() as patched:
            # The text is new for the seed, and so is its plan.
            spoiled = spoil(choice, patched) if seed % 3 == 0 else ""
            for database in one_of_each:
                for _ in range(ATTEMPTS):
                    expected = await by_core(document, drawing.variables, context_of(database, viewer, bounds=ANY_COST))
                    answer = await by_plan(document, drawing.variables, context_of(database, viewer, bounds=ANY_COST))
                    if LATE not in expected + (answer or b""):
                        break
                assert answer in (None, expected), (seed, database.dialect, spoiled, document, drawing.variables)
                planned += answer is not None
                erred += b'"errors"' in expected
                assert answer is None or b'"errors"' not in expected
                # What has no error has a plan, but for what is odd and right all the same, as a null where a field or
                # condition takes none, below an object that is null: graphql-core never comes to ask.
                odd = spoiled or None in drawing.variables.values()
                assert answer is not None or b'"errors"' in expected or odd, (
                    seed,
                    document,
                    drawing.variables,
                    fallbacks,
                )
    asked = len(seeds) * len(one_of_each)
    assert planned > asked * 0.3
    assert erred > asked * 0.15
