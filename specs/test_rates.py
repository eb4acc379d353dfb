"""One client cannot have everything: it hears what it may do, and when to come back."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from specs.harness.driver import Runwatch, Server, event, run_events, unique
from specs.harness.own_page import OWN, OwnPage, role_in
from specs.harness.servers import ValkeyServer
from specs.harness.waiting import soon
from specs.test_sessions import REFUSED, code_for
from specs.test_sockets import code_of, said, socket, subscribe

COST, BYTES, FAILURES = 40_000, 200_000, 5
# A client that is as slow as this test's is not late for long.
SECONDS = 3
# Of the bodies of one token that are in work.
PLACES = 3
_guesses = count()
# 100 rows of 100 values.
DEAR = f"{{ executions(first: 100) {{ nodes {{ {' '.join(f'a{number}: id' for number in range(100))} }} }} }}"
SETTINGS = {
    "RUNWATCH_MAX_OPERATION_COST": str(COST),
    "RUNWATCH_MAX_COST_PER_MINUTE": str(COST),
    "RUNWATCH_MAX_EVENTS_BODY_BYTES": str(BYTES),
    "RUNWATCH_MAX_EVENT_BYTES_PER_MINUTE": str(BYTES),
    "RUNWATCH_MAX_FAILED_SIGN_INS_PER_MINUTE": str(FAILURES),
    "RUNWATCH_MAX_HEAD_SECONDS": str(SECONDS),
    "RUNWATCH_MAX_BODY_SECONDS": str(SECONDS),
    "RUNWATCH_MAX_EVENT_BODIES": str(2 * PLACES),
    "RUNWATCH_TRUSTED_PROXIES": "127.0.0.1",
}


def serving(folder: Path, *options: str, **more: str) -> Iterator[Runwatch]:
    server = Server(folder, f"sqlite:///{folder}/runwatch.db", *options)
    server.environment |= SETTINGS | more
    try:
        server.start()
        runwatch = Runwatch(server.url, "", server.environment)
        runwatch.admin = runwatch.token("admin")
        runwatch.report(*(each for number in range(100) for each in run_events("e", f"r{number}", number)))
        yield runwatch
        runwatch.close()
        assert server.stop() == 0, server.log
    finally:
        server.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the narrow server writes its log."""
    return tmp_path_factory.mktemp("narrow")


@pytest.fixture(scope="module")
def narrow(folder: Path) -> Iterator[Runwatch]:
    """A server on which a token may do little."""
    yield from serving(folder)


def spend(runwatch: Runwatch, token: str) -> httpx.Response:
    """Ask for the dear thing until it is refused."""
    for _ in range(20):
        answer = runwatch.post({"query": DEAR}, token=token)
        if answer.status_code != 200:
            return answer
        assert "errors" not in answer.json(), answer.text
    raise AssertionError("nothing was refused")


def check_refusal(error: Any, limit: str, value: int) -> int:
    """The error says what was too much, and when to come back; returns the latter."""
    extensions = error["extensions"]
    seconds: int = extensions["retryAfter"]
    assert extensions == {"code": "RATE_LIMITED", "limit": limit, "value": value, "retryAfter": seconds}
    assert str(value) in error["message"]
    assert f"{seconds} s" in error["message"]
    assert 1 <= seconds <= 60
    return seconds


def test_rate_001_a_token_that_has_spent_its_minute_hears_when_to_come_back(narrow: Runwatch) -> None:
    """Operations beyond a token's cost of a minute MUST be 429 with a code and Retry-After; others go on."""
    token = narrow.token("viewer")
    refused = spend(narrow, token)
    assert refused.status_code == 429
    (error,) = refused.json()["errors"]
    seconds = check_refusal(error, "RUNWATCH_MAX_COST_PER_MINUTE", COST)
    assert refused.headers["retry-after"] == str(seconds)
    assert "data" not in refused.json()
    assert narrow.post({"query": DEAR}, token=narrow.token("viewer")).status_code == 200


async def test_rate_001_on_a_socket_the_operation_alone_is_refused(narrow: Runwatch) -> None:
    """On a WebSocket it MUST be an error of the operation, and the socket goes on."""
    token = narrow.token("viewer")
    async with socket(narrow, token) as connection:
        for number in range(20):
            await subscribe(connection, str(number), DEAR)
            message = await said(connection)
            if message["type"] == "error":
                break
            assert (await said(connection))["type"] == "complete"
        check_refusal(message["payload"][0], "RUNWATCH_MAX_COST_PER_MINUTE", COST)
        await connection.send('{"type": "ping"}')
        assert (await said(connection))["type"] == "pong"


