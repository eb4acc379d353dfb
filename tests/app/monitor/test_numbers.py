"""Numbers are counted once, labels that clients invent have a bound, and all processes add up."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as families

from app.monitor import numbers, process, slots
from app.monitor.exposition import exposition
from app.monitor.numbers import ALL, MAX_LABELS, OTHER, Counter, Gauge, Histogram, path_of, reason_of, totals
from app.monitor.slots import Slots, make_file

READ: dict[str, Any] = {"": families, "application/openmetrics-text; version=1.0.0": openmetrics}


@pytest.fixture(autouse=True)
def own_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody counts beside a test, nor with what it counted."""
    for number in ALL.values():
        if isinstance(number, Counter | Histogram):
            monkeypatch.setattr(number, "values", {})
        elif isinstance(number, Gauge):
            monkeypatch.setattr(number, "ask", None)


@pytest.fixture
def descriptor() -> Iterator[int]:
    made = make_file(2)
    yield made
    os.close(made)


def samples(processes: Any, shared: Any = None, accept: str = "") -> dict[tuple[str, tuple[str, ...]], float]:
    body, _ = exposition(processes, shared or {}, accept)
    return {
        (sample.name, tuple(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in READ[accept](body.decode())
        for sample in family.samples
    }


def test_labels_of_clients_have_a_bound() -> None:
    for place in range(MAX_LABELS + 5):
        numbers.REJECTED.add(1, f"reason {place}")
    numbers.REJECTED.add(2, "reason 0")
    values = numbers.REJECTED.values
    assert len(values) == MAX_LABELS + 1
    assert (values["reason 0",], values[OTHER,]) == (3, 5)


def test_labels_are_of_few_kinds() -> None:
    reasons = ("time: not a time", "data.error.message: too long", "no colon", "a b: c", "x" * 41 + ": y")
    assert [reason_of(error) for error in reasons] == ["time", "data.error.message", OTHER, OTHER, OTHER]
    paths = ("/graphql", "/api/events", "/health/ready", "/admin/automations/history", "/.env")
    assert [path_of(path) for path in paths] == ["/graphql", "/api/events", "/health", "page", OTHER]


@pytest.mark.parametrize("accept", READ)
def test_processes_add_up_as_prometheus_reads_them(accept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers.EVENTS.add(3)
    numbers.REQUESTS.add(1, "/graphql", "200")
    for seconds in (0.005, 0.3, 99.0):
        numbers.REQUEST_SECONDS.observe(seconds, "/graphql")
    monkeypatch.setattr(numbers.WEBSOCKETS, "ask", lambda: {(): 2.0})
    monkeypatch.setattr(numbers.FEED_LAG, "ask", lambda: {(): 7.0})
    one = totals(ALL.values())
    monkeypatch.setattr(numbers.FEED_LAG, "ask", lambda: {(): 5.0})
    found = samples([one, totals(ALL.values())], {numbers.UP.name: {(): 1.0}}, accept)
    assert found["runwatch_events_total", ()] == 6
    assert found["runwatch_http_requests_total", ("/graphql", "200")] == 2
    assert found["runwatch_budget_refusals_total", ()] == 0
    assert found["runwatch_websockets", ()] == 4
    assert found["runwatch_feed_lag_changes", ()] == 7
    assert found["runwatch_database_up", ()] == 1
    bucket = "runwatch_http_request_duration_seconds_bucket"
    bounds = {labels[0]: value for (name, labels), value in found.items() if name == bucket}
    assert [bounds[bound] for bound in ("0.005", "0.25", "0.5", "10.0", "+Inf")] == [2, 2, 4, 4, 6]
    assert found["runwatch_http_request_duration_seconds_sum", ("/graphql",)] == pytest.approx(2 * 99.305)


async def test_worker_goes_on_from_the_one_before_it(descriptor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counters never fall, and gauges of processes that are gone, or hang, count no more."""
    monkeypatch.setattr(numbers.WEBSOCKETS, "ask", lambda: {(): 2.0})
    first, other = Slots(descriptor, 0, 2), Slots(descriptor, 1, 2)
    await first.start()
    numbers.EVENTS.add(5)
    numbers.REQUEST_SECONDS.observe(1.0, "/")
    await first.close()
    for number in (numbers.EVENTS, numbers.REQUEST_SECONDS):
        monkeypatch.setattr(number, "values", {})
    seen = samples(other.all())
    assert (seen["runwatch_events_total", ()], seen["runwatch_websockets", ()]) == (5, 2)
    second = Slots(descriptor, 0, 2)
    await second.start()
    numbers.EVENTS.add(1)
    second._put(totals(ALL.values()))
    monkeypatch.setattr(numbers.EVENTS, "values", {})
    seen = samples(other.all())
    assert (seen["runwatch_events_total", ()], seen["runwatch_websockets", ()]) == (6, 4)
    assert seen["runwatch_http_request_duration_seconds_count", ("/",)] == 2  # and those of this process
    now = time.time()
    monkeypatch.setattr(slots, "time", lambda: now + slots.STALE_SECONDS + 1)
    seen = samples(other.all())
    assert (seen["runwatch_events_total", ()], seen["runwatch_websockets", ()]) == (6, 2)
    await second.close()


def test_who_reads_amid_a_write_has_what_was_before(descriptor: int) -> None:
    first, other = Slots(descriptor, 0, 2), Slots(descriptor, 1, 2)
    assert samples(other.all())["runwatch_events_total", ()] == 0  # nothing was written yet
    numbers.EVENTS.add(5)
    first._put(totals(ALL.values()))
    before = other._read(0)
    os.pwrite(descriptor, b"half", 20)
    assert other._read(0) == before


def test_processes_say_what_they_take() -> None:
    process.watch()
    found = samples([totals(ALL.values())])
    assert found["runwatch_process_resident_memory_bytes", ()] > 2**20
    assert found["runwatch_process_open_fds", ()] > 2
    assert found["runwatch_process_cpu_seconds_total", ()] > 0
    assert found["runwatch_server_processes", ()] == 1
