"""The budget of an operation: refused before, ended while it runs, by plans and by graphql-core alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
import pytest
from graphql import ExecutionResult, parse

from app import executions
from app.auth import Role, Viewer
from app.db import Database
from app.graphql import executor as module
from app.graphql.asked import COST_HEADER
from app.graphql.bounds import Bounds
from app.graphql.compiled import costs
from app.graphql.errors import shown_all
from app.graphql.executor import executor_of
from app.graphql.view import GraphQLView
from app.ingestion import Ingestion
from app.live.updates import Change, Update
from schema import schema
from schema.execution_update import ExecutionUpdate
from tests.app.reports import events, report
from tests.contexts import READER, context_of
from tests.databases import before_any_statement
from tests.sealing import SEALER

RUNS = 20
LARGE = 200_000
Ask = Callable[..., Coroutine[Any, Any, tuple[int, dict[str, Any]]]]
# An operation has so many characters for each of its rows and fields.
READS = "{ executions(first: 20) { nodes { %s } } }"


def aliases(number: int, field: str) -> str:
    return " ".join(f"a{n}: {field}" for n in range(number))


async def asked(
    database: Database,
    document: str,
    bounds: Bounds = Bounds(),  # noqa: B008
    *,
    compiled: bool = True,
    receive: Any = None,
    viewer: Viewer | None = None,
    variables: dict[str, Any] | None = None,
) -> tuple[int, dict[str, Any]]:
    """Status and body of an answer of /graphql."""
    context = context_of(database, viewer or READER, bounds=bounds)
    context.compiled = compiled
    view = GraphQLView(schema, lambda scope: context, 2**20)
    body = orjson.dumps({"query": document, "variables": variables})
    messages = [{"type": "http.request", "body": body}]
    headers = [(b"content-type", b"application/json"), (b"accept", b"application/graphql-response+json")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": [*headers, (COST_HEADER, b"1")]}
    sent: list[Any] = []

    async def receiving() -> Any:
        if messages:
            return messages.pop()
        await (receive or asyncio.Event().wait)()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await view(scope, receiving, send)
    return sent[0]["status"], orjson.loads(sent[1]["body"] or b"{}")


@pytest.fixture
async def filled(database: Database) -> Database:
    await fill(database, "x")
    return database


async def fill(database: Database, text: str) -> None:
    given = []
    for number in range(RUNS):
        trigger = {"kind": "manual", "data": {"text": text}}
        given += events(
            [report("execution.queued", at=number, workflow=f"flow {number}", trigger=trigger)], subject=f"{number}"
        )
    await Ingestion(database, SEALER).record(given)


BY = pytest.mark.parametrize("compiled", [True, False], ids=["plan", "core"])
SMALL = Bounds(cost=5_000, answer_bytes=1_000_000, errors=50)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (READS % aliases(7, "retryability { canRetry }"), "costs up to 5"),
        (READS % aliases(260, "id"), "costs up to 5"),
        (READS % ("...F " * 3) + " fragment F on Execution { " + aliases(260, "id") + " }", "costs up to 5"),
        (READS % aliases(7, "logs(first: -1) { nodes { id } }"), "costs up to"),
        ("{ workflows(first: 20) { nodes { executions(first: 5) { nodes { retries { id } } } } } }", "costs up to"),
        ("query ($n: Int) { executions(first: $n) { nodes { engine { name } id " + "a: id " * 60 + "} } }", ""),
        ("query ($n: Int) { executions(first: $n) { nodes { " + aliases(60, "id") + " } } }", "costs up to 6"),
        (
            '{ node(id: "x") { ... on Workflow { executions(first: 100) { nodes { attempt stepCount } } } } }',
            "costs up",
        ),
        ("{ __schema { types { " + aliases(20, "fields { name }") + " } } }", "costs up"),
        ("{ a: __schema { types { name } } b: __schema { types { name } } }", "2 times __schema"),
    ],
)
@BY
@before_any_statement
async def test_dear_operation_is_refused_before_it_reads(
    document: str, says: str, compiled: bool, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if says:
        monkeypatch.setattr(database, "fetch", None)
        monkeypatch.setattr(database, "fetch_long", None)
    status, body = await asked(database, document, SMALL, compiled=compiled, variables={"n": 100})
    if not says:
        assert status == 200, body
        return
    assert (status, "data" in body) == (400, False), body
    [error] = body["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert says in error["message"]
    assert "5000" in error["message"] or "may have 1" in error["message"]


@BY
async def test_large_answer_is_refused_before_it_is_written(compiled: bool, database: Database) -> None:
    await fill(database, "x" * LARGE)
    status, body = await asked(database, READS % "trigger { data }", SMALL, compiled=compiled)
    assert status == 200
    assert body["data"] is None
    [error] = body["errors"]
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED"}
    assert "1000000 bytes" in error["message"]
    # The text is one for all aliases, and so in nobody's memory twice.
    status, body = await asked(
        database, READS % f"trigger {{ {aliases(3, 'data')} }}", Bounds(answer_bytes=10_000_000), compiled=compiled
    )
    assert body["data"] is None
    status, body = await asked(database, READS % "trigger { data }", Bounds(answer_bytes=5_000_000), compiled=compiled)
    assert len(body["data"]["executions"]["nodes"]) == RUNS


@BY
async def test_many_short_texts_make_a_large_answer_too(compiled: bool, filled: Database) -> None:
    bounds = Bounds(answer_bytes=20_000)
    status, body = await asked(filled, READS % aliases(40, "id"), bounds, compiled=compiled)
    assert (status, body["data"]) == (200, None)
    assert "20000 bytes" in body["errors"][0]["message"]


@BY
async def test_fields_that_fail_end_an_operation(compiled: bool, filled: Database) -> None:
    one = "executions(first: 0) { nodes { id } }"
    status, body = await asked(filled, f"{{ {aliases(60, one)} }}", SMALL, compiled=compiled)
    assert (status, body["data"]) == (200, None)
    assert [error["message"] for error in body["errors"]] == ["More than 50 fields failed; request fewer of them"]
    status, body = await asked(filled, f"{{ engines {{ id }} {aliases(50, one)} }}", SMALL, compiled=compiled)
    assert len(body["errors"]) == 50
    assert body["data"]["engines"] is not None


@BY
async def test_what_is_there_beyond_the_estimate_is_counted(
    compiled: bool, filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list without a size is taken for ten rows."""
    monkeypatch.setattr("app.graphql.compiled.costs.USUAL_PAGE", 1)
    document = f"# {compiled}\n{{ executions {{ nodes {{ {aliases(90, 'id')} }} }} }}"
    status, body = await asked(filled, document, Bounds(cost=1_000), compiled=compiled)
    assert (status, body["data"]) == (200, None)
    assert "costs more than 1000" in body["errors"][0]["message"]