def test_rate_002_events_are_refused_before_any_is_stored(narrow: Runwatch) -> None:
    """Events beyond a token's bytes of a minute MUST be 429 with Retry-After, none of them stored, others go on."""
    engine, number = unique("flood"), 0
    token = narrow.token("runner", engine)

    def send() -> httpx.Response:
        return narrow.post_events(run_events(engine, f"r{number}", number), token=token)

    while (answer := send()).status_code == 202 and number < 100:
        number += 1
    assert answer.status_code == 429
    (error,) = answer.json()["errors"]
    assert answer.headers["retry-after"] == str(check_refusal(error, "RUNWATCH_MAX_EVENT_BYTES_PER_MINUTE", BYTES))
    listed = "query L($e: [String!]) { executions(first: 100, filter: {engine: $e}) { totalCount { value } } }"
    assert narrow.ask(listed, e=[engine])["data"]["executions"]["totalCount"]["value"] == number
    other = unique("calm")
    assert narrow.post_events(run_events(other, "r", 0), token=narrow.token("runner", other)).status_code == 202


def test_rate_003_an_operation_pays_what_it_cost(narrow: Runwatch) -> None:
    """What an operation was estimated at, and did not cost, MUST be given back."""
    token, most = narrow.token("viewer"), COST // 10_000
    empty = DEAR.replace("first: 100", "first: 100, filter: {id: []}")
    for _ in range(3 * most):
        answer = narrow.post({"query": empty}, token=token)
        assert answer.status_code == 200, answer.text


async def test_rate_004_workers_share_what_a_token_may_do(tmp_path: Path) -> None:
    """With Redis, a token's minute MUST be that of all processes together; without an answer of it, of each."""
    with ValkeyServer(own=True) as valkey:
        for runwatch in serving(tmp_path, "--workers", "2", RUNWATCH_REDIS_URL=valkey.url):
            token = runwatch.token("viewer")
            headers = {"authorization": f"Bearer {token}"}
            statuses = []
            for _ in range(24):  # each on a connection of its own, which either worker takes
                async with httpx.AsyncClient(base_url=runwatch.url, headers=headers, trust_env=False) as client:
                    statuses.append((await client.post("/graphql", json={"query": DEAR})).status_code)
            assert set(statuses) == {200, 429}
            # 10,000 each; and what flows in, and what each worker let through before it knew.
            assert statuses.count(200) <= math.ceil(COST / 10_000) + 2 + 4
            valkey.kill()
            fresh = runwatch.token("viewer")
            assert runwatch.post({"query": DEAR}, token=fresh).status_code == 200


def guess() -> str:
    """A token that nobody has, and nobody has tried before, in the form of ours."""
    return f"rw_{next(_guesses):08}_{'0' * 32}"


def failing(try_: Callable[[str], httpx.Response]) -> list[httpx.Response]:
    """Guess until twice what is allowed has been refused."""
    answers: list[httpx.Response] = []
    while [answer.status_code for answer in answers].count(429) < 2 * FAILURES:
        answers.append(try_(guess()))
        assert len(answers) < 10 * FAILURES
    return answers


DOORS = ["/graphql", "/api/events", "/session", "cookie"]


def try_in(door: str, url: str, headers: dict[str, str], token: str) -> httpx.Response:
    """Show a credential at a door."""
    bearer = {**headers, "authorization": f"Bearer {token}"}
    if door == "/session":
        return httpx.post(f"{url}/session", json={"token": token}, headers={**headers, **OWN})
    if door == "cookie":
        cookie = {**headers, **OWN, "cookie": f"runwatch-{urlsplit(url).port}={token}"}
        return httpx.post(f"{url}/graphql", json={"query": "{ viewer { name } }"}, headers=cookie)
    body = {"query": "{ viewer { name } }"} if door == "/graphql" else []
    return httpx.post(f"{url}{door}", json=body, headers=bearer)


@pytest.mark.parametrize("door", DOORS)
def test_rate_005_an_address_that_fails_too_often_is_refused(narrow: Runwatch, door: str) -> None:
    """Beyond its failures of a minute, an address MUST get 429 with a code, and others hear what is wrong."""
    from_ = {"x-forwarded-for": f"192.0.2.{DOORS.index(door)}"}
    # What fails again counts once: others of its address hear what is wrong with theirs.
    broken = guess()
    assert [try_in(door, narrow.url, from_, broken).status_code for _ in range(FAILURES)] == [401] * FAILURES
    answers = failing(lambda token: try_in(door, narrow.url, from_, token))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {401, 429}
    assert statuses[: FAILURES - 1] == [401] * (FAILURES - 1)
    refused = next(answer for answer in answers if answer.status_code == 429)
    (error,) = refused.json()["errors"]
    seconds = check_refusal(error, "RUNWATCH_MAX_FAILED_SIGN_INS_PER_MINUTE", FAILURES)
    assert refused.headers["retry-after"] == str(seconds)
    assert "www-authenticate" not in refused.headers
    assert try_in(door, narrow.url, {"x-forwarded-for": "192.0.2.99"}, guess()).status_code == 401
    # Without any credential there is nothing to count.
    assert httpx.post(f"{narrow.url}/graphql", json={}, headers=from_).status_code == 401


