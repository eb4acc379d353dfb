"""New executions are inserted while the next are merged: the same rows, whatever is made when."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import chain
from typing import Any

import pytest

from app import turns
from app.db import Database
from app.events import Event
from app.ingestion import Ingestion, failures, fresh_rows, log_rows, step_rows
from app.secrets.sealing import Sealer
from tests.app.reports import dump, events, line, newest_revision, report, select, step
from tests.sealing import SEALER

RUNS = 23


def run(number: int, subject: str = "run") -> list[Event]:
    """Events of a run: every third fails, the fifth has more lines than are made in one go, the sixth more steps."""
    lines = 3 * log_rows.PIECE + 1 if number == 5 else number % 3
    steps = step_rows.PIECE + 1 if number == 6 else number % 4
    reports = [
        report("execution.queued", workflow=f"w{number % 4}", trigger={"kind": "webhook", "data": {"order": number}}),
        *(step("finished", index, at=index, state="SUCCEEDED", output={"n": index}) for index in range(steps)),
        *(line(f"line {each}", at=each) for each in range(lines)),
    ]
    if number % 3 == 0:
        error = {"type": "ToolError", "message": f"exit code {number}", "stackTrace": "at 1"}
        reports.append(report("execution.finished", at=99, state="FAILED", error=error))
    return events(reports, subject=f"{subject} {number}")


def runs(subject: str = "run") -> list[Event]:
    return list(chain.from_iterable(run(number, subject) for number in range(RUNS)))


@pytest.fixture(params=[(1, 1), (2, 5), (fresh_rows.PIECE, None)], ids=str)
def sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How much is made in one go, and worth a statement."""
    piece, worth = request.param
    monkeypatch.setattr(fresh_rows, "PIECE", piece)
    if worth is not None:
        monkeypatch.setattr(fresh_rows, "WORTH", dict.fromkeys(fresh_rows.WORTH, worth))


@pytest.mark.usefixtures("sizes")
async def test_many_are_stored_as_each_alone(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    await ingestion.record(runs("together"))
    assert await newest_revision(database) == RUNS
    figures = await _figures(database)
    for number in range(RUNS):
        await ingestion.record(run(number, "alone"))
        assert await dump(database, f"together {number}") == await dump(database, f"alone {number}")
    assert await _figures(database) == sorted(2 * figures)


async def _figures(database: Database) -> list[Any]:
    return sorted((row["status"], row["error_group_id"]) for row in await select(database, "metric_deltas", "1 = 1"))


@pytest.mark.usefixtures("sizes")
async def test_several_processes_insert_the_same(databases: list[Database]) -> None:
    await asyncio.gather(*(Ingestion(each, SEALER).record(runs()) for each in (*databases, *databases)))
    await Ingestion(databases[0], SEALER).record(runs("alone"))
    for number in range(RUNS):
        assert await dump(databases[0], f"run {number}") == await dump(databases[0], f"alone {number}")


@pytest.mark.usefixtures("sizes")
async def test_what_fails_on_the_way_leaves_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ingestion, derive_fresh, left = Ingestion(database, SEALER), failures.derive_fresh, 3 * (RUNS // 4)

    async def fail(transaction: Any, facts: Any, splits: Any) -> failures.Parts:
        nonlocal left
        left -= len(facts)
        if left < 0:
            raise ZeroDivisionError
        return await derive_fresh(transaction, facts, splits)

    with monkeypatch.context() as patched:
        patched.setattr(failures, "derive_fresh", fail)
        with pytest.raises(ZeroDivisionError):
            await ingestion.record(runs())
    assert await select(database, "executions", "1 = 1") == []
    await ingestion.record(runs())
    assert len(await select(database, "executions", "1 = 1")) == await newest_revision(database) == RUNS


async def test_secrets_are_sealed_a_few_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sealing those of one run takes 40 µs: of all of a body, nobody else would be served for 0.1 s."""
    reports = [
        report("execution.queued", f"run {number}", trigger={"data": {"password": f"hunter {number}"}})
        for number in range(RUNS)
    ]
    given, encrypt, turn, sealed = events(reports), Sealer.encrypt, 0, Counter[int]()

    def note(sealer: Sealer, content: object) -> str:
        sealed[turn] += 1
        return encrypt(sealer, content)

    async def count_turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(turns, "SECONDS", 0.0)  # each pause is one
    monkeypatch.setattr(fresh_rows, "PIECE", 2)
    monkeypatch.setattr(Sealer, "encrypt", note)
    counting = asyncio.create_task(count_turns())
    await Ingestion(database, SEALER).record(given)
    counting.cancel()
    assert sealed.total() == RUNS
    assert max(sealed.values()) <= 2 * fresh_rows.PIECE
