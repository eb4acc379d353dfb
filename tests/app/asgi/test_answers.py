"""Every door refuses in one form, byte for byte: clients and proxies match on it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
import websockets
from starlette.types import Receive, Scope, Send

from app import engines
from app.asgi.request_log import RequestLog
from app.auth import Role, SignIn
from app.db import Database
from app.graphql.sockets import Limits
from app.http.gate import SignInGate
from app.server.http_protocol import MAX_HEAD_BYTES, Arriving, HttpProtocol
from app.settings import Settings
from tests.app.client import client_of
from tests.app.graphql.sockets import connect
from tests.app.graphql.stubs import Stub, sockets_of
from tests.app.http.gates import serving
from tests.app.server.talking import POST, echo, send

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

JSON = {"content-type": "application/json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
MASKED = "Internal error; the server's log has the details under the errorId"


def body(message: str, code: str, **details: str) -> bytes:
    """Written by hand: the tests are about the code that makes bodies."""
    more = "".join(f',"{name}":"{value}"' for name, value in details.items())
    return f'{{"errors":[{{"message":"{message}","extensions":{{"code":"{code}"{more}}}}}]}}'.encode()


def indented(message: str, code: str) -> bytes:
    """As the index answers, which people read in a browser."""
    return (
        '{\n  "errors": [\n    {\n'
        f'      "message": "{message}",\n      "extensions": {{\n        "code": "{code}"\n      }}\n'
        "    }\n  ]\n}"
    ).encode()


def forbidden(permission: str, role: str) -> bytes:
    return body(f"Needs the permission {permission}, which the role {role} lacks", "FORBIDDEN")


FORMS = (
    "application/cloudevents+json, application/cloudevents-batch+json, application/x-ndjson,"
    " or application/json with the headers ce-id, ce-type, …"
)
BY_SOCKET = "Subscribe over a WebSocket with the subprotocol graphql-transport-ws"
# Method, path, headers and body of a viewer's request, and the answer.
REFUSALS: dict[str, tuple[tuple[str, str, dict[str, str], bytes], tuple[int, bytes]]] = {
    "no JSON": (
        ("POST", "/graphql", JSON, b"{"),
        (400, body("The body is not JSON: unexpected end of data", "BAD_USER_INPUT")),
    ),
    "no JSON type": (
        ("POST", "/graphql", {"content-type": "text/plain"}, b""),
        (415, body("Send application/json, not text/plain", "BAD_USER_INPUT")),
    ),
    "too long": (
        ("POST", "/graphql", JSON, b" " * 1025),
        (413, body("The body has 1025 bytes; at most 1024 are allowed", "LIMIT_EXCEEDED")),
    ),
    "mutation by GET": (
        ("GET", "/graphql?query=mutation%7Ba%7D", {}, b""),
        (405, body("Send mutations by POST", "BAD_USER_INPUT")),
    ),
    "subscription by POST": (
        ("POST", "/graphql", JSON, b'{"query":"subscription{a}"}'),
        (400, body(BY_SOCKET, "BAD_USER_INPUT")),
    ),
    "no permission": (("POST", "/api/events", BATCH, b"[]"), (403, forbidden("REPORT", "VIEWER"))),
    "no permission, and nothing right": (
        ("POST", "/api/events", {"content-type": "text/plain"}, b"{" * 2_000_000),
        (403, forbidden("REPORT", "VIEWER")),
    ),
    "no path": (
        ("GET", "/nothing", {}, b""),
        (404, indented("Nothing is served at /nothing; GET / lists every endpoint", "NOT_FOUND")),
    ),
    "no method": (
        ("PUT", "/health", {}, b""),
        (405, indented("PUT is not allowed here; GET / lists every endpoint", "BAD_USER_INPUT")),
    ),
}
EVENTS: dict[str, tuple[tuple[dict[str, str], bytes], tuple[int, bytes]]] = {
    "no type": ((JSON, b"[]"), (415, body(f"Send one of {FORMS}", "BAD_USER_INPUT"))),
    "too long": (
        (BATCH, b" " * 1025),
        (413, body("The body has 1025 bytes; at most 1024 are allowed", "LIMIT_EXCEEDED")),
    ),
    "foreign": (
        (BATCH, b'[{"specversion":"1.0","id":"1","source":"b","type":"execution.queued","subject":"s"'
        b',"time":"2026-01-31T12:00:00Z","data":{"workflow":"w"}}]'),
        (403, body("This token may only report for the engine 'a'", "FORBIDDEN")),
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _one_error_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "e1")


@pytest.fixture
async def viewer(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(database, max_graphql_body_bytes=1024) as opened:
        yield opened


@pytest.fixture
async def runner(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(database, Role.RUNNER, "a", max_events_body_bytes=1024) as opened:
        yield opened


@on_sqlite
@pytest.mark.parametrize(("request_", "expected"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_refusals(viewer: httpx.AsyncClient, request_: Any, expected: tuple[int, bytes]) -> None:
    method, path, headers, content = request_
    answer = await viewer.request(method, path, headers=headers, content=content)
    assert (answer.status_code, answer.content) == expected
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    if expected[0] == 405:
        assert answer.headers["allow"]


@on_sqlite
@pytest.mark.parametrize(("request_", "expected"), EVENTS.values(), ids=EVENTS.keys())
async def test_refusals_of_events(runner: httpx.AsyncClient, request_: Any, expected: tuple[int, bytes]) -> None:
    headers, content = request_
    answer = await runner.post("/api/events", headers=headers, content=content)
    assert (answer.status_code, answer.content) == expected


@on_sqlite
async def test_events_that_cannot_be_stored(
    database: Database, runner: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> Any:
        raise OSError("hunter2")

    monkeypatch.setattr(database, "transaction", fail)
    event = EVENTS["foreign"][0][1].replace(b'"b"', b'"a"')
    answer = await runner.post("/api/events", headers=BATCH, content=event)
    expected = body("Could not store the events; send them again", "INTERNAL", errorId="e1")
    assert (answer.status_code, answer.content, answer.headers["retry-after"]) == (503, expected, "1")


@on_sqlite
async def test_an_unexpected_failure_before_execution(
    viewer: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr("app.graphql.document.parse", fail)
    answer = await viewer.post("/graphql", json={"query": "{ neverSeen: __typename }"})
    assert (answer.status_code, answer.content) == (500, body(MASKED, "INTERNAL", errorId="e1"))


@on_sqlite
async def test_an_error_of_a_field(viewer: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("hunter2")

    where = '"locations":[{"line":1,"column":3}],"path":["%s"]'
    refused = await viewer.post("/graphql", json={"query": "{ auditLog { nodes { id } } }"})
    assert refused.content == b'{"data":{"auditLog":null},' + forbidden("READ_AUDIT", "VIEWER")[1:].replace(
        b'"extensions"', (where % "auditLog").encode() + b',"extensions"'
    )
    monkeypatch.setattr(engines, "list_engines", fail)
    failed = await viewer.post("/graphql", json={"query": "{ engines { id } }"})
    assert failed.content == b'{"data":{"engines":null},' + body(MASKED, "INTERNAL", errorId="e1")[1:].replace(
        b'"extensions"', (where % "engines").encode() + b',"extensions"'
    )


@on_sqlite
async def test_anonymous_requests(database: Database) -> None:
    async with client_of(database, None) as client:
        for path in ("/graphql", "/api/events", "/api/nothing"):
            answer = await client.post(path)
            expected = body("Sign in with the header Authorization: Bearer <token>", "UNAUTHENTICATED")
            assert (answer.status_code, answer.content) == (401, expected)
            assert answer.headers["www-authenticate"] == 'Bearer realm="runwatch"'


async def test_uncaught_exceptions() -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("hunter2")

    async with httpx.AsyncClient(transport=httpx.ASGITransport(RequestLog(fail)), base_url="http://test") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.content) == (500, body(MASKED, "INTERNAL", errorId="e1"))
    assert answer.headers["content-type"] == "application/json"


async def test_malformed_requests() -> None:
    async with serving(echo, partial(HttpProtocol, arriving=Arriving(10, 30))) as port:
        assert await send(port, b"BREW / HTTP/1.1\r\n\r\n") == (
            400,
            body("Invalid HTTP request received.", "BAD_USER_INPUT"),
        )
        message = f"Request line and headers: at most {MAX_HEAD_BYTES} bytes"
        size = MAX_HEAD_BYTES - len(POST) - len(b"x: \r\n") + 1
        assert await send(port, POST + b"x: " + b"x" * size + b"\r\n") == (431, body(message, "LIMIT_EXCEEDED"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("refused", body("no", "BAD_USER_INPUT")),
        ("bug", body(MASKED, "INTERNAL", errorId="e1")),
        ("one", body("At most 0 operations on all WebSockets of the server", "LIMIT_EXCEEDED")),
    ],
)
async def test_operations_on_sockets(query: str, expected: bytes) -> None:
    limits = Limits(operations_of_all=0) if query == "one" else Limits()
    async with sockets_of(Stub(), limits) as url, connect(url) as socket:
        await socket.init()
        await socket.subscribe("1", query)
        text = await socket.connection.recv(decode=False)
    errors = expected.removeprefix(b'{"errors":').removesuffix(b"}")
    assert text == b'{"id":"1","type":"error","payload":' + errors + b"}"


@on_sqlite
async def test_a_socket_that_is_not_served(database: Database) -> None:
    sign_in = SignIn(database, Settings())
    async with serving(SignInGate(echo, sign_in)) as port:
        with pytest.raises(websockets.InvalidStatus) as raised:
            await websockets.connect(f"ws://127.0.0.1:{port}/graphql", proxy=None)
    await sign_in.close()
    answer = raised.value.response
    assert (answer.status_code, answer.body) == (401, body("No WebSocket endpoint here", "UNAUTHENTICATED"))
