"""Followers receive news as it happens, with the clients that people use; nothing is lost or repeated."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import websockets
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from specs.clients import Node
from specs.harness.driver import Runwatch, Server, event, run_events, unique

FOLLOW = """
subscription Follow($id: ID!, $after: String) {
  executionLogAppended(executionId: $id, after: $after) { cursor entry { message level step { name } } }
}
"""
RUN = """
query Run($e: [String!]) {
  executions(filter: {engine: $e}) { nodes { id logs { updatesCursor nodes { message } } } }
}
"""
UNKNOWN = "execution_" + "0" * 32


def url_of(runwatch: Runwatch) -> str:
    """Where its sockets are."""
    return runwatch.url.replace("http", "ws", 1) + "/graphql"


def written(engine: str, number: int, more: str = "") -> dict[str, Any]:
    """A log line that says its number."""
    data = {"level": "INFO", "message": f"{number}{more}"}
    return event(engine, "r", "log.written", 10 + number, data, id=f"line {number}")


async def run_of(runwatch: Runwatch, engine: str) -> tuple[str, str, list[str]]:
    """The engine's only run: its id, the place behind its log, and the lines before that."""
    (node,) = (await runwatch.query(RUN, {"e": [engine]}))["executions"]["nodes"]
    return node["id"], node["logs"]["updatesCursor"], [line["message"] for line in node["logs"]["nodes"]]


@asynccontextmanager
async def session(runwatch: Runwatch) -> AsyncIterator[Any]:
    """A session of gql over a socket that signs in by its first message."""
    transport = WebsocketsTransport(url_of(runwatch), init_payload={"authorization": f"Bearer {runwatch.admin}"})
    async with Client(transport=transport, fetch_schema_from_transport=False) as opened:
        yield opened


def followed(session: Any, id_: str, after: str | None) -> Any:
    """The updates of a log; to be closed."""
    request = gql(FOLLOW)
    request.variable_values = {"id": id_, "after": after}
    return session.subscribe(request)


@asynccontextmanager
async def socket(
    runwatch: Runwatch, token: str | None = None, subprotocol: str = "graphql-transport-ws"
) -> AsyncIterator[ClientConnection]:
    """A bare socket; with a token, signed in."""
    async with websockets.connect(
        url_of(runwatch), subprotocols=[Subprotocol(subprotocol)], proxy=None, close_timeout=2
    ) as connection:
        if token is not None:
            payload = {"authorization": f"Bearer {token}"}
            await connection.send(json.dumps({"type": "connection_init", "payload": payload}))
            assert await said(connection) == {"type": "connection_ack"}
        yield connection


async def said(connection: ClientConnection) -> Any:
    """The next message."""
    async with asyncio.timeout(15):
        return json.loads(await connection.recv())


async def subscribe(connection: ClientConnection, id_: str, query: str, **variables: Any) -> None:
    """Ask for an operation."""
    payload = {"query": query, "variables": variables}
    await connection.send(json.dumps({"type": "subscribe", "id": id_, "payload": payload}))


async def code_of(connection: ClientConnection) -> int:
    """The code that the server closes the socket with; 1006: it did not say."""
    async with asyncio.timeout(15):
        with suppress(websockets.ConnectionClosedError):
            async for _ in connection:
                pass
    assert connection.close_code is not None
    return connection.close_code


