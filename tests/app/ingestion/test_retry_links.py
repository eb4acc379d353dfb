"""retryOf: what an engine may call a retry of what."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.db import Database
from app.events import Event
from app.ingestion import Ingestion
from tests.app.reports import events, report, row_of, select
from tests.sealing import SEALER


@pytest.fixture
def ingestion(database: Database) -> Ingestion:
    return Ingestion(database, SEALER)


async def runs(ingestion: Ingestion, database: Database, *subjects: str) -> list[str]:
    """The ids, as the API shows them, of new executions."""
    for subject in subjects:
        assert await ingestion.record(events([report("execution.queued")], subject)) == []
    return [f"execution_{(await row_of(database, subject))['id']}" for subject in subjects]


def claims(*links: tuple[str, str], source: str = "engine") -> list[Event]:
    """Events that call the first subject a retry of the execution of the second, an id, with their places."""
    given = [
        {**report("execution.started", subject, at=place, id_=f"c{place}", retryOf=parent), "source": source}
        for place, (subject, parent) in enumerate(links)
    ]
    return events(given)


async def links(database: Database) -> dict[str, str | None]:
    """Who retries whom, by subject."""
    rows: list[dict[str, Any]] = await select(database, "executions", "1 = 1")
    names = {row["id"]: row["external_id"] for row in rows}
    return {row["external_id"]: names.get(row["retry_of"]) for row in rows}


async def test_a_retry_of_a_known_run(ingestion: Ingestion, database: Database) -> None:
    (a,) = await runs(ingestion, database, "a")
    assert await ingestion.record(claims(("b", a))) == []
    assert await links(database) == {"a": None, "b": "a"}


async def test_of_an_unknown_run(ingestion: Ingestion, database: Database) -> None:
    (a,) = await runs(ingestion, database, "a")
    rejected = await ingestion.record(claims(("b", "execution_" + "0" * 32), ("c", a)))
    assert [(one.index, one.id, one.error) for one in rejected] == [(0, "c0", "retryOf: no such execution")]
    assert await links(database) == {"a": None, "c": "a"}


async def test_of_another_engines_run(ingestion: Ingestion, database: Database) -> None:
    (a,) = await runs(ingestion, database, "a")
    rejected = await ingestion.record(claims(("b", a), source="other"))
    assert [one.error for one in rejected] == ["retryOf: an execution of another engine"]
    assert await links(database) == {"a": None}


async def test_of_itself(ingestion: Ingestion, database: Database) -> None:
    a, _ = await runs(ingestion, database, "a", "b")
    rejected = await ingestion.record(claims(("a", a), ("b", a)))
    assert [one.index for one in rejected] == [0]
    assert "of itself" in rejected[0].error
    assert await links(database) == {"a": None, "b": "a"}


async def test_a_cycle_through_stored_links(ingestion: Ingestion, database: Database) -> None:
    a, b, c = await runs(ingestion, database, "a", "b", "c")
    for link in (("b", a), ("c", b)):
        assert await ingestion.record(claims(link)) == []
    rejected = await ingestion.record(claims(("d", c), ("a", c), ("e", a)))
    assert [one.index for one in rejected] == [1]
    assert await links(database) == {"a": None, "b": "a", "c": "b", "d": "c", "e": "a"}


async def test_a_cycle_within_one_batch(ingestion: Ingestion, database: Database) -> None:
    a, b, c = await runs(ingestion, database, "a", "b", "c")
    rejected = await ingestion.record(claims(("a", b), ("b", c), ("c", a), ("d", a)))
    assert [one.index for one in rejected] == [2]
    assert await links(database) == {"a": "b", "b": "c", "c": None, "d": "a"}


async def test_a_cycle_half_stored_half_in_the_batch(ingestion: Ingestion, database: Database) -> None:
    a, b, d = await runs(ingestion, database, "a", "b", "d")
    assert await ingestion.record(claims(("b", a))) == []
    rejected = await ingestion.record(claims(("d", b), ("a", d)))
    assert [one.index for one in rejected] == [1]
    assert await links(database) == {"a": None, "b": "a", "d": "b"}


async def test_the_other_events_of_a_rejected_ones_run_are_taken(ingestion: Ingestion, database: Database) -> None:
    unknown = claims(("a", "execution_" + "0" * 32))
    (finish,) = events([report("execution.finished", "a", at=5, state="FAILED")])
    assert len(await ingestion.record([*unknown, msgspec.structs.replace(finish, index=1)])) == 1
    row = await row_of(database, "a")
    assert (row["retry_of"], row["started_at"]) == (None, None)
    assert row["finished_at"] is not None


async def test_secrets_of_a_rejected_event_are_masked_in_its_run(ingestion: Ingestion, database: Database) -> None:
    trigger = {"kind": "k", "data": {"password": "xyzzy-4711"}}
    given = [
        report("execution.queued", "a", retryOf="execution_" + "0" * 32, trigger=trigger),
        report("execution.finished", "a", at=5, state="FAILED", error={"message": "no xyzzy-4711"}),
    ]
    assert [one.index for one in await ingestion.record(events(given))] == [0]
    assert (await row_of(database, "a"))["error_message"] == "no •••"


async def test_all_rejected_leaves_no_run(ingestion: Ingestion, database: Database) -> None:
    assert len(await ingestion.record(claims(("b", "execution_" + "0" * 32)))) == 1
    assert await links(database) == {}
