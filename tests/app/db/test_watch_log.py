"""An outage is a line of the log when it begins, one when it ends, and one a minute between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.db import watch
from app.db.watch import LOG_SECONDS, SAME_SECONDS, Lost, Refused, Watch
from app.errors import Unavailable
from specs.harness.waiting import until


async def nothing() -> None:
    """Asks nothing."""


class Clock:
    """A clock that is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(watch, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []

    class Log:
        def error(self, event: str, reason: str, seconds: float) -> None:
            found.append((reason, seconds))

        def warning(self, event: str, seconds: float) -> None:
            found.append((event, seconds))

    monkeypatch.setattr(watch, "log", Log())
    return found


def test_outage_is_a_line_a_minute(clock: Clock, lines: list[tuple[str, Any]]) -> None:
    """Whatever fails meanwhile, however often."""
    asked = Watch(nothing)
    for _ in range(600):
        asked.failed(Unavailable("the disk is full"))
        clock.now += 0.25
    asked._note_back()
    clock.now += 3600
    asked._note_back()
    assert [seconds for reason, seconds in lines if reason == "the disk is full"] == [0.0, 60.0, 120.0]
    assert lines[3:] == [("database_back", 150.0)]


def test_outage_that_comes_and_goes_is_the_same_one(clock: Clock, lines: list[tuple[str, Any]]) -> None:
    """A full disk has room for some writes only; another reason is news at once."""
    asked = Watch(nothing)
    for _ in range(10):
        asked.failed(Unavailable("the disk is full"))
        clock.now += 1
        asked._note_back()
        clock.now += SAME_SECONDS - 1
    assert lines == [("the disk is full", 0.0), ("database_back", 1.0)]
    asked.failed(Unavailable("the file was deleted"))
    asked._note_back()
    clock.now += SAME_SECONDS
    asked.failed(Unavailable("the file was deleted"))
    assert [reason for reason, _ in lines[2:]] == ["the file was deleted", "database_back", "the file was deleted"]
    assert LOG_SECONDS > SAME_SECONDS


def test_what_may_be_asked_meanwhile(clock: Clock, lines: list[tuple[str, Any]]) -> None:
    asked = Watch(nothing)
    asked.check_write()
    asked.failed(Refused("no writes"))
    asked.check()
    with pytest.raises(Unavailable, match="no writes"):
        asked.check_write()
    asked.failed(Lost("gone"))
    with pytest.raises(Unavailable, match="gone"):
        asked.check()


async def test_what_does_not_answer_is_ended(monkeypatch: pytest.MonkeyPatch, lines: list[tuple[str, Any]]) -> None:
    """And counts as away until it has answered again."""
    for name in ("SPAN_SECONDS", "RETRY_SECONDS"):
        monkeypatch.setattr(watch, name, 0.01)
    ended: list[str | None] = []
    released = asyncio.Event()

    async def hang() -> None:
        await released.wait()

    asked = Watch(hang, lambda: ended.append(asked.reason), answer_seconds=0.02)
    asked.start()
    try:
        await until(lambda: bool(ended), "the end of its connections")
        assert ended == ["the database does not answer"]
        released.set()
        await until(lambda: asked.reason is None, "the end of the outage")
        asked.check_write()
    finally:
        await asked.close()
    assert [event for event, _ in lines] == ["the database does not answer", "database_back"]