async def test_socket_001_a_running_executions_log(runwatch: Runwatch) -> None:
    """From a page's cursor on, and again from an update's, every line MUST arrive once while more are written."""
    engine, total = unique("live"), 300
    runwatch.report(*run_events(engine, "r", 0, state=None), *(written(engine, number) for number in range(5)))
    id_, cursor, before = await run_of(runwatch, engine)
    assert before == ["0", "1", "2", "3", "4"]
    step = {"index": 0, "name": "extract"}
    runwatch.report(event(engine, "r", "step.started", 2, {"step": step}))

    async def go_on() -> None:
        for start in range(5, total, 5):
            lines = [written(engine, number) for number in range(start, start + 5)]
            await asyncio.to_thread(runwatch.report, *lines)

    reporting = asyncio.create_task(go_on())
    seen: list[str] = []
    while len(seen) < total - 5:  # over several sockets, each cut somewhere
        async with session(runwatch) as opened, asyncio.timeout(60):
            stream = followed(opened, id_, cursor)
            async for data in stream:
                update = data["executionLogAppended"]
                cursor = update["cursor"]
                seen.append(update["entry"]["message"])
                if len(seen) in (70, 71, 180, total - 5):
                    break
            await stream.aclose()
    await reporting
    assert seen == [str(number) for number in range(5, total)]


async def test_socket_002_many_things_over_one_socket(runwatch: Runwatch) -> None:
    """Several followers and a query share a socket; one that fails or ends MUST NOT disturb the others."""
    engine = unique("live")
    runwatch.report(*run_events(engine, "r", 0, state=None), written(engine, 0))
    id_, cursor, _ = await run_of(runwatch, engine)
    runwatch.report(written(engine, 1))
    async with session(runwatch) as opened, asyncio.timeout(60):
        first, second = followed(opened, id_, cursor), followed(opened, id_, cursor)
        for stream in (first, second):
            assert (await anext(stream))["executionLogAppended"]["entry"]["message"] == "1"
        for id_wrong in (UNKNOWN, "nonsense", ""):
            with pytest.raises(TransportQueryError, match="NOT_FOUND"):
                await anext(followed(opened, id_wrong, None))
        with pytest.raises(TransportQueryError, match="BAD_USER_INPUT"):
            await anext(followed(opened, id_, "nonsense"))
        assert (await opened.execute(gql("{ viewer { role } }")))["viewer"] == {"role": "ADMIN"}
        await first.aclose()
        runwatch.report(written(engine, 2))
        assert (await anext(second))["executionLogAppended"]["entry"]["message"] == "2"
        await second.aclose()


@pytest.mark.parametrize("client", ["graphql-ws", "urql", "apollo"])
async def test_socket_003_clients_of_browsers(runwatch: Runwatch, node: Node, client: str) -> None:
    """The JavaScript clients MUST follow a log, and give up when their credentials are not valid."""
    engine = unique("live")
    runwatch.report(*run_events(engine, "r", 0, state=None))
    id_, cursor, _ = await run_of(runwatch, engine)
    runwatch.report(written(engine, 0))
    process = node.start("follow.mjs", client, url_of(runwatch), runwatch.admin, id_, cursor, "3")
    try:
        assert process.stdout is not None
        assert [process.stdout.readline().strip() for _ in range(2)] == ["started", "0"]
        runwatch.report(written(engine, 1), written(engine, 2))
        output, _ = process.communicate(timeout=30)
        assert output.split() == ["1", "2", "ended"]
    finally:
        process.kill()
        process.wait()
    refused = node.start("follow.mjs", client, url_of(runwatch), "nonsense", id_, cursor, "3")
    output, _ = refused.communicate(timeout=30)
    assert output.startswith("closed 4401")


async def test_socket_004_nobody_sees_anything_unasked_for(runwatch: Runwatch) -> None:
    """Without valid credentials the socket MUST be closed with 4401, and execute nothing before."""
    for payload in ({}, {"authorization": "nonsense"}, {"authorization": "Bearer rw_aaaaaaaa_" + "a" * 32}):
        async with socket(runwatch) as connection:
            await connection.send(json.dumps({"type": "connection_init", "payload": payload}))
            assert await code_of(connection) == 4401
    async with socket(runwatch) as connection:
        await subscribe(connection, "1", "{ viewer { name } }")
        assert await code_of(connection) == 4401
    runner = runwatch.token("runner", unique("engine"))
    async with socket(runwatch, runner) as connection:
        await subscribe(connection, "1", FOLLOW, id=UNKNOWN)
        message = await said(connection)
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "FORBIDDEN")
    short = runwatch.cli("token", "create", "--role", "viewer", "--name", unique("short"), "--days", "0.00003")
    async with socket(runwatch, short) as connection:  # 2.6 s
        assert await code_of(connection) == 4403


