"""Delivery of retries from the outbox: how requests are built, and what their end does to the execution."""

from __future__ import annotations

import json

import pytest

import runwatch_client.webhook
from app import clock
from app.changes.commits import Committed
from app.delivery.port import Handler
from app.engines import EngineKind
from app.events.decoding import Form, decode
from app.ids import to_global
from app.ingestion.contact import ContactSweep
from app.lifecycle import State
from app.retries.delivery import RetryHandler
from app.retries.ending import DISCONNECTED
from app.secrets.redaction import DEFAULT_SEALED_KEYS, SealedKeys
from app.secrets.revealing import reveal_trigger
from app.secrets.sealing import Sealer, new_key
from specs.harness.receiver import Answer, Receiver
from tests.app.delivery.bench import Bench
from tests.app.reports import NOW, newest_revision, report, select
from tests.sealing import SEALER

pytestmark = pytest.mark.usefixtures("quick")

# Everything that a decoder of JSON would change, and secrets among it.
DATA = (
    '{"z": 12345678901234567890, "a": 1.10, "Password": {"deep": [1e2, "\\ud800 \\u0000"]}, "list": [1.0, -0],'
    ' "s": "\\udfff é", "token": "s3cr3t-value",  "b": {}}'
)


async def failed_with(bench: Bench, data: str) -> str:
    """A failed execution whose trigger data are this text."""
    reports = [
        report("execution.queued", "raw", workflow="nightly", trigger={"kind": "api", "data": "HERE"}),
        report("execution.finished", "raw", at=5, state="FAILED"),
    ]
    body = json.dumps(reports).replace('"HERE"', data).encode()
    assert await bench.ingestion.record(decode(body, Form.BATCH, now=NOW, sealer=SEALER).events) == []
    (row,) = await select(bench.database, "executions", "external_id = $1", "raw")
    id_: str = row["id"]
    return id_


async def test_request_that_an_engine_receives(bench: Bench, receiver: Receiver) -> None:
    secret = await bench.connect(receiver.url)
    original = await failed_with(bench, DATA)
    retry = await bench.retry(original)
    receiver.script = [Answer(500), Answer(close=True)]
    async with bench.delivering():
        delivery = await bench.until_accepted(retry)
    assert len(receiver.requests) == delivery["attempts"] == 3
    for request in receiver.requests:
        read = runwatch_client.webhook.verify(request.body, request.headers, secret)
        assert read.trigger_json == DATA
        assert read.webhook_id == delivery["id"]
        assert read.external_id == (await bench.row(retry))["external_id"]
        assert (read.execution_id, read.retry_of) == (to_global("execution", retry), to_global("execution", original))
        assert (read.workflow, read.trigger_kind) == ("nightly", "api")
    assert "s3cr3t-value" not in str(await select(bench.database, "outbox", "1 = 1"))


async def test_the_message_of_the_original_goes_back_as_it_came(bench: Bench, receiver: Receiver) -> None:
    """Whatever is in it: a secret that the server knows of the same run stands in it unmasked, and only there."""
    secret = await bench.connect(receiver.url)
    message = "1.c2hvcC50YWtl.s3cr3t-value-of-the-run. \\ud800"
    data = {"password": "s3cr3t-value-of-the-run"}
    original = await bench.failed(trigger={"kind": "celery", "data": data, "message": message})
    retry = await bench.retry(original)
    async with bench.delivering():
        await bench.until_accepted(retry)
    [request] = receiver.requests
    assert runwatch_client.webhook.verify(request.body, request.headers, secret).message == message
    stored = str([await select(bench.database, table, "1 = 1") for table in ("executions", "execution_payloads")])
    assert "s3cr3t" not in stored
    assert await reveal_trigger(bench.database, SEALER, original, "ada") == json.dumps(data)


