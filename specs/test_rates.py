"""One client cannot have everything: it hears what it may do in a minute, and when to come back."""

from __future__ import annotations

import asyncio
import json
import math
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx

from specs.harness.driver import Runwatch, event, run_events, unique
from specs.harness.narrow import BYTES, COST, DEAR, check_refusal, serving
from specs.harness.servers import ValkeyServer
from specs.test_sockets import said, socket, subscribe


def spend(runwatch: Runwatch, token: str) -> httpx.Response:
    """Ask for the dear thing until it is refused."""
    for _ in range(20):
        answer = runwatch.post({"query": DEAR}, token=token)
        if answer.status_code != 200:
            return answer
        assert "errors" not in answer.json(), answer.text
    raise AssertionError("nothing was refused")


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
