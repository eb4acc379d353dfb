"""APP-AUTO-EXEC-RETRY-003 (AUTO-EXEC-ADMIN-004): however often and wherever it is asked for, a retry runs once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from specs.conftest import database_of
from specs.engines.driver import HELD, WebhookEngine
from specs.engines.retries import RETRY, audited, finished, listed, of_subject, refused, retry
from specs.harness.driver import Runwatch, Server, unique

CLICKS = 50
NEEDS_INPUT = f'{{"run": "cat input && {HELD}"}}'


@pytest.fixture(params=["sqlite", "postgres"])
def two_servers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Runwatch]]:
    """Two processes on one database."""
    with database_of(request, tmp_path) as url:
        servers = [Server(tmp_path / f"server-{number}", url) for number in (1, 2)]
        found: list[Runwatch] = []
        for server in servers:
            server.environment["RUNWATCH_SECRET_KEY"] = "bm90IGEgc2VjcmV0LCBidXQgMzIgYnl0ZXMgbG9uZyE="
            server.start()
            runwatch = Runwatch(server.url, "", server.environment)
            runwatch.admin = found[0].admin if found else runwatch.token("admin")
            found.append(runwatch)
        yield found
        for runwatch, server in zip(found, servers, strict=True):
            runwatch.close()
            assert server.stop() == 0, server.log


async def click(servers: list[Runwatch], requests: list[dict[str, Any]]) -> list[Any]:
    """Send many mutations at once, to the servers in turn; their answers."""
    headers = {"authorization": f"Bearer {servers[0].admin}"}
    async with httpx.AsyncClient(headers=headers, timeout=60, limits=httpx.Limits(max_connections=None)) as http:

        async def send(number: int, variables: dict[str, Any]) -> Any:
            url = f"{servers[number % len(servers)].url}/graphql"
            return (await http.post(url, json={"query": RETRY, "variables": variables})).json()

        return await asyncio.gather(*(send(number, variables) for number, variables in enumerate(requests)))


def failed_run(runwatch: Runwatch, engine: WebhookEngine) -> Any:
    """A run that failed; a retry of it will be under way until the engine is let go."""
    failed = of_subject(runwatch, engine.name, engine.run("nightly", NEEDS_INPUT))
    assert failed["state"] == "FAILED"
    return failed


async def all_clicks_are_one(servers: list[Runwatch], engine: WebhookEngine) -> None:
    """Many clicks give one run, one delivery, and one entry of the audit."""
    runwatch = servers[0]
    for key in (None, unique("key")):
        original = failed_run(runwatch, engine)
        (engine.folder / "input").write_text("there")
        before = len(engine.deliveries())
        answers = await click(servers, [{"id": original["id"], "key": key}] * CLICKS)
        assert [answer for answer in answers if "errors" in answer] == []
        payloads = [answer["data"]["retryExecution"] for answer in answers]
        assert len({payload["execution"]["id"] for payload in payloads}) == 1
        assert Counter(payload["created"] for payload in payloads) == {True: 1, False: CLICKS - 1}
        engine.let_go()
        made = finished(runwatch, payloads[0]["execution"]["id"])
        assert (made["state"], made["dispatch"]["attempts"]) == ("SUCCEEDED", 1)
        assert len(engine.deliveries()) == before + 1
        assert set(listed(runwatch, retryOf=original["id"])) == {made["externalId"]}
        assert len(audited(runwatch, original["id"])) == 1
        again = runwatch.ask(RETRY, id=original["id"], key=key)
        if key is None:
            assert refused(again) == ("RETRY_REFUSED", ["ALREADY_RESOLVED"])
        else:
            assert again["data"]["retryExecution"]["execution"]["id"] == made["id"]
            assert again["data"]["retryExecution"]["created"] is False
        (engine.folder / "go").unlink()
        (engine.folder / "input").unlink()


async def test_retry_003_a_double_click_is_one_retry(runwatch: Runwatch, tmp_path: Path) -> None:
    """Many clicks at the same moment MUST give one run, which its engine gets once."""
    with WebhookEngine(runwatch, tmp_path) as engine:
        await all_clicks_are_one([runwatch], engine)


async def test_retry_003_with_two_processes_on_one_database(two_servers: list[Runwatch], tmp_path: Path) -> None:
    """The same MUST hold when the clicks reach different servers."""
    with WebhookEngine(two_servers[0], tmp_path) as engine:
        await all_clicks_are_one(two_servers, engine)


async def test_retry_003_one_key_is_for_one_execution(runwatch: Runwatch, tmp_path: Path) -> None:
    """A key MUST give the retry that it gave before, and be refused for another execution, at the same moment too."""
    with WebhookEngine(runwatch, tmp_path) as engine:
        runs, key = [failed_run(runwatch, engine) for _ in range(3)], unique("key")
        first = retry(runwatch, runs[0]["id"], key)
        assert retry(runwatch, runs[0]["id"], key)["execution"]["id"] == first["execution"]["id"]
        assert refused(runwatch.ask(RETRY, id=runs[1]["id"], key=key))[0] == "CONFLICT"
        assert listed(runwatch, retryOf=runs[1]["id"]) == {}
        for bad in ("", "x" * 201, "a\u0000b"):
            assert refused(runwatch.ask(RETRY, id=runs[1]["id"], key=bad))[0] == "BAD_USER_INPUT"
        answers = await click([runwatch], [{"id": run["id"], "key": key + "-2"} for run in runs[1:] * 25])
        given = [answer["data"]["retryExecution"] for answer in answers if answer.get("data")]
        assert len({payload["execution"]["id"] for payload in given}) == 1
        assert Counter(payload["created"] for payload in given)[True] == 1
        conflicts = [refused(answer)[0] for answer in answers if not answer.get("data")]
        assert conflicts == ["CONFLICT"] * 25
