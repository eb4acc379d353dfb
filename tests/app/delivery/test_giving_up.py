"""The end of a retry that its engine did not accept: how it changes the execution, and what corrects it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from app.db import Database
from app.delivery.outbox import OutboxItem
from app.events.decoding import Form, decode
from app.executions import lineage
from app.ids import to_global
from app.lifecycle import State
from app.retries.delivery import RetryHandler
from specs.harness.receiver import Answer, Receiver
from tests.app.delivery.bench import Bench
from tests.app.reports import NOW, newest_revision, report, select
from tests.sealing import SEALER

pytestmark = pytest.mark.usefixtures("quick")


async def family(bench: Bench) -> list[str]:
    """An execution, a retry of it, a retry of that, and so on; all have failed but the last, which is queued."""
    line = [await bench.failed()]
    for _ in range(3):
        line.append(await bench.retry(line[-1]))
        await bench.tell(line[-1], "execution.finished", state="FAILED")
    return [*line, await bench.retry(line[-1])]


async def test_giving_up_finishes_the_execution(bench: Bench, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    line = await family(bench)
    receiver.answer = Answer(500, b"disk full")
    before = await newest_revision(bench.database)
    bench.heard.clear()
    async with bench.delivering(give_up_after=0):
        delivery = await bench.until_failed(line[-1])
    assert (delivery["next_attempt_at"], delivery["accepted_at"]) == (None, None)
    assert delivery["last_error"] == "500 Internal Server Error: disk full"
    row = await bench.row(line[-1])
    assert (row["state"], row["error_type"]) == (State.FAILED, "DispatchFailed")
    assert "disk full" in row["error_message"]
    assert delivery["created_at"] <= row["finished_at"]
    assert row["error_group_id"] is not None
    revisions = [await bench.revision(id_) for id_ in line]
    assert sorted(revisions) == list(range(before + 1, before + 6))
    (heard,) = bench.heard
    assert (heard.revision, sorted(heard.changed)) == (before + 5, sorted(line))
    # It has failed, and can be retried as what an engine has failed with.
    assert await bench.retry(line[-1])


async def test_the_engines_word_corrects_ours(bench: Bench, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    line = await family(bench)
    receiver.answer = Answer(410)
    async with bench.delivering():
        await bench.until_failed(line[-1])
        assert (await bench.row(line[-1]))["state"] == State.FAILED
        await bench.tell(line[-1], "execution.started", at=8)
        # So it has arrived: the given up retry is accepted after all.
        delivery = await bench.delivery(line[-1])
        assert (delivery["accepted_at"] is not None, delivery["next_attempt_at"]) == (True, None)
        await bench.tell(line[-1], "execution.finished", at=9, state="SUCCEEDED")
    row = await bench.row(line[-1])
    assert (row["state"], row["error_type"], row["error_message"]) == (State.SUCCEEDED, None, None)
    assert [bool((await bench.row(id_))["retry_succeeded"]) for id_ in line] == [True] * 4 + [False]
    assert await lineage.roots_of(bench.database, line) == dict.fromkeys(line, line[0])


async def test_giving_up_and_the_engines_word_at_once(bench: Bench, databases: list[Database]) -> None:
    """Whichever commits first: the engine has it, and its word holds."""
    await bench.connect("http://127.0.0.1:9/")
    root = await bench.failed()
    await bench.ingestion.record(decode_siblings(root, 8))
    siblings = await select(bench.database, "executions", "retry_of = $1", root)
    retries = [await bench.retry(row["id"]) for row in siblings]
    handlers = [RetryHandler(one, SEALER, Bench(one).ingestion, {}) for one in databases]

    async def give_up(number: int) -> None:
        item = await item_of(bench, retries[number])
        await handlers[number % len(handlers)].settle(item, "no", True)

    async def speak(number: int) -> None:
        await bench.tell(retries[number], "execution.finished", state="SUCCEEDED")

    await asyncio.gather(*(work(number) for number in range(8) for work in (give_up, speak)))
    for retry in retries:
        assert (await bench.row(retry))["state"] == State.SUCCEEDED
        delivery = await bench.delivery(retry)
        assert (delivery["accepted_at"] is not None, delivery["next_attempt_at"]) == (True, None)
    assert (await bench.row(root))["retry_succeeded"]


def decode_siblings(root: str, number: int) -> Any:
    """Failed retries of one execution that its engine made by itself."""
    reports = [
        one
        for place in range(number)
        for one in (
            report("execution.queued", f"sibling-{place}", retryOf=to_global("execution", root)),
            report("execution.finished", f"sibling-{place}", at=5, state="FAILED"),
        )
    ]
    return decode(json.dumps(reports).encode(), Form.BATCH, now=NOW, sealer=SEALER).events


async def item_of(bench: Bench, retry: str) -> OutboxItem:
    """A delivery as a loop has it when the engine does not take it."""
    row = await bench.delivery(retry)
    engine = (await bench.row(retry))["engine_id"]
    return OutboxItem(row["id"], row["kind"], retry, row["created_at"], row["attempts"], engine)