async def test_rate_005_on_a_socket_the_client_comes_back(narrow: Runwatch) -> None:
    """On a WebSocket it MUST be 1013 with the reason; neighbours of the same /64 are one address."""
    codes, reasons = list[int](), list[str]()
    while 1013 not in codes and len(codes) < 10 * FAILURES:
        page = OwnPage(narrow.url, {"x-forwarded-for": f"2001:db8:0:7::{len(codes) + 1:x}"})
        async with page.socket({"authorization": f"Bearer {guess()}"}) as connection:
            codes.append(await code_of(connection))
            reasons.append(connection.close_reason or "")
    assert codes[:-1] == [4401] * (len(codes) - 1)
    assert len(codes) > FAILURES
    assert "at most 5 a minute" in reasons[-1]


def test_session_005_good_credentials_work_where_others_fail(narrow: Runwatch) -> None:
    """Only failures MUST count: from the same address a good token, code and session work, new ones too."""
    from_ = {**OWN, "x-forwarded-for": "192.0.2.77"}
    token = narrow.token("viewer")
    browser = OwnPage(narrow.url, from_).signed_in(token=token)
    code, new = code_for(narrow, token), narrow.token("viewer")
    answers = failing(lambda token: OwnPage(narrow.url, from_).sign_in(token=token))
    assert {answer.json()["errors"][0]["message"] for answer in answers if answer.status_code == 401} == {REFUSED}
    assert role_in(browser.ask()) == "VIEWER"
    assert OwnPage(narrow.url, from_).sign_in(code=code).status_code == 204
    assert try_in("/graphql", narrow.url, from_, new).status_code == 200


