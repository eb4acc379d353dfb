"""An engine of Celery is offered retries once its workers have said that they run each once."""

from __future__ import annotations

from typing import Any

import pytest

from app import engines
from app.db import Database
from app.engines import Engine
from app.engines.connections import connect_celery
from app.errors import RetryRefused
from app.ingestion import Ingestion
from app.retries import Asked, Retries
from app.retries.blockers import RetryBlocker
from tests.app.reports import events, report, row_of
from tests.sealing import SEALER

FAILED = report("execution.finished", at=5, state="FAILED")
TRIGGER = report("execution.queued", workflow="w", trigger={"kind": "celery", "data": {"args": []}})


def claiming(value: Any = "1", **more: Any) -> dict[str, Any]:
    """An event of a worker."""
    return {**report("execution.started"), "runwatchclaims": value, **more}


async def engine_of(database: Database) -> Engine:
    return (await engines.by_names(database, ["engine"]))["engine"]


@pytest.fixture
async def connected(database: Database) -> Database:
    """A database that knows the broker of the engine of the reports."""
    await connect_celery(database, SEALER, "engine", "redis://127.0.0.1:9/0", replace=False)
    return database


async def test_only_then_is_a_retry_offered(connected: Database) -> None:
    ingestion = Ingestion(connected, SEALER)
    await ingestion.record(events([TRIGGER, FAILED]))
    asked = Asked((await row_of(connected, "run"))["id"], "ada")
    with pytest.raises(RetryRefused) as refused:
        await Retries(connected, SEALER).request(asked)
    assert refused.value.extensions["reasons"] == [RetryBlocker.ENGINE_CANNOT_RETRY]
    assert not (await engine_of(connected)).can_retry
    await ingestion.record(events([claiming()]))
    assert (await engine_of(connected)).can_retry
    assert (await Retries(connected, SEALER).request(asked)).created


@pytest.mark.parametrize("value", [None, "", "0", 1, True, ["1"], {"a": 1}])
async def test_anything_but_the_one_word_says_nothing(connected: Database, value: Any) -> None:
    assert await Ingestion(connected, SEALER).record(events([claiming(value)])) == []
    assert not (await engine_of(connected)).can_retry


async def test_unconnected_engine_cannot_retry(database: Database) -> None:
    await Ingestion(database, SEALER).record(events([claiming()]))
    engine = await engine_of(database)
    assert (engine.claims_retries, engine.can_retry) == (True, False)


async def test_each_process_writes_it_once(connected: Database) -> None:
    first = Ingestion(connected, SEALER)
    await first.record(events([claiming()]))
    await connected.transaction(lambda tx: tx.fetch("UPDATE engines SET claims_retries = FALSE"))
    await first.record(events([claiming()]))
    assert not (await engine_of(connected)).can_retry, "it is remembered, not written again"
    await Ingestion(connected, SEALER).record(events([claiming()]))
    assert (await engine_of(connected)).can_retry


async def test_rolled_back_claim_is_not_remembered(connected: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ingestion = Ingestion(connected, SEALER)

    async def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(ingestion, "merge", fail)
        with pytest.raises(ZeroDivisionError):
            await ingestion.record(events([claiming()]))
    await ingestion.record(events([claiming()]))
    assert (await engine_of(connected)).can_retry


async def test_other_engines_in_the_same_body_are_not_meant(connected: Database) -> None:
    await connect_celery(connected, SEALER, "other", "redis://127.0.0.1:9/0", replace=False)
    quiet = {**report("execution.started"), "source": "other"}
    await Ingestion(connected, SEALER).record(events([claiming(), quiet]))
    found = await engines.by_names(connected, ["engine", "other"])
    assert [found[name].can_retry for name in ("engine", "other")] == [True, False]
