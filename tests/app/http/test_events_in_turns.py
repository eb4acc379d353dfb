"""However many events a body has, others have the event loop after some milliseconds of work.

Work is counted instead of timed: a call of a Python function is taken for a microsecond, by a clock of the test's own.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest

from app import turns
from app.auth.roles import Role
from app.db import Database
from tests.app.client import client_of
from tests.app.http.test_events import send
from tests.app.reports import line, report, step

EVENTS = 1_000
# A turn, the piece of work that ends it, and a few looks at each event that are not worth a pause. Without pauses, the
# stages of storing made 10,000 to 150,000 calls in one go.
MOST_CALLS = round(turns.SECONDS * 1_000_000) + 5 * EVENTS


class Calls:
    """Calls of Python functions by this thread, all of them and the most between two turns of the loop."""

    def __init__(self) -> None:
        self.made = self.most = 0

    def seconds(self) -> float:
        """The clock: a microsecond a call."""
        return self.made / 1_000_000

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count those that are made meanwhile."""

        def note(frame: object, event: str, argument: object) -> None:
            self.made += event == "call"

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            yield
        finally:
            sys.setprofile(before)

    async def watch(self) -> None:
        """Take each turn of the loop."""
        while True:
            before = self.made
            await asyncio.sleep(0)
            self.most = max(self.most, self.made - before)


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(database, Role.RUNNER, "engine") as opened:
        yield opened


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    found = Calls()
    monkeypatch.setattr(turns, "monotonic", found.seconds)
    return found


@asynccontextmanager
async def in_turns(calls: Calls) -> AsyncIterator[None]:
    """Fails if the block holds the loop for long, or does next to nothing."""
    calls.made = calls.most = 0
    watching = asyncio.create_task(calls.watch())
    await asyncio.sleep(0)
    with calls.counted():
        yield
    watching.cancel()
    assert calls.made > MOST_CALLS
    assert calls.most < MOST_CALLS, f"{calls.most} of {calls.made} calls in one go"


def runs(type_: str, **data: Any) -> Sequence[dict[str, Any]]:
    """An event of each of many executions."""
    return [report(type_, f"run {number}", id_=f"{type_} {number}", **data) for number in range(EVENTS)]


FAILED = {"state": "FAILED", "error": {"type": "E", "message": "no", "stackTrace": "at 1\nat 2"}}
SECRETS = {"kind": "api", "data": {"password": [f"hunter2-hunter2-{number}" for number in range(5)], "id": 7}}


async def test_a_body_of_many_executions_is_stored_in_turns(client: httpx.AsyncClient, calls: Calls) -> None:
    """New ones, the same again, and their ends."""
    bodies = [
        runs("execution.queued", workflow="nightly", trigger={"kind": "api", "data": {"id": 7}}),
        runs("execution.queued", workflow="nightly", trigger={"kind": "api", "data": {"id": 7}}),
        runs("execution.finished", **FAILED),
    ]
    for events in bodies:
        async with in_turns(calls):
            answer = await send(client, events)
        assert answer.json() == {"accepted": EVENTS, "rejected": []}


async def test_a_body_of_one_execution_is_stored_in_turns(client: httpx.AsyncClient, calls: Calls) -> None:
    """Its log with secrets to mask, and then its steps, which it has to look for."""
    lines = [line(f"hunter2-hunter2-{number}", at=number) for number in range(EVENTS - 1)]
    async with in_turns(calls):
        answer = await send(client, [report("execution.queued", at=0, trigger=SECRETS), *lines])
    assert answer.json() == {"accepted": EVENTS, "rejected": []}
    steps = [step(f"{type_}ed", number, at=number, **data) for number in range(300) for type_, data in STARTS_AND_ENDS]
    for _ in range(2):
        async with in_turns(calls):
            answer = await send(client, [*steps, *lines])
        assert answer.json()["rejected"] == []


STARTS_AND_ENDS = (("start", {"input": [1]}), ("finish", {"state": "SUCCEEDED", "output": [1]}))


async def test_late_secrets_are_masked_in_turns(client: httpx.AsyncClient, calls: Calls) -> None:
    await send(client, [line(f"hunter2-hunter2-{number}", at=number) for number in range(EVENTS)])
    async with in_turns(calls):
        answer = await send(client, [report("execution.queued", at=0, trigger=SECRETS)])
    assert answer.json() == {"accepted": 1, "rejected": []}


async def test_what_is_wrong_with_many_events_is_noted_in_turns(client: httpx.AsyncClient, calls: Calls) -> None:
    """Of those that are rejected, and of those whose times have no zone."""
    unknown = runs("unknown")
    async with in_turns(calls):
        answer = await send(client, unknown)
    assert len(answer.json()["rejected"]) == EVENTS
    lines = [line(str(number), at=number) for number in range(EVENTS)]
    lines = [{**each, "time": each["time"].removesuffix("Z")} for each in lines]
    async with in_turns(calls):
        answer = await send(client, lines)
    assert answer.json() == {"accepted": EVENTS, "rejected": []}
