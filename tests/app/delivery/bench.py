"""Failed executions, retries of them, and the dispatch that takes these to their engines, all real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from app import clock
from app.changes.commits import Announcements, Committed
from app.db import Database, Transaction
from app.db.postgres_pools import POOL_SIZE
from app.delivery.loop import DeliveryLoop
from app.delivery.outbox import OutboxItem
from app.delivery.port import Handler
from app.engines import EngineKind
from app.engines.connections import connect_webhook
from app.ingestion import Ingestion
from app.retries import OUTBOX_KIND, Asked, Retries
from app.retries.delivery import ENGINES, RetryHandler
from app.retries.webhook import WebhookWayBack
from specs.harness.waiting import until
from tests.app.reports import events, report, select
from tests.sealing import SEALER

ENGINE = "engine"
TRIGGER = {"kind": "api", "data": {"n": 1, "token": "s3cr3t-value"}}
_numbers = count(1)


@asynccontextmanager
async def occupied(database: Database) -> AsyncIterator[Callable[[], None]]:
    """All connections that write are taken by others, until what this gives is called."""
    release, entered = asyncio.Event(), 0
    limit = POOL_SIZE if database.dialect == "postgres" else 1

    async def hold(_: Transaction) -> None:
        nonlocal entered
        entered += 1
        await release.wait()

    held = [asyncio.create_task(database.transaction(hold)) for _ in range(limit)]
    await until(lambda: entered == limit, "transactions that hold all connections")
    try:
        yield release.set
    finally:
        release.set()
        await asyncio.gather(*held)


class Between:
    """A handler in front of the real one, which can be made to fail."""

    def __init__(self, *, deliver: Sequence[BaseException] = (), settle: Sequence[BaseException] = ()) -> None:
        self.deliver_errors = list(deliver)
        self.settle_errors = list(settle)
        self.settled = 0
        self._handler: Handler | None = None

    def __call__(self, handler: Handler) -> Handler:
        self._handler = handler
        return self

    async def deliver(self, item: OutboxItem) -> None:
        if self.deliver_errors:
            raise self.deliver_errors.pop(0)
        assert self._handler is not None
        await self._handler.deliver(item)

    async def settle(self, item: OutboxItem, failure: str | None, given_up: bool) -> None:
        if self.settle_errors:
            raise self.settle_errors.pop(0)
        assert self._handler is not None
        await self._handler.settle(item, failure, given_up)
        self.settled += 1


class Bench:
    """One database, with what creates retries and what delivers them. `heard` is what listeners heard."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.heard: list[Committed] = []
        self.ingestion = Ingestion(database, SEALER, Announcements([self.heard.append]))

    async def connect(self, url: str, engine: str = ENGINE) -> str:
        """Let retries of an engine go there; the secret that signs them."""
        return await connect_webhook(self.database, SEALER, engine, url, replace=True)

    async def failed(self, engine: str = ENGINE, trigger: Any = TRIGGER) -> str:
        """A new execution that has failed; its id."""
        subject = f"run-{next(_numbers)}"
        reports = [
            report("execution.queued", subject, workflow="nightly", trigger=trigger),
            report("execution.finished", subject, at=5, state="FAILED"),
        ]
        await self.ingestion.record(events([{**one, "source": engine} for one in reports]))
        (row,) = await select(self.database, "executions", "external_id = $1", subject)
        id_: str = row["id"]
        return id_

    async def retry(self, execution_id: str | None = None, engine: str = ENGINE) -> str:
        """A retry of an execution, or of a new one that has failed; its id."""
        given = execution_id or await self.failed(engine)
        made = await Retries(self.database, SEALER).request(Asked(given, "ada"))
        assert made.created
        return made.id

    async def tell(self, execution_id: str, type_: str, at: int = 9, engine: str = ENGINE, **data: Any) -> None:
        """What the engine says about an execution."""
        subject = (await self.row(execution_id))["external_id"]
        assert await self.ingestion.record(events([{**report(type_, subject, at, **data), "source": engine}])) == []

    async def row(self, execution_id: str) -> dict[str, Any]:
        """The execution."""
        (row,) = await select(self.database, "executions", "id = $1", execution_id)
        return row

    async def delivery(self, execution_id: str) -> dict[str, Any]:
        """Its row of the outbox."""
        (row,) = await select(self.database, "outbox", "subject_id = $1", execution_id)
        return row

    async def revision(self, execution_id: str) -> int:
        """Its revision."""
        (row,) = await select(self.database, "execution_revisions", "execution_id = $1", execution_id)
        return int(row["revision"])

    async def run(self, sql: str, *params: Any) -> None:
        """One writing statement."""
        await self.database.transaction(lambda transaction: transaction.fetch(sql, *params))

    async def make_due(self) -> None:
        """As if the pauses and the leases of all deliveries were over."""
        await self.run("UPDATE outbox SET next_attempt_at = $1 WHERE next_attempt_at IS NOT NULL", clock.now_us())

    async def until_delivery(self, execution_id: str, met: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Its row of the outbox, once that meets a condition."""
        found: dict[str, Any] = {}

        async def look() -> bool:
            found.update(await self.delivery(execution_id))
            return met(found)

        await until(look, f"delivery of {execution_id}")
        return found

    async def until_accepted(self, execution_id: str) -> dict[str, Any]:
        """Its row of the outbox, once the engine has it."""
        return await self.until_delivery(execution_id, lambda row: row["accepted_at"] is not None)

    async def until_failed(self, execution_id: str) -> dict[str, Any]:
        """Its row of the outbox, once an attempt has failed."""
        return await self.until_delivery(execution_id, lambda row: row["last_error"] is not None)

    async def until_accepted_are(self, number: int) -> None:
        """Wait until so many deliveries have arrived."""

        async def look() -> bool:
            return len(await select(self.database, "outbox", "accepted_at IS NOT NULL")) == number

        await until(look, f"{number} accepted deliveries")

    @asynccontextmanager
    async def delivering(
        self,
        *,
        patience: float = 20,
        give_up_after: float = 3600,
        handler: Callable[[Handler], Handler] = lambda handler: handler,
        database: Database | None = None,
    ) -> AsyncIterator[DeliveryLoop]:
        """A loop that delivers retries to webhooks, as one process has it; `handler` may put something in between."""
        way_back = WebhookWayBack(patience)
        used = database or self.database
        announcements = Announcements([self.heard.append])
        real = RetryHandler(used, SEALER, self.ingestion, {EngineKind.WEBHOOK: way_back}, announcements)
        loop = DeliveryLoop(
            used, {OUTBOX_KIND: handler(real)}, timeout=patience, give_up_after=give_up_after, receivers=ENGINES
        )
        await loop.start()
        try:
            yield loop
        finally:
            await loop.close()
            await way_back.close()
