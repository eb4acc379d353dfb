"""Sending events to a server that fails, stalls and resets: nothing is lost while there is room, nobody waits."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from functools import partial

import pytest

from runwatch_client import Runwatch, delivery
from runwatch_client.buffer import MAX_BATCH_BYTES, MAX_BATCH_EVENTS
from specs.harness.counts import count
from tests.client.sink import Answer, Event, Sink, accept

AWAY = "http://127.0.0.1:9"  # the port of a service that no machine runs nowadays


def emit(client: Runwatch, number: int, first: int = 0) -> None:
    for each in range(first, first + number):
        client.emit("run", "execution.heartbeat", None, id=f"run/{each}")


def ids(events: list[Event]) -> list[str]:
    return [event["id"] for event in events]


def ids_are(sink: Sink, number: int) -> bool:
    return ids(sink.events) == [f"run/{each}" for each in range(number)]


def status(code: int, **headers: str) -> Answer:
    body = {"errors": [{"message": f"test {code}", "extensions": {"code": "X"}}]}
    return code, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode()


def test_events_are_sent_in_batches(sink: Sink, client: Runwatch) -> None:
    queued = threading.Event()

    def accept_later(events: list[Event]) -> Answer:
        assert queued.wait(30)
        return accept(events)

    sink.script = [accept_later]  # the first batch may be a small one
    emit(client, 1_200)
    queued.set()
    assert client.flush(30)
    assert ids(sink.events) == [f"run/{number}" for number in range(1_200)]
    assert max(map(len, sink.batches)) == MAX_BATCH_EVENTS
    assert {request["path"] for request in sink.requests} == {"/api/events"}
    assert {request["authorization"] for request in sink.requests} == {"Bearer secret-token"}
    assert {request["content-type"] for request in sink.requests} == {"application/cloudevents-batch+json"}
    assert client.stats.sent == 1_200
    assert client.stats.pending == 0
    assert {event["source"] for event in sink.events} == {"billing"}


def test_batches_are_bounded_in_bytes(sink: Sink, client: Runwatch) -> None:
    for number in range(8):
        client.emit("run", "log.written", {"level": "INFO", "message": "x" * 400_000}, id=f"run/{number}")
    assert client.flush(30)
    assert len(sink.events) == 8
    assert max(int(request["content-length"]) for request in sink.requests) <= MAX_BATCH_BYTES


def test_a_lonely_event_is_sent_soon(sink: Sink, client: Runwatch) -> None:
    for number in range(3):
        emit(client, 1, number)
        sink.wait(partial(ids_are, sink, number + 1), 2)


@pytest.mark.slow
@pytest.mark.parametrize("code", [429, 500, 503])
def test_the_same_batch_is_sent_again_until_it_is_taken(sink: Sink, client: Runwatch, code: int) -> None:
    sink.script = [lambda _: status(code), lambda _: None, lambda _: status(code, retry_after="0")]
    emit(client, 3)
    assert client.flush(30)
    assert ids(sink.events) == ["run/0", "run/1", "run/2"]
    # All three are in it, unless this thread was held up between them for longer than the client lingers.
    assert sink.batches[:4] == [sink.batches[0]] * 4
    assert [event for batch in sink.batches[3:] for event in batch] == sink.events
    assert client.stats == client.stats.__class__(sent=3, rejected=0, dropped=0, pending=0)


def test_every_event_arrives_through_a_server_that_fails_at_random(
    sink: Sink, client: Runwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 0.002)
    monkeypatch.setattr(delivery, "MAX_PAUSE", 0.1)  # a row of failures, doubled each time, is soon minutes
    chance = random.Random(7)

    def lose_the_answer(events: list[Event]) -> Answer | None:
        sink.events += events
        return None

    def fail(events: list[Event]) -> Answer | None:
        if len(events) == 1:
            return status(500)
        way = chance.randrange(4)
        return None if way == 0 else lose_the_answer(events) if way == 1 else status((503, 413)[way - 2])

    rounds = count("rounds of a server that fails", 5, 100)
    for number in range(rounds):
        sink.script = [chance.choice([accept, fail]) for _ in range(20)]
        threads = [threading.Thread(target=emit, args=(client, 50, number * 1_000 + each * 100)) for each in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.flush(20)
    wanted = {f"run/{n * 1_000 + each * 100 + i}" for n in range(rounds) for each in range(4) for i in range(50)}
    assert set(ids(sink.events)) == wanted
    assert client.stats.sent == len(wanted)
    assert client.stats.dropped == 0


@pytest.mark.slow
def test_retry_after_is_honoured(sink: Sink, client: Runwatch) -> None:
    sink.script = [lambda _: status(429, retry_after="1")]
    started = time.monotonic()
    emit(client, 1)
    assert client.flush(30)
    assert time.monotonic() - started >= 1


@pytest.mark.slow
def test_a_server_that_stalls_costs_the_job_nothing(sink: Sink) -> None:
    told = threading.Event()

    def stall(events: list[Event]) -> Answer:
        told.wait(30)
        return accept(events)

    client = Runwatch(sink.url, "token", "billing", linger=0.01, timeout=2)
    sink.script = [stall]
    emit(client, 1)
    sink.wait(lambda: sink.batches)
    emit(client, 1_000, 1)
    assert len(sink.batches) == 1, "the job waits for the server until it has given up"
    sink.wait(lambda: len(sink.batches) > 1)
    told.set()
    assert client.flush(30)
    assert set(ids(sink.events)) == {f"run/{number}" for number in range(1_001)}, "the first may have come twice"
    client.close(1)


def test_one_bad_event_is_dropped_alone(sink: Sink, client: Runwatch, caplog: pytest.LogCaptureFixture) -> None:
    def picky(events: list[Event]) -> Answer:
        return status(400) if "run/13" in ids(events) else accept(events)

    sink.script = [picky] * 20
    emit(client, 40)
    assert client.flush(30)
    assert sorted(ids(sink.events)) == sorted(f"run/{number}" for number in range(40) if number != 13)
    assert client.stats.dropped == 1
    assert client.stats.sent == 39
    told = [record.getMessage() for record in caplog.records if record.name == "runwatch_client"]
    assert len(told) == 1
    assert "run/13" in told[0]


def test_a_server_that_takes_less_is_given_less(sink: Sink, client: Runwatch) -> None:
    def small(events: list[Event]) -> Answer:
        return status(413) if len(events) > 100 else accept(events)

    sink.script = [small] * 100
    emit(client, 500)
    assert client.flush(30)
    emit(client, 500, 500)
    assert client.flush(30)
    assert len(sink.events) == 1_000
    assert client.stats.dropped == 0
    refused = sum(len(batch) > 100 for batch in sink.batches)
    assert refused <= 7, "and it is remembered"


def test_rejected_events_are_counted_and_told_once(
    sink: Sink, client: Runwatch, caplog: pytest.LogCaptureFixture
) -> None:
    def reject_first(events: list[Event]) -> Answer:
        told = {"accepted": len(events) - 1, "rejected": [{"index": 0, "id": "x", "error": "name: empty"}]}
        return 202, {}, json.dumps(told).encode()

    sink.script = [reject_first] * 2
    for _ in range(2):
        emit(client, 3)
        assert client.flush(30)
    assert client.stats.rejected == 2
    assert client.stats.sent == 4
    assert [record.getMessage() for record in caplog.records if record.name == "runwatch_client"] == [
        "Runwatch rejected an event: name: empty"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("code", [401, 403])
def test_a_wrong_token_keeps_the_events_and_is_told_once(
    sink: Sink, client: Runwatch, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    sink.script = [lambda _: status(code)] * 2
    emit(client, 2)
    assert client.flush(30)
    assert len(sink.events) == 2
    told = [record.getMessage() for record in caplog.records if record.name == "runwatch_client"]
    assert told == [f"Runwatch refused this engine's token: {code}, test {code}"]


def test_while_the_server_is_away_log_lines_are_dropped_first() -> None:
    client = Runwatch(AWAY, "token", "billing", max_events=100)
    for number in range(60):
        client.emit("run", "log.written", {"level": "INFO", "message": "x"}, minor=True)
        client.emit("run", "execution.started", None, id=f"run/{number}")
    time.sleep(0.1)
    stats = client.stats
    assert stats.sent == 0
    # Events on their way are no longer in the buffer, so the exact number depends on when the thread came.
    assert stats.pending + stats.dropped == 120
    assert not client.flush(0.1)
    started = time.monotonic()
    assert not client.close(0.5)
    assert time.monotonic() - started < 20, "it waits for the server"
    client.emit("run", "execution.started")
    assert client.stats.dropped == stats.dropped + 1


def test_events_come_through_when_the_server_is_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with Sink() as sink:
        url = sink.url
    client = Runwatch(url, "token", "billing", linger=0.01)
    emit(client, 5)
    time.sleep(0.3)
    assert client.stats.pending == 5
    with Sink(int(url.rpartition(":")[2])) as back:
        assert client.flush(30)
        assert len(back.events) == 5
    client.close(1)
    assert sum("Cannot reach Runwatch" in record.getMessage() for record in caplog.records) == 1


def test_wrong_arguments_are_told_where_they_are_given() -> None:
    with pytest.raises(ValueError, match="source"):
        Runwatch(AWAY, "token", "")
    with pytest.raises(ValueError, match="url"):
        Runwatch("runwatch.example", "token", "billing")
