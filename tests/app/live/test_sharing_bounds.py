"""Subscribers who share results and are slow, or swamped, get all of them all the same, or the newest state."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from app.auth import Viewer
from app.changes import revisions
from app.db import Database
from app.graphql.sockets import Limits
from app.live import groups, queue
from app.live.updates import Watchable
from app.rates import Rates, RatesAllowed
from app.server import websocket_protocol
from resolvers.context import Context
from specs.harness.waiting import PATIENCE_SECONDS, until
from tests.app.live.site import UPDATES, WAYS, Site, subscribed
from tests.app.reports import events, report


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    async with Site(database).running(Limits()) as running:
        yield running


@pytest.fixture
async def impatient(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """One that closes a client soon, and then waits for it to read as long as the test takes."""
    monkeypatch.setattr(websocket_protocol, "LINGER_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr("app.graphql.socket.CLOSE_SECONDS", PATIENCE_SECONDS)
    async with Site(database).running(Limits(stall_seconds=0.5)) as running:
        yield running


class PaidSite(Site):
    """Where each viewer pays, and what is executed for all is remembered."""

    def __init__(self, database: Database) -> None:
        self.rates = Rates(RatesAllowed(cost_per_minute=100_000))
        self.shared_contexts: list[Context] = []
        super().__init__(database)

    def make_context(self, viewer: Viewer, updates: Watchable | None = None) -> Context:
        context = super().make_context(viewer, updates)
        context.client = self.rates.of_operations(viewer.name, None)
        if not viewer.name:
            self.shared_contexts.append(context)
        return context


async def test_members_alone_pay_and_their_turns_are_taken(database: Database) -> None:
    """What everybody shares has no account that some could spend, and no turns that others' would wait for."""
    site = PaidSite(database)
    assert site.rates._operations is not None
    spent = site.rates._operations.account("")
    spent.balance, spent._is_empty = -(10**9), True
    async with site.running(Limits()), subscribed(site, "shared") as one, subscribed(site, "shared") as other:
        for number in range(2):
            await site.ingestion.record(events([report("execution.queued", at=number)], f"run-{number}"))
            for each in (one, other):
                assert (await each.next())["payload"]["data"]["executionUpdated"]["matches"] is True
        assert spent.balance == -(10**9)
        payers = [each.viewer.credential for each in site.shared_contexts]
        assert len(payers) == len({*payers}) == 2
        assert all(each.startswith("somebody") for each in payers)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["shared", "prebuilt"])
async def test_a_client_that_does_not_read_is_closed_and_gets_the_latest_states(impatient: Site, way: str) -> None:
    site = impatient
    document = UPDATES + "{ cursor execution { externalId state trigger { data } } } }"
    async with subscribed(site, way, document) as slow, subscribed(site, way, document) as quick:
        slow.connection.transport.pause_reading()
        large = {"kind": "manual", "data": "x" * 100_000}
        after = await site.cursor()
        heard = []
        for number in range(90):
            subject = f"run-{number % 40}"
            kind = "queued" if number < 40 else "started"
            await site.ingestion.record(events([report(f"execution.{kind}", at=number, trigger=large)], subject))
            heard.append((await quick.next())["payload"]["data"]["executionUpdated"]["execution"]["externalId"])
        assert heard == [f"run-{number % 40}" for number in range(90)]
        await until(lambda: site.feed.subscribers == 1)
        slow.connection.transport.resume_reading()
        assert (await slow.end())[0] == 4510
        async with subscribed(site, way, document, after=after) as back:
            states = {}
            for _ in range(40):
                execution = (await back.next())["payload"]["data"]["executionUpdated"]["execution"]
                states[execution["externalId"]] = execution["state"]
        assert states == {f"run-{number}": "RUNNING" for number in range(40)}


@pytest.mark.slow
async def test_one_that_fell_behind_goes_on_without_a_gap(site: Site) -> None:
    """What is sent in one go is more than a socket takes at once: it reads the rest from where it was."""
    document = UPDATES + "{ cursor execution { externalId trigger { data } } } }"
    async with subscribed(site, "prebuilt", document) as socket:
        large = report("execution.queued", trigger={"kind": "manual", "data": "x" * 100_000})
        every = [one for number in range(60) for one in events([large], f"run-{number:02}")]
        socket.connection.transport.pause_reading()
        await site.ingestion.record(every)
        socket.connection.transport.resume_reading()
        found = [(await socket.next())["payload"]["data"]["executionUpdated"] for _ in range(60)]
        assert [update["execution"]["externalId"] for update in found] == [f"run-{number:02}" for number in range(60)]
        await site.ingestion.record(events([report("execution.queued")], "last"))
        assert (await socket.next())["payload"]["data"]["executionUpdated"]["execution"]["externalId"] == "last"


@pytest.mark.slow
async def test_a_burst_closes_nobody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """More changes at once than wait for anybody: those who read get each of them once, in order."""
    monkeypatch.setattr(queue, "MAX_WAITING", 20)
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(subscribed(site, way)) for way in WAYS]
        many = [one for n in range(700) for one in events([report("execution.queued")], f"run-{n:03}")]
        await site.ingestion.record(many)
        for socket in sockets:
            names = [
                (await socket.next())["payload"]["data"]["executionUpdated"]["execution"]["externalId"]
                for _ in range(700)
            ]
            assert sorted(names) == [f"run-{n:03}" for n in range(700)]


@pytest.mark.slow
@pytest.mark.parametrize("limit", [150, 5])
async def test_more_filters_times_changes_than_are_queued(
    site: Site, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """The feed waits for deliveries; where it does not, members read what was dropped."""
    monkeypatch.setattr(groups, "ENOUGH_QUEUED", 20)
    monkeypatch.setattr(groups, "MAX_QUEUED", limit)
    async with AsyncExitStack() as stack:
        filters = [{"excludeWorkflowName": [f"w{number}"]} for number in range(8)]
        sockets = [await stack.enter_async_context(subscribed(site, "prebuilt", filter=where)) for where in filters]
        await site.ingestion.record(
            [one for n in range(100) for one in events([report("execution.queued")], f"run-{n:02}")]
        )
        for socket in sockets:
            found = [(await socket.next())["payload"]["data"]["executionUpdated"] for _ in range(100)]
            assert {update["execution"]["externalId"] for update in found} == {f"run-{n:02}" for n in range(100)}
            positions = [revisions.parse_updates_cursor(update["cursor"]) for update in found]
            assert positions == sorted(positions, key=lambda position: position or ("", 0))
