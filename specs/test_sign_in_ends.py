"""A sign-in that has ended does nothing more: at the next request, in every process, and soon on open sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import jwt
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedError

from specs.conftest import database_of
from specs.harness.driver import Runwatch, Server, run_events, unique
from specs.harness.own_page import OwnPage, is_signed_out
from specs.harness.servers import PostgresServer
from specs.test_sockets import code_of, said, socket, subscribe

REVEAL = "mutation R($id: ID!) { revealTrigger(executionId: $id) }"
LIST = "query L($e: [String!]) { executions(filter: {engine: $e}) { nodes { id } } }"
# Follows what no other test changes.
FOLLOW = 'subscription { executionUpdated(filter: {workflowName: ["nobody reports this"]}) { cursor } }'
SECRET = "a shared secret of at least forty-eight bytes, for HS384 as well"
OTHER_SECRET = SECRET.upper()
END = "mutation End($input: EndSessionsInput!) { endSessions(input: $input) { ended } }"
SECONDS = 5.0  # until what is open has ended


@pytest.fixture
def two(tmp_path: Path, postgres_server: PostgresServer) -> Iterator[list[Runwatch]]:
    """Two processes on one database of Postgres, which do not notify each other of anything."""
    with postgres_server.database("ends") as url:
        servers = [Server(tmp_path / name, url) for name in ("one", "two")]
        for server in servers:
            server.environment["RUNWATCH_SECRET_KEY"] = "b25seSBmb3IgdGVzdHMsIDMyIGJ5dGVzIGxvbmcuLi4="
            server.start()
        visited = [Runwatch(server.url, "", server.environment) for server in servers]
        for each in visited:
            each.admin = visited[0].token("admin")
        yield visited
        for each, server in zip(visited, servers, strict=True):
            each.close()
            assert server.stop() == 0, server.log


async def followed(connection: ClientConnection) -> ClientConnection:
    """The socket, with a subscription."""
    await subscribe(connection, "follow", FOLLOW)
    return connection


async def acknowledged(connection: ClientConnection) -> ClientConnection:
    """The socket, with a session."""
    assert await said(connection) == {"type": "connection_ack"}
    return connection


async def reveal(connection: ClientConnection, execution: str) -> int:
    """Ask for a secret; the code that the socket is closed with instead of an answer, or has been closed with."""
    async with asyncio.timeout(15):
        with suppress(ConnectionClosedError):
            await subscribe(connection, "reveal", REVEAL, id=execution)
            async for message in connection:
                assert "hunter2" not in str(message)
    return connection.close_code or 0


async def test_session_008_a_revoked_token_is_refused_at_once_in_every_process(two: list[Runwatch]) -> None:
    """Its requests and its sockets' operations MUST be refused at once; open sockets MUST end within 5 seconds."""
    one, _ = two
    engine = unique("sealed")
    queued = run_events(engine, "r", 0)
    queued[0]["data"]["trigger"]["data"] = {"password": "hunter2"}
    one.report(*queued)
    execution = (await one.query(LIST, {"e": [engine]}))["executions"]["nodes"][0]["id"]
    token = one.token("admin")
    browsers = [OwnPage(each.url).signed_in(token=token) for each in two]
    async with AsyncExitStack() as stack:
        busy: list[ClientConnection] = []
        idle: list[ClientConnection] = []
        asking: list[ClientConnection] = []
        for each, browser in zip(two, browsers, strict=True):
            for sockets in (busy, idle, asking):
                sockets.append(await stack.enter_async_context(socket(each, token)))
                sockets.append(await acknowledged(await stack.enter_async_context(browser.socket())))
        for connection in busy:
            await followed(connection)
        # Each may do it before: so what refuses afterwards is the revocation.
        for connection in asking:
            await subscribe(connection, "before", REVEAL, id=execution)
            assert "hunter2" in str(await said(connection))
            await said(connection)
        one.cli("token", "revoke", token.rpartition("_")[0])
        ends = asyncio.get_running_loop().time() + SECONDS
        codes = [await reveal(connection, execution) for connection in asking]
        for each, browser in zip(two, browsers, strict=True):
            assert is_signed_out(each.post({"query": "{ viewer { name } }"}, token=token))
            assert each.post_events([], token=token).status_code == 401
            assert is_signed_out(browser.ask())
            assert browser.send("PATCH", "/session").status_code == 401
        assert codes == [4403] * 4
        async with asyncio.timeout_at(ends):
            assert [await code_of(connection) for connection in (*busy, *idle)] == [4403] * 8
        # Whoever else is signed in is not disturbed.
        async with socket(two[1], one.admin) as connection:
            await subscribe(connection, "1", "{ viewer { role } }")
            assert (await said(connection))["type"] == "next"


async def test_session_008_an_expired_token_ends_what_it_opened(two: list[Runwatch]) -> None:
    """Sockets and sessions of a token MUST end within 5 seconds of its own end."""
    one, other = two
    token = one.cli("token", "create", "--role", "viewer", "--name", unique("short"), "--days", "0.0001")  # 8.6 s
    ends = time.monotonic() + 8.64
    browser = OwnPage(other.url).signed_in(token=token)
    async with socket(one, token) as bare, browser.socket() as with_session:
        await followed(bare)
        await followed(await acknowledged(with_session))
        async with asyncio.timeout(ends - time.monotonic() + SECONDS):
            assert [await code_of(bare), await code_of(with_session)] == [4403, 4403]
    assert time.monotonic() > ends - 1
    assert is_signed_out(browser.ask())
    assert is_signed_out(one.post({"query": "{ viewer { name } }"}, token=token))


