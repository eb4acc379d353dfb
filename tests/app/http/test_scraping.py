"""GET /metrics: who may ask, what it says of the database, and an address of its own."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from app import clock
from app.auth.roles import Role
from app.db import Database
from app.http.scraping import OwnListener
from app.main import create_app
from app.monitor import numbers
from app.settings import Settings
from tests.app.client import client_of, code_in
from tests.app.reports import report
from tests.databases import before_any_statement
from tests.factories import insert
from tests.sealing import SEALER


def values(answer: httpx.Response) -> dict[str, float]:
    assert answer.status_code == 200
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@before_any_statement
@pytest.mark.parametrize(("role", "status", "code"), [(None, 401, "UNAUTHENTICATED"), (Role.RUNNER, 403, "FORBIDDEN")])
async def test_numbers_are_for_those_who_may_read(
    database: Database, role: Role | None, status: int, code: str
) -> None:
    async with client_of(database, role, "e" if role else None) as client:
        answer = await client.get("/metrics")
    assert (answer.status_code, code_in(answer)) == (status, code)


async def test_numbers_of_the_database(database: Database) -> None:
    now = clock.now_us()
    ages = {"retry": (30, 90, 9_000), "alert.email": (700,)}
    rows = [
        {"id": f"{number:032x}", "kind": kind, "subject_id": "0" * 32, "created_at": now - seconds * clock.SECOND}
        | {"next_attempt_at": now}
        for number, (kind, seconds) in enumerate((kind, each) for kind, every in ages.items() for each in every)
    ]
    await insert(database, "outbox", rows)
    checks = {"workflow_id": "0" * 32, "finished_at": now, "execution_id": "0" * 32}
    await insert(database, "alert_checks", [checks, checks])
    async with client_of(database) as client:
        answer = await client.get("/metrics", headers={"accept": "text/plain"})
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["cache-control"] == "no-store"
    found = values(answer)
    waiting = {name: value for name, value in found.items() if name.startswith("runwatch_outbox_messages{") and value}
    assert {tuple(name.split('"')[1::2]): value for name, value in waiting.items()} == {
        ("1m", "retry"): 1,
        ("10m", "retry"): 1,
        ("longer", "retry"): 1,
        ("1h", "alert.email"): 1,
    }
    assert found['runwatch_outbox_oldest_seconds{kind="retry"}'] == pytest.approx(9_000, abs=60)
    assert found["runwatch_alert_checks"] == 2
    assert found["runwatch_database_up"] == 1
    # Busy at all of them is what the alert rule is about: those that may be opened yet count.
    pools = {
        pool: sum(value for name, value in found.items() if f'connections{{pool="{pool}"' in name)
        for pool in ("read", "write")
    }
    assert pools == ({"read": 10, "write": 10} if database.dialect == "postgres" else {"read": 4, "write": 1})
    assert found["runwatch_database_size_bytes"] > 100_000
    assert found["runwatch_database_transactions_total" + '{outcome="committed"}'] >= 2


async def test_requests_events_and_refusals_are_counted(database: Database) -> None:
    before = {number.name: dict(number.values) for number in (numbers.EVENTS, numbers.REJECTED, numbers.ERRORS)}

    def more(number: Any, *labels: str) -> float:
        return float(number.values.get(labels, 0) - before[number.name].get(labels, 0))

    async with client_of(database, Role.ADMIN, max_operation_cost=1_000) as client:
        good, bad = report("execution.queued"), report("execution.queued") | {"time": "yesterday"}
        answer = await client.post(
            "/api/events", json=[good, bad], headers={"content-type": "application/cloudevents-batch+json"}
        )
        assert answer.json()["accepted"] == 1
        query = "{ executions(first: 100) { nodes { id logs { nodes { id } } } } }"
        refused = await client.post("/graphql", json={"query": query})
        assert refused.json()["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
        found = values(await client.get("/metrics"))
    assert (more(numbers.EVENTS), more(numbers.REJECTED, "time"), more(numbers.ERRORS, "LIMIT_EXCEEDED")) == (1, 1, 1)
    assert found["runwatch_budget_refusals_total"] >= 1
    assert found['runwatch_http_requests_total{path="/api/events",status="202"}'] >= 1


@before_any_statement
async def test_database_that_hangs_leaves_the_other_numbers(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client_of(database) as client:
        monkeypatch.setattr("app.http.scraping.READ_SECONDS", 0.01)

        async def hang(*_: Any) -> Any:
            await asyncio.Event().wait()

        monkeypatch.setattr(database, "fetch", hang)
        found = values(await client.get("/metrics"))
    assert found["runwatch_database_up"] == 0
    assert "runwatch_alert_checks" not in found
    assert found["runwatch_websockets"] == 0


@before_any_statement
async def test_address_of_its_own_needs_no_token_and_has_nothing_else(database: Database) -> None:
    """The server says by which port a connection came; a Host that names the port does not count."""
    settings = Settings(_env_file=None, metrics_listen="127.0.0.1:9464")
    app = create_app(settings, database, SEALER)
    assert isinstance(app, OwnListener)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:9464") as client:
        assert "runwatch_build_info" in (await client.get("/metrics")).text
        for path in ("/graphql", "/api/events", "/", "/metrics/x"):
            assert (await client.get(path)).status_code == 404
        assert (await client.post("/metrics")).status_code == 404
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000") as client:
        assert (await client.get("/metrics", headers={"host": "127.0.0.1:9464"})).status_code == 401


@pytest.mark.parametrize("address", ["9464", "host:", "host:x", "host:0", "host:70000", "127.0.0.1:8000"])
def test_address_that_cannot_be(address: str) -> None:
    with pytest.raises(ValueError, match=r"host:port|another port"):
        Settings(_env_file=None, metrics_listen=address)
