"""Following a log: every line once, from wherever the reader stands, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any

import pytest

from app.auth.roles import Role, Viewer
from app.changes.commits import Announcements
from app.db import Database, Transaction
from app.errors import AppError, BadInput, Forbidden, NotFound, Unauthenticated
from app.executions import log_pages, logs
from app.executions.logs import LogFilter, LogPosition
from app.ingestion import Ingestion
from app.live.log_notifications import LogNotifications
from app.paging import PageRequest
from resolvers import logs as resolvers
from resolvers.context import Context
from resolvers.logs import LogUpdate, follow_log, list_logs
from tests.app.reports import events, line, report, row_of
from tests.contexts import context_of
from tests.factories import record_statements
from tests.sealing import SEALER


class Site:
    """A server's database, its writer, and a reader's context."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.notifications = LogNotifications(database)
        self.ingestion = Ingestion(database, SEALER, Announcements([self.notifications.on_commit]))
        self.context = context_of(database, log_notifications=self.notifications)

    async def write(self, *messages: str, subject: str = "run") -> str:
        """Log lines; the id of their execution."""
        await self.ingestion.record(events([report("execution.started"), *map(line, messages)], subject))
        id_: str = (await row_of(self.database, subject))["id"]
        return id_

    async def followed_by(self, number: int) -> None:
        """Wait for so many followers who have looked where the log stands, and wait for more."""
        for _ in range(2_000):
            followers = [each for all_ in self.notifications._followers.values() for each in all_]
            if sum(bool(each._event._waiters) for each in followers) >= number:
                return
            await asyncio.sleep(0.01)
        raise TimeoutError

    async def cursor(self, id_: str) -> str:
        """The place behind all lines that there are."""
        listed = await list_logs(self.context, id_, LogFilter, PageRequest)
        assert listed is not None
        assert listed.updates_cursor is not None
        return listed.updates_cursor

    async def delete(self, id_: str) -> None:
        """Take an execution away, as pruning will."""

        async def work(transaction: Transaction) -> None:
            await transaction.fetch("DELETE FROM log_entries WHERE execution_id = $1", id_)
            await transaction.fetch("DELETE FROM executions WHERE id = $1", id_)

        await self.database.transaction(work)

    async def restore(self) -> None:
        """Renew the epoch, as after a restored backup."""

        async def work(transaction: Transaction) -> None:
            await transaction.fetch("UPDATE revision_counter SET epoch = 'ffff'")

        await self.database.transaction(work)


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    site = Site(database)
    await site.notifications.start()
    yield site
    await site.notifications.close()


async def take(following: AsyncGenerator[LogUpdate, None], number: int) -> list[LogUpdate]:
    async with asyncio.timeout(20):
        return [await anext(following) for _ in range(number)]


def follow(context: Context, id_: str, after: str | None = None) -> AsyncGenerator[LogUpdate, None]:
    return follow_log(context, lambda: id_, after)


def messages(updates: list[LogUpdate]) -> list[str | None]:
    return [update.entries[-1].message if update.entries else None for update in updates]


async def test_from_now_on(site: Site) -> None:
    id_ = await site.write("before")
    async with aclosing(follow(site.context, id_)) as following:
        first = asyncio.create_task(take(following, 1))
        await site.followed_by(1)
        await site.write("other", subject="another run")
        await site.write("after")
        (update,) = await first
        assert [(entry.message, entry.sequence) for entry in update.entries] == [("after", 2)]
        await site.write("c", "b")
        assert messages(await take(following, 2)) == ["c", "b"]


async def test_behind_a_cursor(site: Site) -> None:
    id_ = await site.write("1")
    start = await site.cursor(id_)
    await site.write("2", "3")
    await site.write("4")
    async with aclosing(follow(site.context, id_, start)) as following:
        updates = await take(following, 3)
    assert messages(updates) == ["2", "3", "4"]
    for place, update in enumerate(updates[:2], 1):
        async with aclosing(follow(site.context, id_, update.cursor)) as following:
            assert messages(await take(following, 3 - place)) == ["2", "3", "4"][place:]
    assert updates[2].cursor == await site.cursor(id_)


async def test_follower_far_behind_catches_up_in_parts(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolvers, "MAX_BATCH_LINES", 3)
    id_ = await site.write()
    start = await site.cursor(id_)
    expected = [str(number) for number in range(8)]
    await site.write(*expected)
    statements = record_statements(site.database)
    async with aclosing(follow(site.context, id_, start)) as following:
        assert messages(await take(following, 8)) == expected
    assert sum("log_entries" in sql for sql, _ in statements) == 3


