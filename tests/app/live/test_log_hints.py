"""Hints on new log lines: who gets one, when, and what remains."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.changes.commits import Announcements, Committed
from app.db import Database
from app.ingestion import Ingestion
from app.live.log_hints import LogSignals
from tests.app.reports import events, line, report, row_of
from tests.sealing import SEALER


async def took(waiting: asyncio.Task[None]) -> float:
    start = time.monotonic()
    await waiting
    return time.monotonic() - start


def logged(*execution_ids: str) -> Committed:
    return Committed(None, [], list(execution_ids))


async def test_a_hint_wakes_the_followers_of_its_execution() -> None:
    signals = LogSignals()
    with signals.follow("a") as first, signals.follow("a") as second, signals.follow("b") as other:
        waiting = [asyncio.create_task(hints.next()) for hints in (first, second, other)]
        await asyncio.sleep(0)
        signals.hear(logged("c", "a"))
        assert await took(waiting[0]) + await took(waiting[1]) < 1
        assert not waiting[2].done()
        waiting[2].cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting[2]


async def test_a_hint_that_nobody_waited_for_is_kept_and_several_are_one() -> None:
    signals = LogSignals()
    with signals.follow("a") as hints:
        signals.hear(logged("a"))
        signals.hear(logged("a"))
        assert await took(asyncio.create_task(hints.next())) < 1
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(hints.next(), 0.05)


@pytest.mark.slow
async def test_a_sweep_finds_what_others_write(database: Database) -> None:
    quiet = Ingestion(database, SEALER)
    for subject in ("a", "b"):
        await quiet.record(events([report("execution.queued"), line("first")], subject))
    ids = [(await row_of(database, subject))["id"] for subject in ("a", "b")]
    signals = LogSignals(database)
    with signals.follow(ids[0]) as grows, signals.follow(ids[1]) as stays, signals.follow("f" * 32) as unknown:
        await signals.start()
        for hints in (grows, stays, unknown):
            await asyncio.wait_for(hints.next(), 5)  # it has not looked before
        await quiet.record(events([line("second")], "a"))
        await asyncio.wait_for(grows.next(), 5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stays.next(), 1.2)
    await signals.close()


async def test_follower_that_leaves_is_forgotten() -> None:
    signals = LogSignals()

    def give_up() -> None:
        with signals.follow("a"), signals.follow("a"), signals.follow("b"):
            assert signals.followers == 3
            raise RuntimeError("given up")

    with pytest.raises(RuntimeError, match="given up"):
        give_up()
    assert signals.followers == 0
    assert signals._followers == {}
    signals.hear(logged("a"))


async def test_ingestion_hints_at_new_lines_only(database: Database) -> None:
    signals = LogSignals()
    ingestion = Ingestion(database, SEALER, Announcements([signals.hear]))
    await ingestion.record(events([report("execution.queued"), line("first")]))
    with signals.follow((await row_of(database))["id"]) as hints:
        await ingestion.record(events([line("first"), report("execution.started")]))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(hints.next(), 0.05)
        await ingestion.record(events([line("second")]))
        assert await took(asyncio.create_task(hints.next())) < 1