async def test_session_008_a_replaced_or_ended_session_ends_in_every_process(two: list[Runwatch]) -> None:
    """Who signs in anew, or out, or is signed out, MUST have ended the session in the other process too."""
    one, other = two
    for how in ("replace", "sign out", "is signed out"):
        browser = OwnPage(one.url).signed_in(token=one.admin)
        elsewhere = OwnPage(other.url)
        # Another process behind one name: the cookie is the same, and here the port is not.
        value = browser.cookie.partition("=")[2]
        elsewhere.cookie = f"runwatch-{other.url.rpartition(':')[2]}={value}"
        elsewhere.secret = browser.secret
        assert elsewhere.ask().status_code == 200
        async with elsewhere.socket() as open_, elsewhere.socket() as asking:
            await followed(await acknowledged(open_))
            await acknowledged(asking)
            if how == "replace":
                browser.signed_in(token=one.admin)
            elif how == "sign out":
                assert browser.send("DELETE", "/session").status_code == 204
            else:
                name = one.ask("{ viewer { name } }")["data"]["viewer"]["name"]
                assert one.ask(END, input={"name": name})["data"]["endSessions"]["ended"] >= 1
            async with asyncio.timeout(SECONDS):
                with suppress(ConnectionClosedError):  # closed already
                    await subscribe(asking, "1", "{ viewer { name } }")
                assert await code_of(asking) == 4403
                assert is_signed_out(elsewhere.ask())
                assert await code_of(open_) == 4403


def issued(key: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    """A JSON Web Token of an administrator."""
    now = int(time.time())
    claims = {"iss": "https://issuer.example", "aud": "runwatch", "sub": "ada", "role": "ADMIN", "iat": now}
    return jwt.encode({**claims, "exp": now + 3600, **changes}, key, algorithm)


JWT = {
    "RUNWATCH_JWT_ALGORITHMS": "HS256",
    "RUNWATCH_JWT_KEY": SECRET,
    "RUNWATCH_JWT_ISSUER": "https://issuer.example",
    "RUNWATCH_JWT_AUDIENCE": "runwatch",
}
# One after the other: what becomes of the settings, and how the next token is signed.
CHANGES: dict[str, tuple[Callable[[dict[str, str]], Any], dict[str, Any]]] = {
    "another key": (lambda environment: environment.update(RUNWATCH_JWT_KEY=OTHER_SECRET), {"key": OTHER_SECRET}),
    "another issuer": (
        lambda environment: environment.update(RUNWATCH_JWT_ISSUER="https://other.example"),
        {"key": OTHER_SECRET, "iss": "https://other.example"},
    ),
    "another algorithm": (
        lambda environment: environment.update(RUNWATCH_JWT_ALGORITHMS="HS384"),
        {"key": OTHER_SECRET, "iss": "https://other.example", "algorithm": "HS384"},
    ),
    "switched off": (lambda environment: [environment.pop(name) for name in JWT], {}),
}


@pytest.fixture(params=["sqlite", "postgres"])
def with_jwt(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server that accepts an issuer's tokens."""
    with database_of(request, tmp_path) as url:
        server = Server(tmp_path, url)
        server.environment.update(JWT)
        server.start()
        yield server
        server.kill()


async def test_session_009_an_issuers_sign_in_ends_with_its_key(with_jwt: Server) -> None:
    """A session of a JSON Web Token MUST end with the issuer's key, algorithm and name, and when they are off."""
    server = with_jwt
    runwatch = Runwatch(server.url, "", server.environment)
    signed: dict[str, Any] = {}
    for change, signed_then in CHANGES.values():
        browser = OwnPage(server.url).signed_in(token=issued(**signed))
        assert browser.ask().json() == {"data": {"viewer": {"name": "ada", "role": "ADMIN"}}}
        async with socket(runwatch, issued(**signed)) as bearer, browser.socket() as with_session:
            await acknowledged(with_session)
            for connection in (bearer, with_session):
                await subscribe(connection, "1", "{ viewer { name } }")
                assert (await said(connection))["payload"]["data"] == {"viewer": {"name": "ada"}}
        if not signed:
            server.stop()
            server.start()
            assert browser.ask().status_code == 200, "a restart alone ends no session"
        change(server.environment)
        signed = signed_then
        server.stop()
        server.start()
        assert is_signed_out(browser.ask())
        async with browser.socket() as refused:
            assert await code_of(refused) == 4401
    runwatch.close()


async def test_session_009_an_issuers_sign_in_ends_with_its_token(with_jwt: Server) -> None:
    """Sockets and sessions of a JSON Web Token MUST end with it, however young they are."""
    runwatch = Runwatch(with_jwt.url, "", with_jwt.environment)
    now = int(time.time())
    token = issued(exp=now - 30 + 8)  # clocks may differ by 30 s
    browser = OwnPage(with_jwt.url).signed_in(token=token)
    async with socket(runwatch, token) as bearer, browser.socket() as with_session:
        await followed(bearer)
        await followed(await acknowledged(with_session))
        async with asyncio.timeout(now + 8 + SECONDS + 1 - time.time()):
            assert [await code_of(bearer), await code_of(with_session)] == [4403, 4403]
    assert is_signed_out(browser.ask())
    runwatch.close()
