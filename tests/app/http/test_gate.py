import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import product
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from app import clock
from app.auth import Role, SignIn, Viewer
from app.auth.tokens import create_token, revoke_token
from app.db import Database
from app.http.gate import Guard, SignInGate
from app.http.sessions import BrowserSessions
from tests.app.auth.issuer import AUDIENCE, ISSUER, key_server, rsa_key, sign
from tests.app.client import client_of, code_in
from tests.app.http.gates import SECRET, Inside, never, serving
from tests.databases import before_any_statement

GRAPHQL_JSON = "application/graphql-response+json"


async def ask(app: ASGIApp, headers: list[tuple[bytes, bytes]], method: str = "POST", path: str = "/graphql") -> Any:
    """The answer of the app, which must not read the body: (status, headers, JSON)."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "scheme": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
    await app(scope, never, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], dict(sent[0]["headers"]), json.loads(body) if body != b"in" else "in"


async def credentials(database: Database) -> dict[str, str | None]:
    """Every way not to be signed in."""
    expired, _ = await create_token(database, "expired", Role.ADMIN, expires_in=timedelta(microseconds=1))
    revoked, token = await create_token(database, "revoked", Role.ADMIN)
    await revoke_token(database, token.id)
    return {
        "none": None,
        "empty": "",
        "basic": "Basic YWRhOnNlY3JldA==",
        "no token": "Bearer",
        "unknown": "Bearer rw_12345678_" + "a" * 32,
        "expired": f"Bearer {expired}",
        "revoked": f"Bearer {revoked}",
        "odd": "Bearer x",
        "forged": f"Bearer {sign(SECRET.upper(), 'HS256')}",
        "expired JWT": f"Bearer {sign(SECRET, 'HS256', exp=1)}",
        "JWT without role": f"Bearer {sign(SECRET, 'HS256', role=None)}",
        "too long": "Bearer " + "a" * 9000,
    }


QUERY = "{ viewer { name } }"
INTROSPECTION = "{ __schema { types { name } } }"
REQUESTS: dict[str, tuple[str, str, bytes]] = {
    "valid": ("POST", "/graphql", json.dumps({"query": QUERY}).encode()),
    "invalid": ("POST", "/graphql", json.dumps({"query": "{ nothing }"}).encode()),
    "syntax error": ("POST", "/graphql", json.dumps({"query": "{"}).encode()),
    "introspection": ("POST", "/graphql", json.dumps({"query": INTROSPECTION}).encode()),
    "bad JSON": ("POST", "/graphql", b"{"),
    "bad UTF-8": ("POST", "/graphql", b"\xff"),
    "no body": ("POST", "/graphql", b""),
    "batch": ("POST", "/graphql", json.dumps([{"query": QUERY}, {"query": QUERY}]).encode()),
    "GET": ("GET", "/graphql?query=%7Bviewer%7Bname%7D%7D", b""),
    "GET without query": ("GET", "/graphql", b""),
    "HEAD": ("HEAD", "/graphql", b""),
    "OPTIONS": ("OPTIONS", "/graphql", b""),
    "DELETE": ("DELETE", "/graphql", b""),
    "slash": ("POST", "/graphql/", b"{}"),
    "events": ("POST", "/api/events", b"[]"),
    "unknown path": ("GET", "/api/nothing", b""),
}


async def test_gate_refuses_invalid_credentials(database: Database, sign_in: SignIn) -> None:
    inside = Inside()
    async with (
        serving(SignInGate(inside, sign_in)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        ways = await credentials(database)
        for (name, (method, path, body)), (way, header) in product(REQUESTS.items(), ways.items()):
            headers = {} if header is None else {"Authorization": header}
            answer = await client.request(method, path, content=body, headers=headers)
            assert answer.status_code == 401, (name, way)
            challenge = 'Bearer realm="runwatch"' + ("" if header is None else ', error="invalid_token"')
            assert answer.headers["www-authenticate"] == challenge
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["content-type"] == "application/json"
            if method != "HEAD":
                [error] = answer.json()["errors"]
                assert set(answer.json()) == {"errors"}
                assert error["extensions"] == {"code": "UNAUTHENTICATED"}
                assert header is None or len(header) < 8 or header[7:] not in error["message"]
    assert inside.viewers == []


@before_any_statement
@pytest.mark.parametrize("name", REQUESTS)
async def test_the_body_is_never_asked_for(sign_in: SignIn, name: str) -> None:
    inside = Inside()
    method, path, _ = REQUESTS[name]
    assert (await ask(SignInGate(inside, sign_in), [], method, path))[0] == 401
    assert inside.viewers == []


async def test_everybody_else_does(database: Database, sign_in: SignIn) -> None:
    inside = Inside()
    gate = SignInGate(inside, sign_in)
    secret, _ = await create_token(database, "worker", Role.RUNNER, "celery")
    for token in (secret, sign(SECRET, "HS256", role="viewer")):
        assert (await ask(gate, [(b"authorization", b"Bearer " + token.encode())]))[::2] == (200, "in")
    assert inside.viewers[0] == Viewer("worker", Role.RUNNER, "celery")
    assert (inside.viewers[1].name, inside.viewers[1].role) == ("ada", Role.VIEWER)


async def test_revoked_and_expired_at_once(
    database: Database, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = SignInGate(Inside(), sign_in)
    secret, token = await create_token(database, "ada", Role.ADMIN, expires_in=timedelta(hours=1))
    headers = [(b"authorization", b"Bearer " + secret.encode())]
    assert (await ask(gate, headers))[0] == 200
    assert token.expires_at is not None
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now_us", lambda: token.expires_at)
        status, _, body = await ask(gate, headers)
        assert (status, body["errors"][0]["message"]) == (401, "The token has expired")
    await revoke_token(database, token.id)
    status, _, body = await ask(gate, headers)
    assert (status, body["errors"][0]["message"]) == (401, "The token was revoked")


async def test_ambiguous_and_odd_headers(database: Database, sign_in: SignIn) -> None:
    secret, _ = await create_token(database, "ada", Role.ADMIN)
    good = b"Bearer " + secret.encode()
    gate = SignInGate(Inside(), sign_in)
    for values in ([good, good], [good, b""], [b"Bearer x", good], [good + b"\xff"], ["Bearer ä".encode()], [b"\xff"]):
        status, headers, _ = await ask(gate, [(b"authorization", value) for value in values])
        assert status == 401
        assert b"invalid_token" in headers[b"www-authenticate"]


@before_any_statement
@pytest.mark.parametrize(
    ("accept", "graphql"),
    [
        (None, False),
        (GRAPHQL_JSON, True),
        (GRAPHQL_JSON.upper(), True),
        (f"{GRAPHQL_JSON}; charset=utf-8, application/json;q=0.9", True),
        (f"application/json, {GRAPHQL_JSON};q=0.5", False),
        (f"application/json;q=0.2, {GRAPHQL_JSON};q=0.5", True),
        (f"{GRAPHQL_JSON};q=0", False),
        (f"{GRAPHQL_JSON};q=x", False),
        (f"{GRAPHQL_JSON};q=nan", False),
        ("application/json", False),
        ("*/*", False),
        ("text/event-stream", False),
        (",;,;q=", False),
    ],
)
async def test_media_type(sign_in: SignIn, accept: str | None, graphql: bool) -> None:
    headers = [] if accept is None else [(b"accept", accept.encode())]
    answer = await ask(SignInGate(Inside(), sign_in), headers)
    assert answer[1][b"content-type"] == (GRAPHQL_JSON if graphql else "application/json").encode()


async def test_errors_of_the_database_are_raised(
    database: Database, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, _ = await create_token(database, "ada", Role.ADMIN)

    async def fail(sql: str, *params: Any) -> Any:
        raise OSError("the database is gone")

    monkeypatch.setattr(database, "fetch_by_key", fail)
    with pytest.raises(OSError, match="gone"):
        await ask(SignInGate(Inside(), sign_in), [(b"authorization", b"Bearer " + secret.encode())])


@before_any_statement
@pytest.mark.parametrize("http", ["httptools", "h11"])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_body_still_gets_its_answer(sign_in: SignIn, http: str, chunked: bool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 1024 * 1024

    inside = Inside()
    async with serving(SignInGate(inside, sign_in), http) as port, httpx.AsyncClient() as client:
        for _ in range(2):
            content = parts() if chunked else b"x" * 20 * 1024 * 1024
            answer = await client.post(f"http://127.0.0.1:{port}/graphql", content=content)
            assert answer.status_code == 401
            assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    assert inside.viewers == []


@before_any_statement
@pytest.mark.parametrize("http", ["httptools", "h11"])
async def test_a_client_that_waits_for_leave_to_send_does_not_get_it(sign_in: SignIn, http: str) -> None:
    async with serving(SignInGate(Inside(), sign_in), http) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 5)  # to the end: the connection is closed
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b"100 Continue" not in answer
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_issuer_that_is_away_is_nobodys_failure(database: Database) -> None:
    """Its tokens are 503 at each door, however often, and count for no address: a wrong one is still told so."""
    async with key_server() as issuer:
        issuer.status = "500 Broken"
        settings = {"jwt_algorithms": "RS256", "jwt_jwks_url": issuer.url, "jwt_issuer": ISSUER}
        settings |= {"jwt_audience": AUDIENCE, "max_failed_sign_ins_per_minute": "2"}
        async with client_of(database, None, **settings) as client:
            for number in range(5):
                token = sign(rsa_key(), "RS256", f"{number}")
                bearer = {"authorization": f"Bearer {token}"}
                for path, headers, body in (
                    ("/graphql", bearer, {"query": QUERY}),
                    ("/api/events", bearer, []),
                    ("/session", {}, {"token": token}),
                ):
                    answer = await client.post(path, json=body, headers=headers)
                    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1"), path
                    assert code_in(answer) == "INTERNAL"
            answer = await client.post("/graphql", json={}, headers={"authorization": "Bearer wrong"})
            assert answer.status_code == 401


async def test_a_cookie_opens_graphql_alone(database: Database, sign_in: SignIn) -> None:
    """And there only a POST of JSON, by our own page, without a bearer."""
    secret, _ = await create_token(database, "ada", Role.ADMIN)
    started = await sign_in.sessions.start(await sign_in.viewer_of(f"Bearer {secret}"), bound=True)
    assert started.secret is not None
    inside = Inside()
    guard = Guard(inside, sign_in, BrowserSessions(sign_in, ""))
    own = {
        b"host": b"here:8000",
        b"cookie": f"runwatch-8000={started.cookie}".encode(),
        b"x-runwatch-session": started.secret.encode(),
        b"content-type": b"application/json; charset=utf-8",
        b"sec-fetch-site": b"same-origin",
    }

    async def status(path: str = "/graphql", method: str = "POST", **changes: bytes | None) -> int:
        headers = own | {name.replace("_", "-").encode(): value for name, value in changes.items()}
        sent = [(name, value) for name, value in headers.items() if value is not None]
        answer: int = (await ask(guard, sent, method, path))[0]
        return answer

    assert await status() == 200
    assert (inside.viewers[-1].name, inside.viewers[-1].session is None) == ("ada", False)
    for refused in (
        status(method="GET"),
        status(method="PUT"),
        status("/graphql/"),
        status("/api/events"),
        status(content_type=b"text/plain"),
        status(content_type=None),
        status(sec_fetch_site=b"same-site"),
        status(sec_fetch_site=None),
        status(x_runwatch_session=None),
        status(cookie=None),
        status(host=b"here:8001"),
        status(authorization=b"Bearer x"),
        status(authorization=b""),
    ):
        assert await refused == 401
    assert await status(authorization=f"Bearer {secret}".encode()) == 200
    assert inside.viewers[-1].session is None, "a bearer goes first"