@BY
async def test_query_that_takes_too_long_ends(
    compiled: bool, filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = asyncio.Event()

    async def for_ever(*_: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(filled, "fetch", for_ever)
    status, body = await asked(filled, "{ engines { id } }", Bounds(seconds=0.05), compiled=compiled)
    assert (status, body["data"]) == (200, None)
    assert "longer than 0.05 s" in body["errors"][0]["message"]
    assert ended.is_set()


@BY
async def test_query_ends_with_its_client(compiled: bool, filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, ended = asyncio.Event(), asyncio.Event()

    async def for_ever(*_: Any) -> Any:
        reading.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(filled, "fetch", for_ever)
    monkeypatch.setattr("app.graphql.bounds.WATCHED_AFTER_SECONDS", 0.01)
    status, _ = await asked(filled, "{ engines { id } }", compiled=compiled, receive=reading.wait)
    assert status == 499
    assert ended.is_set()


async def test_mutation_goes_on_without_its_client_and_beyond_its_time(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But no further field of it begins."""
    began = 0

    async def slow(*_: Any) -> Any:
        nonlocal began
        began += 1
        await asyncio.sleep(0.1)
        return None

    mutation = schema._schema.mutation_type
    assert mutation is not None
    field = mutation.fields["revealTrigger"].extensions["strawberry-definition"]
    monkeypatch.setattr(field.base_resolver, "wrapped_func", lambda *_, **__: slow())
    document = 'mutation { a: revealTrigger(executionId: "x") b: revealTrigger(executionId: "x") }'
    monkeypatch.setattr("app.graphql.bounds.WATCHED_AFTER_SECONDS", 0.01)
    bounds, admin = Bounds(seconds=0.05), Viewer("a", Role.ADMIN)
    status, body = await asked(filled, document, bounds, receive=_at_once, viewer=admin)
    assert status == 200
    assert began == 1
    assert any("longer than 0.05 s" in error["message"] for error in body["errors"])
    assert {error["path"][0] for error in body["errors"] if "longer" in error["message"]} == {"b"}


async def _at_once() -> None:
    pass


@BY
async def test_answers_say_what_they_cost_if_asked(compiled: bool, filled: Database) -> None:
    _, body = await asked(filled, READS % "id attempt", compiled=compiled)
    cost = body["extensions"]["cost"]
    assert cost == {
        "estimated": 40 + 1 + RUNS * (1 + 40) - 39,
        "counted": 40 + 1 + RUNS * (1 + 40) - 39,
        "limit": 500_000,
        "errors": 0,
        "bytes": cost["bytes"],
    }


async def test_introspection_needs_reading_and_can_be_off(database: Database) -> None:
    document = "{ __schema { queryType { name } } }"
    runner = Viewer("engine", Role.RUNNER, "engine")
    for compiled in (True, False):
        _, body = await asked(database, document, compiled=compiled)
        assert body["data"] == {"__schema": {"queryType": {"name": "Query"}}}
        _, body = await asked(database, document, compiled=compiled, viewer=runner)
        assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]
        off = Bounds(introspection=False)
        _, body = await asked(database, document, off, compiled=compiled)
        assert body["errors"][0]["message"].startswith("Introspection is off")
        _, body = await asked(database, "{ __typename engine }", off, compiled=compiled)
        assert body["errors"][0]["message"] == "Cannot query field 'engine' on type 'Query'."
        _, body = await asked(database, "{ __typename engine }", compiled=compiled)
        assert "Did you mean 'engines'?" in body["errors"][0]["message"]


@BY
async def test_each_event_has_a_budget_of_its_own(compiled: bool, filled: Database) -> None:
    """The next one is executed whatever became of the last."""
    [[id_], *_] = await filled.fetch("SELECT id FROM executions ORDER BY queued_at DESC")
    execution = (await executions.by_ids(filled, [id_]))[id_]
    update = ExecutionUpdate.of(Update("c", Change.UPDATED, id_, execution, True))
    below = "workflow { executions(first: 20) { nodes { id } } }"
    document = parse(f"subscription {{ executionUpdated {{ execution {{ {below} }} }} }}")
    for cost, fails in ((100, False), (50, True)):
        context = context_of(filled, bounds=Bounds(cost=cost))
        context.compiled = compiled
        executor = executor_of(schema._schema, document, context, None, None)
        assert executor is not None
        for _ in range(3):
            context.forget()
            result = await executor.execute_event(update, context)
            if fails:
                assert result.data is None
                [error] = shown_all(result.errors or ())
                assert (error["path"], error["extensions"]["code"]) == (["executionUpdated"], "LIMIT_EXCEEDED")
            else:
                assert result.errors is None


async def test_a_subscription_is_priced_once(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it begins: its first event is that of many others, which would wait for all of their prices."""
    [id_] = [row[0] for row in await filled.fetch("SELECT id FROM executions LIMIT 1")]
    execution = (await executions.by_ids(filled, [id_]))[id_]
    update = ExecutionUpdate.of(Update("c", Change.UPDATED, id_, execution, True))
    context = context_of(filled)
    context.compiled = False
    times, really = 0, costs.price

    def counted(*given: Any) -> Any:
        nonlocal times
        times += 1
        return really(*given)

    monkeypatch.setattr("app.graphql.paced.price", counted)
    document = parse("subscription { executionUpdated { execution { id } } }")
    executor = executor_of(schema._schema, document, context, None, None)
    assert executor is not None
    assert times == 1
    for _ in range(2):
        context.forget()
        assert (await executor.execute_event(update, context)).errors is None
    assert times == 1


async def test_dear_events_of_a_token_are_executed_one_at_a_time(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty of them together would take all the connections, and everybody's turns."""
    [id_] = [row[0] for row in await filled.fetch("SELECT id FROM executions LIMIT 1")]
    execution = (await executions.by_ids(filled, [id_]))[id_]
    update = ExecutionUpdate.of(Update("c", Change.UPDATED, id_, execution, True))
    context = context_of(filled)

    async def event(document: str) -> ExecutionResult:
        executor = executor_of(schema._schema, parse(document), context, None, None)
        assert executor is not None
        context.forget()
        return await executor.execute_event(update, context)

    cheap = "subscription { executionUpdated { execution { id } } }"
    dear = "subscription { executionUpdated { execution { id state status } } }"
    monkeypatch.setattr(module, "DEAR_COST", 42)
    async with context.spending.alone():
        assert (await asyncio.wait_for(event(cheap), 30)).errors is None
        waiting = asyncio.create_task(event(dear))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.2)
    assert (await waiting).errors is None