async def test_lines_that_come_together(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as an update may have, by number and by size, and never more than were there."""
    monkeypatch.setattr(resolvers, "MAX_BATCH_LINES", 3)
    monkeypatch.setattr(resolvers, "MAX_UPDATE_LINES", 5)
    monkeypatch.setattr(resolvers, "MAX_UPDATE_BYTES", 5 * log_pages.LINE_BYTES + 900)
    id_ = await site.write()
    start = await site.cursor(id_)
    expected = [str(number) for number in range(7)] + ["x" * 800, "y" * 800, "z"]
    await site.write(*expected)
    async with aclosing(follow_log(site.context, lambda: id_, start, together=True)) as following:
        updates = await take(following, 3)
        waiting = asyncio.create_task(take(following, 1))
        await site.followed_by(1)
        await site.write("a", "b")
        updates += await waiting
    sizes = [len(update.entries) for update in updates]
    assert sizes == [5, 3, 2, 2]
    assert [entry.message for update in updates for entry in update.entries] == [*expected, "a", "b"]
    for number, update in enumerate(updates):
        assert LogPosition.of(id_, update.cursor).sequence == sum(sizes[: number + 1])
        async with aclosing(follow_log(site.context, lambda: id_, update.cursor, together=False)) as single:
            for entry in [entry for later in updates[number + 1 :] for entry in later.entries]:
                assert (await take(single, 1))[0].entries == [entry]


async def test_a_list_and_what_follows_it_have_every_line_once(site: Site) -> None:
    """Readers list and follow while six writers write; now and then they go away and come back with their cursor."""
    id_ = await site.write()
    total = 240
    choice = random.Random(11)
    reports = [line(str(number), at=number % 7, id_=str(number)) for number in range(total)]
    choice.shuffle(reports)

    async def write(share: list[dict[str, Any]]) -> None:
        given = random.Random(len(share))
        while share:
            size = given.randint(1, 5)
            await site.ingestion.record(events(share[:size]))
            share = share[size:]
            await asyncio.sleep(given.random() / 100)

    async def read(number: int) -> list[int]:
        given = random.Random(number)
        await asyncio.sleep(number / 30)
        seen: list[int] = []
        after, more, cursor = None, True, None
        while more:  # the pages of one moment: those up to the first one's position
            listed = await list_logs(site.context, id_, LogFilter, partial(PageRequest, first=100, after=after))
            assert listed is not None
            assert listed.updates_cursor is not None
            cursor = cursor or listed.updates_cursor
            upto = LogPosition.of(id_, cursor).sequence
            seen += [entry.sequence for entry in listed.page.items if entry.sequence <= upto]
            more, after = await listed.page.has_next_page(), listed.page.end_cursor
        assert sorted(seen) == list(range(1, upto + 1))
        while len(seen) < total:
            async with aclosing(follow(site.context, id_, cursor)) as following:
                for update in await take(following, min(given.randint(1, 30), total - len(seen))):
                    (entry,) = update.entries
                    seen.append(entry.sequence)
                    cursor = update.cursor
        return seen

    writers = [write(reports[start::6]) for start in range(6)]
    found, _ = await asyncio.gather(asyncio.gather(*map(read, range(5))), asyncio.gather(*writers))
    for seen in found:
        assert sorted(seen) == list(range(1, total + 1))
    assert site.notifications.followers == 0


async def test_a_list_has_nothing_beyond_its_cursor(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = await site.write("1", "2")
    position_of = logs.position

    async def overtaken(database: Database, execution_id: str) -> LogPosition | None:
        position = await position_of(database, execution_id)
        await site.write("late")
        return position

    monkeypatch.setattr(logs, "position", overtaken)
    listed = await list_logs(site.context, id_, LogFilter, PageRequest)
    assert listed is not None
    assert [entry.message for entry in listed.page.items] == ["1", "2"]
    assert listed.execution.id == id_
    monkeypatch.undo()
    async with aclosing(follow(site.context, id_, listed.updates_cursor)) as following:
        assert messages(await take(following, 1)) == ["late"]


@pytest.mark.slow
async def test_a_hint_is_quick_and_without_one_the_sweep_finds_the_line(site: Site) -> None:
    id_ = await site.write("1")
    async with aclosing(follow(site.context, id_, await site.cursor(id_))) as following:
        for ingestion, limit in ((site.ingestion, 0.9), (Ingestion(site.database, SEALER), 3.0)):
            update = asyncio.create_task(take(following, 1))
            await asyncio.sleep(0.05)
            start = asyncio.get_running_loop().time()
            await ingestion.record(events([line(str(limit))]))
            assert messages(await update) == [str(limit)]
            assert asyncio.get_running_loop().time() - start < limit


@pytest.mark.parametrize(("epoch", "sequence"), [("abcd", 2), ("abcd", 0), ("abcd", 9), (None, 3), (None, 2**63 - 1)])
async def test_a_cursor_of_another_epoch_or_beyond_the_log_is_too_old(
    site: Site, epoch: str | None, sequence: int
) -> None:
    id_ = await site.write("1", "2")
    present = LogPosition.of(id_, await site.cursor(id_))
    old = LogPosition(id_, sequence, epoch or present.epoch)
    async with aclosing(follow(site.context, id_, old.cursor)) as following:
        assert await take(following, 1) == [LogUpdate(present.cursor)]
        waiting = asyncio.create_task(take(following, 1))
        await site.write("3")
        assert messages(await waiting) == ["3"]


@pytest.mark.slow
async def test_a_restored_database_is_noticed_while_following(site: Site) -> None:
    id_ = await site.write("1", "2")
    async with aclosing(follow(site.context, id_, await site.cursor(id_))) as following:
        waiting = asyncio.create_task(take(following, 1))
        await asyncio.sleep(0.05)
        await site.restore()
        assert await waiting == [LogUpdate(LogPosition(id_, 2, "ffff").cursor)]
        waiting = asyncio.create_task(take(following, 1))
        await site.write("3")
        assert messages(await waiting) == ["3"]


@pytest.mark.parametrize("after", ["", "garbage", LogPosition("b" * 32, 1, "abcd").cursor])
async def test_a_cursor_of_anything_else_is_refused(site: Site, after: str) -> None:
    id_ = await site.write("1")
    with pytest.raises(BadInput):
        await take(follow(site.context, id_, after), 1)
    assert site.notifications.followers == 0


async def test_an_unknown_execution_is_not_found(site: Site) -> None:
    await site.write("1")
    for id_ in ("0" * 32, "nonsense", ""):
        with pytest.raises(NotFound):
            await take(follow(site.context, id_), 1)
        assert await list_logs(site.context, id_, LogFilter, PageRequest) is None
    assert site.notifications.followers == 0


@pytest.mark.slow
async def test_a_deleted_execution_ends_the_stream(site: Site) -> None:
    id_ = await site.write("1")
    waiting = asyncio.create_task(take(follow(site.context, id_), 1))
    await site.followed_by(1)
    await site.delete(id_)
    with pytest.raises(StopAsyncIteration):
        await waiting
    assert site.notifications.followers == 0


async def test_cancelled_or_closed_it_leaves_nothing_behind(site: Site) -> None:
    id_ = await site.write("1")
    start = LogPosition.of(id_, await site.cursor(id_)).at(0).cursor
    before = asyncio.all_tasks()
    waiting = [asyncio.create_task(take(follow(site.context, id_), 1)) for _ in range(3)]
    given_up = follow(site.context, id_, start)
    await take(given_up, 1)
    await site.followed_by(3)
    await given_up.aclose()
    for task in waiting:
        task.cancel()
    assert {type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)} == {asyncio.CancelledError}
    assert site.notifications.followers == 0
    assert asyncio.all_tasks() == before


async def test_followers_hold_no_connection_while_they_wait(site: Site) -> None:
    """A database has 4 or 10 connections that read."""
    id_ = await site.write("1")
    waiting = [asyncio.create_task(take(follow(site.context, id_), 1)) for _ in range(40)]
    await site.followed_by(40)
    async with asyncio.timeout(20):
        for _ in range(20):
            await logs.position(site.database, id_)
    await site.write("2")
    assert [messages(found) for found in await asyncio.gather(*waiting)] == [["2"]] * 40


@pytest.mark.parametrize(
    ("viewer", "error"), [(None, Unauthenticated), (Viewer("runner", Role.RUNNER, "engine"), Forbidden)]
)
async def test_only_readers_may(site: Site, viewer: Viewer | None, error: type[AppError]) -> None:
    id_ = await site.write("1")
    context = context_of(site.database, viewer, log_notifications=site.notifications)
    with pytest.raises(error):
        await list_logs(context, id_, LogFilter, PageRequest)
    for known in (id_, "0" * 32):
        with pytest.raises(error):
            await take(follow(context, known, "garbage"), 1)
