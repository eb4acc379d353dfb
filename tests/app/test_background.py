"""Whatever fails while services start or close, all that was opened is closed again, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from app.auth import SignIn
from app.background import Background, Closeable, alert_channels, running
from app.db import Database, open_database
from app.live.feed import Feed
from app.main import create_app
from app.settings import Settings
from specs.harness.servers.valkey import ValkeyServer
from specs.harness.waiting import until
from tests.app.leftovers import is_let_go
from tests.sealing import SEALER

NAMES = [
    "Feed",
    "MetricsFeed",
    "LogNotifications",
    "LiveNotifications",
    "Ingestion",
    "Presence",
    "Deliveries",
    "ContactSweep",
    "Labelling",
    "Regrouping",
    "Splitting",
    "LogIndexing",
    "SearchIndexing",
    "Folding",
    "Retention",
    "Firing",
    "Watching",
]
OPENED = ["SignIn", "Database"]  # what the services stand on, in the order in which it is closed
# Where it makes no difference, the one that takes less time to open.
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
EACH = pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)


class BrokenError(Exception):
    """What a service fails with here."""


class Site:
    """The services of a process over a database, and a record of which were closed."""

    def __init__(self, database: Database, url: str, redis_url: str) -> None:
        settings = Settings(_env_file=None, redis_url=redis_url, contact_lost_seconds=100, retention="on", kept_days=1)
        self._url = url
        self.services = Background(settings, database, SEALER).services
        self._opened: Sequence[Closeable] = (database, SignIn(database, settings))
        self.closed: list[str] = []
        closeable: list[Closeable] = [*self._opened, *self.services]
        for name, each in zip(["Database", "SignIn", *NAMES], closeable, strict=True):
            self.instead(each, "close", self._noting(name))

    def instead(self, of: Closeable, name: str, does: Callable[[Callable[[], Awaitable[None]]], Any]) -> None:
        """Have a method do something else, which is given the method."""
        method = getattr(of, name)
        setattr(of, name, lambda: does(method))

    def _noting(self, name: str) -> Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]:
        async def close(really: Callable[[], Awaitable[None]]) -> None:
            self.closed.append(name)
            await really()

        return close

    def running(self) -> AbstractAsyncContextManager[None]:
        return running(self.services, self._opened)

    async def check_closed(self, started: int) -> None:
        """So many services were closed, the last one first, then what they need; and nothing is left."""
        assert self.closed == [*reversed(NAMES[:started]), *OPENED]
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await until(lambda: is_let_go(self._url), "end of the connections")


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        yield server


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    database = await open_database(database_url)
    try:
        assert not await is_let_go(database_url)
        yield Site(database, database_url, "memory://")
    finally:
        await database.close()


async def broken_at_once(_: Callable[[], Awaitable[None]]) -> None:
    raise BrokenError


async def broken_half_way(start: Callable[[], Awaitable[None]]) -> None:
    await start()
    raise BrokenError


def test_services_are_those() -> None:
    services = Background(Settings(_env_file=None), None, SEALER).services  # type: ignore[arg-type]
    assert [type(each).__name__ for each in services] == NAMES


@pytest.mark.parametrize("smtp_url", ["", "smtp://127.0.0.1:2525"])
def test_alert_channels_are_those_of_the_settings(smtp_url: str) -> None:
    settings = Settings(_env_file=None, smtp_url=smtp_url, smtp_from="a@example.com", alert_networks="10.0.0.0/8")
    channels = alert_channels(settings)
    assert (channels.mail, [str(each) for each in channels.networks]) == (bool(smtp_url), ["10.0.0.0/8"])


async def test_services_are_closed_the_last_one_first(site: Site) -> None:
    async with site.running():
        assert site.closed == []
        assert len(asyncio.all_tasks()) > len(NAMES)
    await site.check_closed(len(NAMES))


@EACH
async def test_a_start_that_fails_half_way_leaves_nothing_open(site: Site, number: int) -> None:
    site.instead(site.services[number], "start", broken_half_way)
    with pytest.raises(BrokenError):
        async with site.running():
            pytest.fail("it runs")
    await site.check_closed(number + 1)


@SQLITE
@EACH
async def test_a_start_that_fails_at_once_leaves_nothing_open(site: Site, number: int) -> None:
    site.instead(site.services[number], "start", broken_at_once)
    with pytest.raises(BrokenError):
        async with site.running():
            pytest.fail("it runs")
    await site.check_closed(number + 1)


@SQLITE
@EACH
async def test_a_start_that_is_broken_off_leaves_nothing_open(site: Site, number: int) -> None:
    stuck = asyncio.Event()

    async def hang(start: Callable[[], Awaitable[None]]) -> None:
        await start()
        stuck.set()
        await asyncio.Event().wait()

    async def run() -> None:
        async with site.running():
            pytest.fail("it runs")

    site.instead(site.services[number], "start", hang)
    task = asyncio.create_task(run())
    await stuck.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await site.check_closed(number + 1)


@EACH
async def test_a_close_that_fails_keeps_no_other_from_closing(site: Site, number: int) -> None:
    broken = site.services[number]
    site.instead(broken, "close", broken_half_way)
    with capture_logs() as logs:
        async with site.running():
            pass
    await site.check_closed(len(NAMES))
    (line,) = [entry for entry in logs if entry["event"] == "service_not_closed"]
    assert line["service"] == NAMES[number]
    assert line["exc_info"]


async def test_a_start_and_all_closes_that_fail_leave_nothing_open(site: Site) -> None:
    for each in site.services:
        site.instead(each, "close", broken_half_way)
    site.instead(site.services[-1], "start", broken_half_way)
    with capture_logs() as logs, pytest.raises(BrokenError):
        async with site.running():
            pytest.fail("it runs")
    await site.check_closed(len(NAMES))
    failed = [entry["service"] for entry in logs if entry["event"] == "service_not_closed"]
    assert failed == NAMES[::-1]


@SQLITE
async def test_a_start_that_fails_leaves_nothing_open_at_redis(database_url: str, valkey: ValkeyServer) -> None:
    site = Site(await open_database(database_url), database_url, valkey.url)
    async with Redis.from_url(valkey.url) as client:

        async def connections() -> int:
            return len(await client.client_list()) - 1  # besides who asks

        async def fail(start: Callable[[], Awaitable[None]]) -> None:
            await start()
            assert await connections() == 1
            raise BrokenError

        async def are_gone() -> bool:
            return await connections() == 0

        site.instead(site.services[-1], "start", fail)
        with pytest.raises(BrokenError):
            async with site.running():
                pytest.fail("it runs")
        await until(are_gone)
    await site.check_closed(len(NAMES))


async def test_an_application_that_does_not_start_closes_its_database(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a server asks for it: by the messages of ASGI's lifespan."""

    async def start(_: Feed) -> None:
        raise BrokenError("no such feed")

    monkeypatch.setattr(Feed, "start", start)
    app = create_app(Settings(_env_file=None), await open_database(database_url), SEALER)
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(BrokenError):
        await app({"type": "lifespan", "state": {}}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    await until(lambda: is_let_go(database_url), "end of the connections")
