"""Operations over sockets of the whole application: queries, mutations, and logs that are followed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app import engines, main
from app.auth.roles import Role
from app.auth.tokens import create_token
from app.db import Database
from app.main import create_app
from app.settings import Settings
from resolvers.context import Context
from tests.app.graphql.sockets import connect, serving
from tests.app.reports import line, report, step
from tests.sealing import SEALER

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
VIEWER = "{ viewer { name } }"
FOLLOW = "subscription F($id: ID!, $after: String) { executionLogAppended(executionId: $id, after: $after) {%s} }"
LINES = FOLLOW % " cursor entry { message } "
UNKNOWN = "execution_" + "0" * 32


@pytest.fixture
async def url(database: Database) -> AsyncIterator[str]:
    async with serving(create_app(Settings(), database, SEALER)) as address:
        yield address


@pytest.fixture
async def token(database: Database) -> str:
    return (await create_token(database, "ada", Role.ADMIN))[0]


class Engine:
    """Reports through the door, as an engine does."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.replace("ws://", "http://").removesuffix("/graphql")
        self.headers = {"authorization": f"Bearer {token}"}

    async def report(self, *events: dict[str, Any]) -> None:
        headers = self.headers | {"content-type": "application/cloudevents-batch+json"}
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.url}/api/events", headers=headers, content=json.dumps(events))
        assert answer.json() == {"accepted": len(events), "rejected": []}, answer.text

    async def log(self) -> tuple[str, str]:
        """The only execution, and the place behind its log."""
        query = "{ executions { nodes { id logs { updatesCursor } } } }"
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.url}/graphql", headers=self.headers, json={"query": query})
        (node,) = answer.json()["data"]["executions"]["nodes"]
        return node["id"], node["logs"]["updatesCursor"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "BAD_USER_INPUT"),
        ("", "BAD_USER_INPUT"),
        ("# nothing", "BAD_USER_INPUT"),
        ("{ nothing }", "BAD_USER_INPUT"),
        ("{" + "a{" * 5_000, "BAD_USER_INPUT"),
        ("{" + "viewer { name } " * 5_000 + "}", "BAD_USER_INPUT"),
        ("query A { viewer { name } } query B { viewer { name } }", "BAD_USER_INPUT"),
        ("subscription { nothing }", "BAD_USER_INPUT"),
        ("mutation { nothing }", "BAD_USER_INPUT"),
        ("mutation {", "BAD_USER_INPUT"),
        ("query ($a: Int!) { viewer { name } }", "BAD_USER_INPUT"),
        (LINES.replace("F(", "F (").replace("$id: ID!", "$id: ID! = 1.5"), "BAD_USER_INPUT"),
        (LINES.replace("$id: ID!", f'$id: ID! = "{UNKNOWN}"'), "NOT_FOUND"),
        (LINES.replace("$id: ID!", '$id: ID! = "workflow_1"'), "NOT_FOUND"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_an_operation_that_is_refused_leaves_the_others(url: str, token: str, query: str, code: str) -> None:
    async with connect(url, token) as socket:
        await socket.init()
        for _ in range(2):
            await socket.subscribe("1", query)
            assert await socket.code() == code
        await socket.subscribe("1", VIEWER)
        await socket.only("1")


@pytest.mark.slow
async def test_queries_and_mutations(url: str, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connect(url, token) as socket:
        await socket.init()
        await socket.subscribe("q", "query Q($id: ID!) { node(id: $id) { id } }", id="x")
        assert await socket.only("q") == {"data": {"node": None}}
        await socket.subscribe("m", f'mutation {{ retryExecution(input: {{executionId: "{UNKNOWN}"}}) {{ created }} }}')
        result = await socket.only("m")
        assert result["data"] is None
        assert result["errors"][0]["extensions"]["code"] == "NOT_FOUND"

        async def fail(*_: object) -> list[engines.Engine]:
            raise RuntimeError("the password is hunter2")

        monkeypatch.setattr(engines, "list_engines", fail)
        await socket.subscribe("e", "{ engines { name } }")
        (error,) = (await socket.only("e"))["errors"]
        assert error["extensions"].keys() == {"code", "errorId"}
        monkeypatch.setattr("app.graphql.document.parse", fail)
        await socket.subscribe("p", "{ neverSeen: __typename }")
        assert await socket.code() == "INTERNAL"


async def test_each_operation_is_permitted_by_itself(database: Database, url: str) -> None:
    secret, _ = await create_token(database, "runner", Role.RUNNER, "galaxy")
    async with connect(url) as socket:
        await socket.init(secret)
        await socket.subscribe("1", LINES, id=UNKNOWN)
        assert await socket.code() == "FORBIDDEN"
        await socket.subscribe("2", "{ viewer { role } }")
        assert await socket.only("2") == {"data": {"viewer": {"role": "RUNNER"}}}


async def test_tokens_of_one_name_are_counted_apart(database: Database, token: str) -> None:
    other, _ = await create_token(database, "ada", Role.ADMIN)
    async with (
        serving(create_app(Settings(max_subscriptions_per_token=1), database, SEALER)) as url,
        connect(url, token) as one,
        connect(url, token) as same,
        connect(url, other) as another,
    ):
        engine = Engine(url, token)
        await engine.report(report("execution.started"))
        id_, cursor = await engine.log()
        await engine.report(line("1"))
        for socket, type_ in ((one, "next"), (same, "error"), (another, "next")):
            await socket.init()
            await socket.subscribe("1", LINES, id=id_, after=cursor)
            assert (await socket.next())["type"] == type_


async def test_each_operation_reads_anew(url: str, token: str) -> None:
    engine = Engine(url, token)
    await engine.report(report("execution.queued"))
    id_, _ = await engine.log()
    async with connect(url, token) as socket:
        await socket.init()
        query = "query Q($id: ID!) { execution(id: $id) { status } }"
        await socket.subscribe("1", query, id=id_)
        assert await socket.only("1") == {"data": {"execution": {"status": "PENDING"}}}
        await engine.report(report("execution.finished", at=1, state="SUCCEEDED"))
        await socket.subscribe("2", query, id=id_)
        assert await socket.only("2") == {"data": {"execution": {"status": "SUCCESS"}}}


async def test_operations_of_a_socket_share_neither_loaders_nor_budget_nor_deadline(
    database: Database, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is asked for while the one before it waits; together they cost more than one may."""
    contexts, waiting, released = list[Context](), asyncio.Event(), asyncio.Event()

    class Recorded(Context):
        def __post_init__(self) -> None:
            super().__post_init__()
            contexts.append(self)

    async def slow(*_: object) -> list[engines.Engine]:
        waiting.set()
        await released.wait()
        return []

    monkeypatch.setattr(main, "Context", Recorded)
    monkeypatch.setattr(engines, "list_engines", slow)
    settings = Settings(max_operation_cost=1_000)
    async with serving(main.create_app(settings, database, SEALER)) as url, connect(url, token) as socket:
        await socket.init()
        contexts.clear()
        for id_ in "abc":
            waiting.clear()
            await socket.subscribe(id_, f"{{ {' '.join(f'a{number}: engines {{ name }}' for number in range(9))} }}")
            async with asyncio.timeout(30):
                await waiting.wait()
        spendings = [each.spending for each in contexts]
        ends = [each.ends for each in spendings]
        assert len({*map(id, spendings)}) == len({*(id(each.loaders) for each in contexts)}) == len({*ends}) == 3
        released.set()
        messages = [await socket.next() for _ in range(6)]
    assert [len(each["payload"]["data"]) for each in messages if each["type"] == "next"] == [9] * 3
    (estimated,) = {each.estimated.fields for each in spendings}
    assert settings.max_operation_cost < 3 * estimated
    assert [each.ends for each in spendings] == ends


@pytest.mark.parametrize("introspection", [True, False])
async def test_names_are_suggested_where_clients_may_ask_for_the_schema(
    database: Database, token: str, introspection: bool
) -> None:
    app = create_app(Settings(graphql_introspection=introspection), database, SEALER)
    async with serving(app) as url, connect(url, token) as socket:
        await socket.init()
        for query, variables in (
            ("{ engine { name } }", {}),
            ("{ executions(firs: 1) { nodes { id } } }", {}),
            ("{ executions(filter: {statu: FAILURE}) { nodes { id } } }", {}),
            ("{ executions(filter: {status: FAILUR}) { nodes { id } } }", {}),
            ("query ($f: ExecutionFilte) { executions(filter: $f) { nodes { id } } }", {}),
            ("query ($f: ExecutionFilter) { executions(filter: $f) { nodes { id } } }", {"f": {"status": ["FAILUR"]}}),
            ("{ node(id: 1) { name } }", {}),
            ("mutation { retryExecutio { id } }", {}),
            ("subscription { executionUpdate { cursor } }", {}),
            ("subscription ($f: ExecutionFilter) { executionUpdated(filter: $f) { cursor } }", {"f": {"statu": []}}),
        ):
            await socket.subscribe("1", query, **variables)
            message = await socket.next()
            assert message["type"] == "error"
            assert ("Did you mean" in json.dumps(message["payload"])) is introspection, message


async def test_a_log_is_followed(url: str, token: str) -> None:
    engine = Engine(url, token)
    await engine.report(report("execution.started"), line("0"))
    id_, cursor = await engine.log()
    await engine.report(line("1"), line("2"))
    async with connect(url, token) as socket:
        await socket.init()
        await socket.subscribe("a", LINES, id=id_, after=cursor)
        seen = [(await socket.next())["payload"]["data"]["executionLogAppended"] for _ in range(2)]
        await engine.report(line("3"))
        seen.append((await socket.next())["payload"]["data"]["executionLogAppended"])
        assert [update["entry"]["message"] for update in seen] == ["1", "2", "3"]
        await socket.subscribe("b", LINES, id=id_, after=seen[0]["cursor"])
        for message in ("2", "3"):
            update = await socket.next()
            assert update["id"] == "b"
            assert update["payload"]["data"]["executionLogAppended"]["entry"]["message"] == message
        # The same id may be used again as soon as the operation is over, and not before.
        await socket.send("complete", "b")
        await socket.subscribe("b", LINES, id=id_, after=cursor)
        for message in ("1", "2", "3"):
            assert (await socket.next())["payload"]["data"]["executionLogAppended"]["entry"]["message"] == message
        await socket.subscribe("b" * 200, VIEWER)
        await socket.only("b" * 200)
        await socket.subscribe("b", VIEWER)
        assert (await socket.end())[0] == 4409


async def test_a_step_is_read_anew_for_each_line(url: str, token: str) -> None:
    engine = Engine(url, token)
    await engine.report(report("execution.started"))
    id_, cursor = await engine.log()
    async with connect(url, token) as socket:
        await socket.init()
        await socket.subscribe("1", FOLLOW % "entry { step { name } }", id=id_, after=cursor)
        await engine.report(line("1", step=0))
        steps = [(await socket.next())["payload"]["data"]["executionLogAppended"]["entry"]["step"]]
        await engine.report(step("started", 0))
        await engine.report(line("2", step=0))
        steps.append((await socket.next())["payload"]["data"]["executionLogAppended"]["entry"]["step"])
        assert steps == [None, {"name": "step 0"}]


async def test_over_plain_http(url: str, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers) as client:
        answer = await client.post(url.replace("ws:", "http:"), json={"query": LINES, "variables": {"id": UNKNOWN}})
        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "WebSocket" in error["message"]


async def test_the_server_ends(database: Database, token: str) -> None:
    async with serving(create_app(Settings(), database, SEALER)) as url:
        opened = connect(url, token)
        socket = await opened.__aenter__()
        await socket.init()
        await Engine(url, token).report(report("execution.started"))
        await socket.subscribe("1", LINES, id=(await Engine(url, token).log())[0])
        await socket.send("ping")
        await socket.next()
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 3
    assert (await socket.end())[0] == 1012
    await opened.__aexit__(None, None, None)