async def test_an_execution_without_trigger_data(bench: Bench, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    retry = await bench.retry(await bench.failed(trigger={"kind": "manual"}))
    async with bench.delivering():
        await bench.until_accepted(retry)
    assert receiver.requests[0].data["trigger"] == {"kind": "manual", "data": None}


@pytest.mark.parametrize(
    "said",
    [
        "no: token=s3cr3t-value",
        "nothing at /services/T0123456789ABCDEF?key=query-key",
        '{"url": "WHOLE"}',
        "no: SIGNING",
        # The bound cuts within a secret, and masking makes room for the rest of it.
        "s3cr3t-value " * 20 + "x" * (4096 - 260 - 8) + "s3cr3t-value",
    ],
)
async def test_no_secret_is_told(bench: Bench, receiver: Receiver, said: str) -> None:
    """An engine may echo what it received."""
    url = f"{receiver.url}/T0123456789ABCDEF?key=query-key"
    signing = await bench.connect(url)
    retry = await bench.retry()
    receiver.answer = Answer(410, said.replace("WHOLE", url).replace("SIGNING", signing).encode())
    async with bench.delivering():
        told = str(await bench.until_failed(retry))
    told += str(await bench.row(retry))
    assert "•••" in told
    for secret in ("s3cr", "T0123456789ABCDEF", "query-key", signing):
        assert secret not in told


@pytest.mark.parametrize("length", [40, 200_000])
async def test_no_message_of_a_trigger_is_told(bench: Bench, receiver: Receiver, length: int) -> None:
    """It is never shown, and an engine may echo it too."""
    await bench.connect(receiver.url)
    message = "".join(f"{number:x}." for number in range(length))[:length]
    retry = await bench.retry(await bench.failed(trigger={"kind": "celery", "message": message}))
    receiver.answer = Answer(410, json.dumps({"refused": {"message": message}}).encode())
    async with bench.delivering():
        told = str(await bench.until_failed(retry))
    told += str(await bench.row(retry))
    assert "•••" in told
    assert message[:20] not in told


async def test_a_binary_answer_can_be_kept(bench: Bench, receiver: Receiver) -> None:
    """Neither database keeps NUL in a text; an error that cannot be kept would be delivered for ever."""
    await bench.connect(receiver.url)
    retry = await bench.retry()
    receiver.answer = Answer(410, bytes(range(256)) * 100)
    async with bench.delivering():
        delivery = await bench.until_failed(retry)
    row = await bench.row(retry)
    assert row["state"] == State.FAILED
    for kept in (delivery["last_error"], row["error_message"]):
        assert "410 Gone: \ufffd\x01\x02" in kept
        assert 3000 < len(kept.encode()) < 5000


async def test_a_retry_that_was_asked_for_while_its_engine_was_disconnected(bench: Bench, receiver: Receiver) -> None:
    """Its transaction saw the way back, and committed when that was gone."""
    await bench.connect(receiver.url)
    retry = await bench.retry()
    await bench.run("UPDATE engines SET kind = 'NONE', connection_sealed = NULL")
    async with bench.delivering():
        delivery = await bench.until_failed(retry)
    assert (delivery["last_error"], delivery["next_attempt_at"]) == (DISCONNECTED, None)
    assert (await bench.row(retry))["state"] == State.CANCELLED
    assert receiver.requests == []


async def test_a_key_that_was_lost(bench: Bench, receiver: Receiver) -> None:
    """It may be given back, so there are further attempts; what cannot be unsealed is not sent."""
    await bench.connect(receiver.url)
    retry = await bench.retry()
    keyless = Sealer([new_key()], SealedKeys(DEFAULT_SEALED_KEYS.split(",")))

    def lose(_: Handler) -> Handler:
        return RetryHandler(bench.database, keyless, bench.ingestion, {EngineKind.WEBHOOK: NeverAsked()})

    async with bench.delivering(handler=lose):
        delivery = await bench.until_failed(retry)
    assert "RUNWATCH_SECRET_KEY" in delivery["last_error"]
    async with bench.delivering():
        await bench.until_accepted(retry)


class NeverAsked:
    """A way back that has nothing to do."""

    async def send(self, request: object, connection: dict[str, str]) -> None:
        raise AssertionError(f"asked to send {request}")

    async def reach(self, connection: dict[str, str]) -> str:
        raise AssertionError

    async def close(self) -> None:
        pass


async def test_a_deleted_execution_ends_its_delivery(bench: Bench, receiver: Receiver) -> None:
    await bench.connect(receiver.url)
    retry = await bench.retry()
    revision = await newest_revision(bench.database)
    await bench.run("DELETE FROM execution_payloads WHERE execution_id = $1", retry)
    await bench.run("DELETE FROM executions WHERE id = $1", retry)
    async with bench.delivering():
        await bench.until_delivery(retry, lambda row: row["next_attempt_at"] is None)
    assert receiver.requests == []
    assert await newest_revision(bench.database) == revision


async def test_each_attempt_takes_a_revision(bench: Bench, receiver: Receiver) -> None:
    """Readers of the execution see how its delivery stands; those of the original see nothing of that."""
    await bench.connect(receiver.url)
    original = await bench.failed()
    retry = await bench.retry(original)
    before, of_original = await newest_revision(bench.database), await bench.revision(original)
    bench.heard.clear()
    receiver.script = [Answer(500), Answer(500)]
    async with bench.delivering():
        await bench.until_accepted(retry)
    assert await newest_revision(bench.database) == before + 3
    assert (await bench.revision(retry), await bench.revision(original)) == (before + 3, of_original)
    assert not (await bench.row(retry))["awaiting_dispatch"]
    assert bench.heard == [Committed(before + number, [retry], []) for number in (1, 2, 3)]


async def test_a_retry_that_waits_has_not_lost_contact(bench: Bench, receiver: Receiver) -> None:
    """Neither for its engine, nor in its queue: silence says nothing of what has not begun."""
    await bench.connect(receiver.url)
    retry = await bench.retry()
    await bench.run("UPDATE executions SET received_at = received_at - $1", 60 * clock.MINUTE)
    sweep = ContactSweep(bench.database, 30 * 60)
    assert await sweep.sweep() == 0
    async with bench.delivering():
        await bench.until_accepted(retry)
    assert await sweep.sweep() == 0
    await bench.run("UPDATE executions SET received_at = received_at - $1", 60 * clock.MINUTE)
    assert await sweep.sweep() == 0
    assert (await bench.row(retry))["state"] == State.QUEUED