async def test_socket_005_at_most_fifty_operations(runwatch: Runwatch) -> None:
    """The 51st operation MUST be refused, and the others MUST continue."""
    engine = unique("live")
    runwatch.report(*run_events(engine, "r", 0, state=None))
    id_, cursor, _ = await run_of(runwatch, engine)
    async with socket(runwatch, runwatch.admin) as connection:
        for number in range(51):
            await subscribe(connection, str(number), FOLLOW, id=id_, after=cursor)
        message = await said(connection)
        assert (message["id"], message["type"]) == ("50", "error")
        assert message["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
        runwatch.report(written(engine, 0))
        assert {(await said(connection))["id"] for _ in range(50)} == {str(number) for number in range(50)}


async def test_socket_006_garbage_is_told_so(runwatch: Runwatch) -> None:
    """A malformed frame MUST close the socket with a code that says what is wrong."""
    for subprotocol in ("graphql-ws", "nonsense"):
        async with socket(runwatch, subprotocol=subprotocol) as connection:
            assert await code_of(connection) == 4406
    frames: list[tuple[str | bytes, int]] = [
        ("nonsense", 4400),
        ("null", 4400),
        ("[" * 100_000, 4400),
        ('{"type": "\\ud800"}', 4400),
        ('{"type": "complete", "id": 1}', 4400),
        ('{"type": "' + "x" * 1000 + '"}', 4400),
        (json.dumps({"type": "subscribe", "id": "x" * 100_000, "payload": {"query": "{ a }"}}), 4400),
        (b"\xff", 4400),
        ("x" * 3_000_000, 1009),
        ('{"type": "connection_init"}', 4429),
    ]
    for frame, code in frames:
        async with socket(runwatch, runwatch.admin) as connection:
            await connection.send(frame)
            assert await code_of(connection) == code, frame[:40]
    async with socket(runwatch, runwatch.admin) as connection:
        for query in ("{", "{ nothing }", "subscription { nothing }", "", "{a" * 10_000):
            await subscribe(connection, "1", query)
            message = await said(connection)
            assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "BAD_USER_INPUT")
        await connection.send('{"type": "ping", "payload": {"a": 1}}')
        assert await said(connection) == {"type": "pong", "payload": {"a": 1}}


async def test_socket_007_the_server_ends(tmp_path: Path) -> None:
    """Open sockets, even of clients that do not read, MUST end with the server within seconds; clients may return."""
    server = Server(tmp_path, "")
    server.start()
    runwatch = Runwatch(server.url, "", server.environment)
    runwatch.admin = runwatch.token("admin")
    engine = unique("live")
    runwatch.report(*run_events(engine, "r", 0, state=None))
    id_, cursor, _ = await run_of(runwatch, engine)
    runwatch.report(*(written(engine, number, "x" * 60_000) for number in range(100)))
    async with socket(runwatch, runwatch.admin) as reader, socket(runwatch, runwatch.admin) as deaf:
        await subscribe(reader, "1", FOLLOW, id=id_)
        deaf.transport.pause_reading()
        await subscribe(deaf, "1", FOLLOW, id=id_, after=cursor)
        await asyncio.sleep(0.5)
        async with asyncio.timeout(6):
            # uvicorn ends by the signal that it was sent.
            assert await asyncio.to_thread(server.stop, signal.SIGTERM) in (0, -signal.SIGTERM), server.log
        assert await code_of(reader) == 1012
        deaf.transport.resume_reading()
        await code_of(deaf)  # closed or cut, but over
    runwatch.close()
    assert "Traceback" not in server.log
