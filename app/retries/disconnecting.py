"""Takes the way back of an engine away. Once that is answered, nothing more is sent to the engine.

First the connection goes: attempts that begin later find none. Then what waits is cancelled, and what processes are
sending already is waited for. A process that is killed in between leaves rows that the deliveries cancel when they are
due (app/retries/delivery.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from app import engines, ids
from app.db import Database, Transaction
from app.delivery import outbox
from app.engines import Engine, connections
from app.errors import NotFound
from app.ingestion import Ingestion, execution_rows
from app.retries import OUTBOX_KIND
from app.retries.delivery import ENGINES
from app.retries.ending import DISCONNECTED, end
from app.secrets.sealing import Sealer

# Retries that are cancelled in one transaction, which locks them and what they retry.
BATCH = 50
# Between two looks at what is being sent. Most engines answer within it.
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Disconnected:
    """An engine without a way back, and how many retries that waited for it were cancelled."""

    engine: Engine
    cancelled: int


class Disconnecting:
    """Disconnects engines."""

    def __init__(self, database: Database, sealer: Sealer, ingestion: Ingestion) -> None:
        self._database = database
        self._sealer = sealer
        self._ingestion = ingestion

    async def disconnect(self, engine_id: str, actor: str | None) -> Disconnected:
        """Disconnect an engine; again changes nothing. NotFound for an unknown one. `actor` as for the connection.

        Takes as long as the attempts under way: up to their time-out, or to the end of the lease of a killed process.
        """
        engine = await self._find(engine_id)
        await connections.disconnect(self._database, self._sealer, engine, actor)
        cancelled = 0
        while True:
            # In this order: an attempt that ends between the two has its retry cancelled here, not left waiting.
            under_way = await outbox.under_way(self._database, OUTBOX_KIND, ENGINES, engine_id)
            waiting = await outbox.waiting(self._database, OUTBOX_KIND, ENGINES, engine_id, BATCH)
            if waiting:
                cancelled += await self._cancel(waiting)
            elif under_way:
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return Disconnected(await self._find(engine_id), cancelled)

    async def _find(self, engine_id: str) -> Engine:
        engine = (await engines.by_ids(self._database, [engine_id])).get(engine_id)
        if engine is None:
            raise NotFound(f"id: no such engine: {ids.to_global('engine', engine_id)!r}")
        return engine

    async def _cancel(self, execution_ids: Sequence[str]) -> int:
        family: set[str] = set()

        async def work(transaction: Transaction) -> int:
            await execution_rows.lock_with(transaction, (), {*execution_ids, *family})
            items = await outbox.cancel(transaction, execution_ids, DISCONNECTED)
            if items:
                await end(transaction, self._ingestion, items, DISCONNECTED, family)
            return len(items)

        return await self._database.transaction(work)
