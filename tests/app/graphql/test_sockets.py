"""Sockets of the whole application: sign-in, and how they end when something is wrong."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import websockets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.auth import SignIn
from app.auth.roles import Role
from app.auth.tokens import create_token
from app.db import Database
from app.errors import Unauthenticated
from app.main import create_app
from app.settings import Settings
from specs.harness.counts import count
from tests.app.auth.issuer import jwt_settings, key_server, rsa_key, sign
from tests.app.graphql.sockets import connect, serving
from tests.sealing import SEALER

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
VIEWER = "{ viewer { name } }"


@pytest.fixture
async def url(database: Database) -> AsyncIterator[str]:
    async with serving(create_app(Settings(), database, SEALER)) as address:
        yield address


@pytest.fixture
async def token(database: Database) -> str:
    return (await create_token(database, "ada", Role.ADMIN))[0]


@pytest.mark.parametrize("spelling", ["authorization", "Authorization"])
async def test_signed_in_by_the_first_message(url: str, token: str, spelling: str) -> None:
    async with connect(url) as socket:
        assert socket.connection.subprotocol == "graphql-transport-ws"
        await socket.send("connection_init", payload={spelling: f"Bearer {token}", "more": 1})
        assert await socket.next() == {"type": "connection_ack"}
        await socket.subscribe("1", VIEWER)
        assert await socket.only("1") == {"data": {"viewer": {"name": "ada"}}}


@pytest.mark.parametrize("payload", [{}, {"payload": None}, {"payload": {}}, {"payload": {"authorization": "x"}}])
async def test_signed_in_by_the_upgrade_request(url: str, token: str, payload: dict[str, Any]) -> None:
    async with connect(url, token) as socket:
        await socket.raw(json.dumps({"type": "connection_init", **payload}))
        assert await socket.next() == {"type": "connection_ack"}


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"authorization": None},
        {"authorization": 1},
        {"authorization": ["Bearer x"]},
        {"authorization": ""},
        {"authorization": "Bearer rw_aaaaaaaa_" + "a" * 32},
        {"authorization": "Bearer " + "ä" * 10_000},
        {"token": "x"},
    ],
)
async def test_socket_without_credentials_is_closed(url: str, payload: Any) -> None:
    async with connect(url) as socket:
        await socket.send("connection_init", payload=payload)
        code, reason = await socket.end()
        assert code == 4401
        assert reason


async def test_a_wrong_header_is_not_made_good(url: str, token: str) -> None:
    async with connect(url, "nonsense") as socket:
        await socket.send("connection_init", payload={"authorization": f"Bearer {token}"})
        assert (await socket.end())[0] == 4401


async def test_operations_before_the_sign_in_are_not_executed(
    url: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect(url, token) as socket:
        await socket.subscribe("1", VIEWER)
        assert (await socket.end())[0] == 4401

    async def slow(*_: Any) -> Any:
        await asyncio.sleep(60)

    monkeypatch.setattr(SignIn, "viewer_of", slow)
    async with connect(url, token) as socket:
        await socket.send("connection_init")
        await socket.subscribe("1", VIEWER)
        assert (await socket.end())[0] == 4401
    async with connect(url, token) as socket:
        await socket.send("connection_init")
        await socket.send("connection_init")
        assert (await socket.end())[0] == 4429


@pytest.mark.parametrize("error", [OSError("the database is gone"), Unauthenticated("x" * 200)])
async def test_a_sign_in_that_fails(url: str, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(SignIn, "viewer_of", fail)
    async with connect(url) as socket:
        await socket.send("connection_init")
        code, reason = await socket.end()
        assert code == (4401 if isinstance(error, Unauthenticated) else 1013)
        assert "gone" not in reason


@pytest.mark.parametrize("where", ["first message", "upgrade request"])
async def test_issuer_that_is_away_has_clients_come_back(database: Database, where: str) -> None:
    """It says nothing of the token, so it must not make them give up."""
    async with key_server() as issuer:
        issuer.status = "500 Broken"
        settings = jwt_settings(jwt_algorithms="RS256", jwt_jwks_url=issuer.url)
        token = sign(rsa_key(), "RS256", "a")
        payload, header = ({"authorization": f"Bearer {token}"}, None) if where == "first message" else (None, token)
        async with serving(create_app(settings, database, SEALER)) as url, connect(url, header) as socket:
            await socket.send("connection_init", payload=payload)
            assert (await socket.end())[0] == 1013


async def test_a_second_init(url: str, token: str) -> None:
    async with connect(url, token) as socket:
        await socket.init()
        await socket.send("connection_init")
        assert (await socket.end())[0] == 4429


@pytest.mark.slow
async def test_a_sign_in_that_expires(database: Database, url: str) -> None:
    secret, _ = await create_token(database, "short", Role.VIEWER, expires_in=timedelta(seconds=1))
    async with connect(url) as socket:
        await socket.init(secret)
        await socket.subscribe("1", VIEWER)
        await socket.only("1")
        assert (await socket.end())[0] == 4403
    async with connect(url) as socket:
        await socket.send("connection_init", payload={"authorization": f"Bearer {secret}"})
        assert (await socket.end())[0] == 4401


@pytest.mark.parametrize("subprotocols", [(), ("graphql-ws",), ("x" * 200, "b"), ("soap", "graphql-ws")])
async def test_another_subprotocol(url: str, token: str, subprotocols: tuple[str, ...]) -> None:
    async with connect(url, token, subprotocols) as socket:
        assert (await socket.end())[0] == 4406


async def test_the_subprotocol_among_others(url: str, token: str) -> None:
    async with connect(url, token, ("graphql-ws", "graphql-transport-ws")) as socket:
        await socket.init()


async def test_another_path(url: str, caplog: pytest.LogCaptureFixture) -> None:
    for path in ("/", "/api/events", "/graphql/", "/nothing"):
        with pytest.raises(websockets.InvalidStatus) as raised:
            await websockets.connect(url.removesuffix("/graphql") + path, proxy=None)
        assert raised.value.response.status_code == 401
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", 4400),
        ("nonsense", 4400),
        ("null", 4400),
        ("[]", 4400),
        ("9" * 5000, 4400),
        ("[" * 500_000, 4400),
        ('{"type": "\\ud800"}', 4400),
        ('{"type": "ping", "payload": "x"}', 4400),
        ('{"type": "start"}', 4400),
        ('{"type": "complete", "id": 1}', 4400),
        (b"\x00\xff", 4400),
        (b'{"type": "connection_init"}', 4400),
        (b"", 4400),
        ("x" * 1_000_000, 4400),
        ("x" * 5_000_000, 1009),
        (b"x" * 5_000_000, 1009),
    ],
    ids=lambda value: str(value)[:30],
)
@pytest.mark.parametrize("signed_in", [False, True])
async def test_garbage(url: str, token: str, frame: str | bytes, code: int, signed_in: bool) -> None:
    async with connect(url, token) as socket, connect(url, token) as bystander:
        await bystander.init()
        if signed_in:
            await socket.init()
        await socket.raw(frame)
        if len(frame) < 1_000_000:
            await socket.raw("{}")  # what follows must not spoil the end
        found, reason = await socket.end()
        assert found == code
        assert len(reason.encode()) <= 123
        await bystander.subscribe("1", VIEWER)
        await bystander.only("1")


@pytest.mark.slow
async def test_text_that_is_no_utf_8(url: str, token: str, caplog: pytest.LogCaptureFixture) -> None:
    for frames in (b'{"type": "\xff"}', [b'{"type": "', b"\xe2\x82", b'"}']):
        async with connect(url, token) as socket:
            await socket.connection.send(frames, text=True)
            assert (await socket.end())[0] == 1007
    async with connect(url, token) as socket:
        await socket.connection.send([b'{"type": "ping", "payload": {"a": "\xe2', b"\x82", b'\xac"}}'], text=True)
        assert await socket.next() == {"type": "pong", "payload": {"a": "€"}}
    # It is the client's affair, and no client may fill the log with stack traces.
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


MESSAGES = st.sampled_from(
    [
        '{"type":"connection_init","payload":{"authorization":"Bearer x"}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{ viewer { name } }","variables":{},"operationName":null}}',
        '{"type":"subscribe","id":"2","payload":{"query":"subscription { executionUpdated { change } }"}}',
        '{"type":"complete","id":"2"}',
        '{"type":"ping","payload":{}}',
    ]
)
FRAMES = (
    MESSAGES
    | st.binary(max_size=60)
    | st.text(max_size=30)
    | st.tuples(MESSAGES, st.integers(0, 90), st.text(max_size=3)).map(
        lambda drawn: drawn[0][: drawn[1]] + drawn[2] + drawn[0][drawn[1] + len(drawn[2]) :]
    )
)


@settings(
    max_examples=count("sockets with random frames", 20, 2_000),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(signed_in=st.booleans(), frames=st.lists(FRAMES, max_size=4))
async def test_random_frames_are_answered_or_end_the_socket_by_code(
    url: str, token: str, signed_in: bool, frames: list[str | bytes]
) -> None:
    async with connect(url, token) as socket:
        if signed_in:
            await socket.init()
        with suppress(websockets.ConnectionClosed):
            for frame in (*frames, '{"type":"ping","payload":{"the":"last"}}'):
                await socket.raw(frame)
            while (message := await socket.next()) != {"type": "pong", "payload": {"the": "last"}}:
                assert "INTERNAL" not in str(message)
            return
        assert socket.connection.close_code in (4400, 4401, 4409, 4429)


async def test_ping_and_pong(url: str, token: str) -> None:
    async with connect(url, token) as socket:
        await socket.send("ping")
        assert await socket.next() == {"type": "pong"}
        await socket.send("pong", payload={"a": 1})
        await socket.init()
        await socket.send("ping", payload={"a": [1, None]})
        assert await socket.next() == {"type": "pong", "payload": {"a": [1, None]}}
        await socket.send("complete", "never heard of")
        for _ in range(5_000):
            await socket.send("ping", payload={"a": 1})
        for _ in range(5_000):
            assert (await socket.next())["type"] == "pong"
