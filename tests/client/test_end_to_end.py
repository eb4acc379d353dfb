"""The client against a real Runwatch: what a run, a Celery task and a retry look like when asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runwatch_client import Runwatch as Client
from specs.harness.celery_processes import Publisher, Worker
from specs.harness.driver import Runwatch, Server
from specs.harness.servers import ValkeyServer
from tests.client import CELERY_APP

pytestmark = pytest.mark.slow

RUNS = """
{ executions(first: 20) { nodes {
    externalId workflowName state
    error { type message }
    trigger { kind data incomplete }
    steps { index name state }
    failedStep { index }
} } }
"""


@pytest.fixture(scope="module")
def runwatch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runwatch]:
    """A server on SQLite."""
    folder = tmp_path_factory.mktemp("runwatch")
    server = Server(folder, f"sqlite:///{folder}/runwatch.db")
    server.start()
    runwatch = Runwatch(server.url, "", server.environment)
    runwatch.admin = runwatch.token("admin")
    yield runwatch
    runwatch.close()
    assert server.stop() == 0, server.log


async def run_of(runwatch: Runwatch, external_id: str, met: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """A run as the API shows it, once it is as wanted."""
    deadline = time.monotonic() + 60
    while True:
        nodes = (await runwatch.query(RUNS))["executions"]["nodes"]
        found = [node for node in nodes if node["externalId"] == external_id]
        if found and met(found[0]):
            return dict(found[0])
        assert time.monotonic() < deadline, nodes
        await asyncio.sleep(0.05)


def send_invoices(client: Client) -> None:
    """A run that fails in the second of its three steps."""
    with client.execution(
        "send invoices",
        trigger_kind="schedule",
        trigger_json='{"account": 12345678901234567890, "price": 1.10}',
        external_id="run-1",
        definition=["collect", "render", "send"],
    ) as run:
        with run.step("collect"):
            run.log("INFO", "2 accounts")
        with run.step("render"):
            int("seven")


async def test_a_run_of_python_code(runwatch: Runwatch) -> None:
    token = runwatch.token("runner", "billing")
    with Client(runwatch.url, token, "billing", linger=0.01) as client:
        with pytest.raises(ValueError, match="seven"):
            send_invoices(client)
        with client.execution("odd", trigger_data={"value": object(), "nan": float("nan")}, external_id="run-2"):
            pass
        assert client.flush(30)
        assert client.stats.rejected == client.stats.dropped == 0
    shown = await run_of(runwatch, "run-1", lambda run: run["state"] == "FAILED")
    assert shown["workflowName"] == "send invoices"
    assert shown["trigger"] == {
        "kind": "schedule",
        "data": {"account": 12345678901234567890, "price": 1.1},
        "incomplete": False,
    }
    assert shown["error"] == {
        "type": "ValueError",
        "message": "invalid literal for int() with base 10: 'seven'",
    }
    assert [(step["name"], step["state"]) for step in shown["steps"]] == [
        ("collect", "SUCCEEDED"),
        ("render", "FAILED"),
        ("send", "SKIPPED"),
    ]
    assert shown["failedStep"] == {"index": 1}
    odd = await run_of(runwatch, "run-2", lambda run: run["state"] == "SUCCEEDED")
    assert odd["trigger"]["incomplete"], "no retry is offered with other data than the original had"
    assert odd["trigger"]["data"]["nan"] is None
    assert odd["trigger"]["data"]["value"]["repr"].startswith("<object object")


async def test_tasks_of_celery(runwatch: Runwatch, tmp_path: Path) -> None:
    with ValkeyServer(own=True) as broker:
        environment = {
            "TEST_BROKER": broker.url.removesuffix("/0"),
            "TEST_SINK": runwatch.url,
            "TEST_TOKEN": runwatch.token("runner", "shop"),
            "TEST_FOLDER": str(tmp_path),
        }
        with Publisher(CELERY_APP, environment) as publish, Worker(CELERY_APP, environment, tmp_path, "--pool", "solo"):
            chain = publish("(add.s(1, 2) | fail.s() | inc.s()).delay()")[-1]
            group = publish("group(add.s(1, 2), inc.s(3)).delay()")[-1]
            failed = await run_of(runwatch, chain, lambda run: run["state"] == "FAILED" and len(run["steps"]) == 3)
            assert failed["workflowName"] == "chain(shop.add, shop.fail, shop.inc)"
            assert failed["error"] == {"type": "tests.client.celery_app.OutOfStock", "message": "lamp: 0 left"}
            assert [step["state"] for step in failed["steps"]] == ["SUCCEEDED", "FAILED", "SKIPPED"]
            # The worker reports its end and the publisher its identity, each in its own time.
            done = await run_of(
                runwatch,
                group,
                lambda run: (run["workflowName"], run["state"]) == ("group(shop.add, shop.inc)", "SUCCEEDED"),
            )
            assert not done["trigger"]["incomplete"]
            assert [each["task"] for each in done["trigger"]["data"]["group"]] == ["shop.add", "shop.inc"]
