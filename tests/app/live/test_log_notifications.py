"""Notifications of new log lines: who gets one, when, and what remains."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from app.changes.commits import Announcements, Committed
from app.db import Database
from app.ingestion import Ingestion
from app.live.log_notifications import LogNotifications
from tests.app.reports import events, line, report, row_of
from tests.sealing import SEALER

# Where nothing is swept.
NO_DATABASE: Any = None


async def took(waiting: asyncio.Task[None]) -> float:
    start = time.monotonic()
    await waiting
    return time.monotonic() - start


def logged(*execution_ids: str) -> Committed:
    return Committed(None, [], list(execution_ids))


async def test_a_notification_wakes_the_followers_of_its_execution() -> None:
    notifications = LogNotifications(NO_DATABASE)
    with notifications.follow("a") as first, notifications.follow("a") as second, notifications.follow("b") as other:
        waiting = [asyncio.create_task(follower.notified()) for follower in (first, second, other)]
        await asyncio.sleep(0)
        notifications.on_commit(logged("c", "a"))
        assert await took(waiting[0]) + await took(waiting[1]) < 1
        assert not waiting[2].done()
        waiting[2].cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting[2]


async def test_a_notification_that_nobody_waited_for_is_kept_and_several_are_one() -> None:
    notifications = LogNotifications(NO_DATABASE)
    with notifications.follow("a") as follower:
        notifications.on_commit(logged("a"))
        notifications.on_commit(logged("a"))
        assert await took(asyncio.create_task(follower.notified())) < 1
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(follower.notified(), 0.05)


@pytest.mark.slow
async def test_a_sweep_finds_what_others_write(database: Database) -> None:
    quiet = Ingestion(database, SEALER)
    for subject in ("a", "b"):
        await quiet.record(events([report("execution.queued"), line("first")], subject))
    ids = [(await row_of(database, subject))["id"] for subject in ("a", "b")]
    notifications = LogNotifications(database)
    follow = notifications.follow
    with follow(ids[0]) as grows, follow(ids[1]) as stays, follow("f" * 32) as unknown:
        await notifications.start()
        for follower in (grows, stays, unknown):
            await asyncio.wait_for(follower.notified(), 5)  # it has not looked before
        await quiet.record(events([line("second")], "a"))
        await asyncio.wait_for(grows.notified(), 5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stays.notified(), 1.2)
    await notifications.close()


async def test_follower_that_leaves_is_forgotten() -> None:
    notifications = LogNotifications(NO_DATABASE)

    def give_up() -> None:
        with notifications.follow("a"), notifications.follow("a"), notifications.follow("b"):
            assert notifications.followers == 3
            raise RuntimeError("given up")

    with pytest.raises(RuntimeError, match="given up"):
        give_up()
    assert notifications.followers == 0
    assert notifications._followers == {}
    notifications.on_commit(logged("a"))


async def test_ingestion_notifies_of_new_lines_only(database: Database) -> None:
    notifications = LogNotifications(NO_DATABASE)
    ingestion = Ingestion(database, SEALER, Announcements([notifications.on_commit]))
    await ingestion.record(events([report("execution.queued"), line("first")]))
    with notifications.follow((await row_of(database))["id"]) as follower:
        await ingestion.record(events([line("first"), report("execution.started")]))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(follower.notified(), 0.05)
        await ingestion.record(events([line("second")]))
        assert await took(asyncio.create_task(follower.notified())) < 1
