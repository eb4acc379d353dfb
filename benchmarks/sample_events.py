"""Runs as engines report them: queued, started, three steps, five log lines, finished. 14 events a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import orjson

from app import clock
from app.events import Event
from app.events.decoding import Form, decode
from tests.sealing import SEALER

STEPS = 3
LOG_LINES = 5
EVENTS_A_RUN = 3 + 2 * STEPS + LOG_LINES
WORKFLOWS = 20
SOURCE = "benchmark-engine"
SECOND = clock.SECOND


def events_of_run(run: str, number: int, queued_at: int) -> Iterator[dict[str, Any]]:
    """The CloudEvents of one run, in the order of their times; every tenth run fails."""

    def event(name: str, at: int, type_: str, data: dict[str, Any] | None) -> dict[str, Any]:
        time = clock.to_rfc3339(at)
        found = {"specversion": "1.0", "id": f"{run}-{name}", "source": SOURCE, "type": type_, "subject": run}
        return {**found, "time": time, "data": data}

    failed = number % 10 == 0
    trigger = {"kind": "webhook", "data": {"order": 10_000_000 + number, "amount": 12.5, "customer": f"c-{number}"}}
    workflow = f"nightly-import-{number % WORKFLOWS:02d}"
    yield event("q", queued_at, "execution.queued", {"workflow": workflow, "trigger": trigger})
    yield event("s", queued_at + SECOND, "execution.started", None)
    for index in range(STEPS):
        at = queued_at + (2 + 3 * index) * SECOND
        named = {"index": index, "name": f"step-{index}-of-import", "kind": "task"}
        yield event(f"s{index}", at, "step.started", {"step": {**named, "input": {"path": f"in/{number}", "n": index}}})
        outcome: dict[str, Any] = {"state": "SUCCEEDED", "output": {"rows": 125 * index, "ok": True}}
        if failed and index == STEPS - 1:
            outcome = {"state": "FAILED", "error": _error(number)}
        yield event(f"f{index}", at + 2 * SECOND, "step.finished", {"step": {**named, **outcome, "durationMs": 2000}})
    for line in range(LOG_LINES):
        log = {"level": "INFO", "message": f"Read {line * 1000} of 5000 rows of part {number}", "step": line % STEPS}
        yield event(f"l{line}", queued_at + (3 + line) * SECOND, "log.written", {**log, "attributes": {"rows": line}})
    outcome = {"state": "SUCCEEDED"}
    if failed:
        error = {**_error(number), "step": STEPS - 1, "stackTrace": "at 1\n" * 20}
        outcome = {"state": "FAILED", "error": error}
    yield event("f", queued_at + 20 * SECOND, "execution.finished", outcome)


def _error(number: int) -> dict[str, Any]:
    return {"type": "ToolError", "message": f"Exit code {number % 7}"}


def stream(prefix: str, *, start: int) -> Iterator[dict[str, Any]]:
    """Events of runs without end, a second apart, whose subjects begin with `prefix`."""
    number = 0
    while True:
        number += 1
        yield from events_of_run(f"{prefix}-{number}", number, start + number * SECOND // 100)


def decoded_runs(prefix: str, runs: int) -> Sequence[Event]:
    """The events of some runs as the events door decodes them."""
    now = clock.now_us()
    events = list(islice(stream(prefix, start=now - 3600 * SECOND), runs * EVENTS_A_RUN))
    batch = decode(orjson.dumps(events), Form.BATCH, now=now, sealer=SEALER, limit=len(events))
    assert not batch.rejected
    return batch.events