async def test_rate_006_requests_that_do_not_arrive_keep_nobody_out(narrow: Runwatch) -> None:
    """Half-sent heads and bodies MUST be 408 after their time; hundreds of them MUST NOT keep others out."""
    port, token = urlsplit(narrow.url).port, narrow.token("runner", unique("slow"))
    events = (
        f"POST /api/events HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        "content-type: application/cloudevents-batch+json\r\ncontent-length: 9\r\n\r\n["
    ).encode()
    session = b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
    async with AsyncExitStack() as stack:

        async def send(start: bytes) -> asyncio.StreamReader:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            writer.write(start)
            return reader

        readers = [await send(start) for start in [b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: "] * 600]
        readers += [await send(start) for start in (events, session)]
        assert httpx.get(f"{narrow.url}/health").status_code == 200
        assert narrow.ask("{ viewer { name } }")["data"]
        async with asyncio.timeout(60):
            answers = [await reader.read() for reader in (*readers[:10], *readers[-12:])]
    assert {answer.partition(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 408 Request Timeout"}
    assert all(b'"code":"LIMIT_EXCEEDED"' in answer for answer in answers)
    assert f"The body did not arrive within {SECONDS} s".encode() in answers[-2]


async def test_sick_007_what_is_too_much_is_refused_by_its_head(narrow: Runwatch) -> None:
    """Bodies of events beyond the bound MUST be 503 with Retry-After, before they are sent; others MUST be served."""
    port, token, other = urlsplit(narrow.url).port, narrow.token("runner", "e"), narrow.token("runner", "e")

    async def head(stack: AsyncExitStack) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        stack.callback(writer.close)
        writer.write(
            f"POST /api/events HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
            "content-type: application/cloudevents-batch+json\r\ncontent-length: 2\r\n\r\n".encode()
        )
        return reader, writer

    async def answer(reader: asyncio.StreamReader) -> tuple[bytes, Any]:
        said = await reader.readuntil(b"\r\n\r\n")
        length = int(said.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return said, json.loads(await reader.readexactly(length))

    async with AsyncExitStack() as stack, asyncio.timeout(30):
        held = [await head(stack) for _ in range(PLACES)]
        one_more, writer = await head(stack)
        said, body = await answer(one_more)
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in said
        extensions = body["errors"][0]["extensions"]
        assert extensions.pop("retryAfter") == 1
        assert extensions == {"code": "RATE_LIMITED", "limit": "RUNWATCH_MAX_EVENT_BODIES", "value": 2 * PLACES}
        assert narrow.post_events([], token=other).status_code == 202
        for reader, waiting in held:
            waiting.write(b"[]")
            assert (await answer(reader))[0].startswith(b"HTTP/1.1 202 ")
        # On the connection that was kept: what is left of the refused body, and a request.
        writer.write(b"[]POST /api/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n")
        assert (await answer(one_more))[0].startswith(b"HTTP/1.1 401 ")


UPDATES = """
subscription Updates($filter: ExecutionFilter, $after: String) {
  executionUpdated(filter: $filter, after: $after) { execution { currentStep { name } DEAR } }
}
"""


async def test_rate_008_who_is_in_debt_hears_the_newest_once_it_is_paid(narrow: Runwatch) -> None:
    """A subscriber whose token is in debt MUST hear less, and then the newest state; others hear everything."""
    engine, spender = unique("debt"), narrow.token("viewer")
    runner = narrow.token("runner", engine)
    runs = [each for number in range(15) for each in run_events(engine, f"r{number}", 0, state=None, started=False)]
    assert narrow.post_events(runs, token=runner).status_code == 202
    where: dict[str, Any] = {"filter": {"engine": [engine]}}
    listed = await narrow.query(
        "query($filter: ExecutionFilter) { executions(filter: $filter) { updatesCursor } }", where
    )
    where["after"] = listed["executions"]["updatesCursor"]
    # 1,500 an event: as much flows in within 2.3 s.
    dear = (
        f"workflow {{ executions(first: 15) {{ nodes {{ {' '.join(f'a{number}: id' for number in range(100))} }} }} }}"
    )

    def name_in(message: Any) -> str:
        name: str = message["payload"]["data"]["executionUpdated"]["execution"]["currentStep"]["name"]
        return name

    async def change(number: int) -> None:
        step = {"step": {"index": number, "name": f"step {number}"}}
        changed = [event(engine, "r0", "step.started", 2 + number, step)]
        answer = await asyncio.to_thread(narrow.post_events, changed, token=runner)
        assert answer.json() == {"accepted": 1, "rejected": []}

    async with AsyncExitStack() as stack:
        calm, poor, spending = [
            await stack.enter_async_context(socket(narrow, token))
            for token in (narrow.token("viewer"), spender, spender)
        ]
        for connection, more in ((calm, ""), (poor, ""), (spending, dear)):
            await subscribe(connection, "1", UPDATES.replace("DEAR", more), **where)
        for size in (100, 10):
            while narrow.post({"query": DEAR.replace("100", str(size), 1)}, token=spender).status_code == 200:
                pass
        for number in range(6):
            await change(number)
            while name_in(await said(calm)) != f"step {number}":
                pass
        heard = [""]
        async with asyncio.timeout(60):
            while heard[-1] != "step 5":
                heard.append(name_in(json.loads(await poor.recv())))
        assert len(heard) <= 6, heard


async def test_log_001_a_line_says_who_asked_for_what(narrow: Runwatch, folder: Path) -> None:
    """Each request, and each operation of a socket, MUST have a line, without documents, variables and headers."""
    name, token = unique("Asked").replace("-", "_"), narrow.token("viewer")
    document = (
        f"query {name}($hidden: [String!]) {{ executions(first: 3, filter: {{engine: $hidden}}) {{ nodes {{ id }} }} }}"
    )
    assert "data" in narrow.ask(document, token=token, hidden=["a variable"])
    page = OwnPage(narrow.url, {**OWN, "x-forwarded-for": "192.0.2.55"}).signed_in(token=token)
    assert page.ask(document).status_code == 200
    async with page.socket() as connection:
        assert (await said(connection))["type"] == "connection_ack"
        await subscribe(connection, "1", document, hidden=["a variable"])
        assert [(await said(connection))["type"] for _ in range(2)] == ["next", "complete"]
        await subscribe(connection, "2", f"subscription {name} {{ executionUpdated {{ nothing }} }}")
        assert (await said(connection))["type"] == "error"

    def lines() -> list[dict[str, Any]]:
        given = [json.loads(line) for line in (folder / "stderr").read_text().splitlines() if name in line]
        return given if len(given) == 4 else []

    bearer, session, socket_, failed = soon(lines)
    prefix = token.rpartition("_")[0]
    for line in (bearer, session, socket_):
        assert (line["role"], line["operation"]) == ("VIEWER", name)
        assert line["cost"] >= 100
        assert line["ms"] > 0
    assert (bearer["event"], bearer["who"], bearer["from"], bearer["status"]) == ("request", prefix, "127.0.0.1", 200)
    assert (session["event"], session["from"]) == ("request", "192.0.2.55")
    assert session["who"].startswith("session ")
    assert (socket_["event"], socket_["who"], socket_["ended"]) == ("operation", session["who"], "completed")
    assert (failed["event"], failed["ended"]) == ("operation", "BAD_USER_INPUT")
    everything = (folder / "stderr").read_text()
    for secret in (
        "a variable",
        "hidden",
        "executionUpdated",
        token,
        page.cookie.partition("=")[2],
        page.secret or "-",
    ):
        assert secret not in everything
