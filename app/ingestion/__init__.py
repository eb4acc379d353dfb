"""Writes events into the database: one transaction per batch, one after-commit hook, one result for every order.

Merging happens in Python (merging.py) under the lock of each execution's row: both databases share one state machine,
and the writer knows a row before and after.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from app import clock
from app.alerts import checks
from app.changes.commits import NO_LISTENERS, Announcements
from app.db import Database, Overtaken, Transaction
from app.engines.notes import EngineNotes
from app.events import Event, Rejection
from app.events.rejections import secrets_of, with_secrets
from app.executions import lineage
from app.ingestion import execution_rows, failures, fresh_rows, group_moves, retry_links
from app.ingestion.arrivals import Arrivals
from app.ingestion.consequences import Write
from app.ingestion.execution_rows import Key, Stored
from app.ingestion.fresh_rows import Fresh
from app.ingestion.grouping import MAX_EVENTS, Apart, Groups, Store
from app.ingestion.known_secrets import KnownSecrets
from app.ingestion.merge_keys import precedes
from app.ingestion.merging import ExecutionFacts
from app.ingestion.registry import Registry
from app.ingestion.splitting import Splitting
from app.ingestion.updates import Updates
from app.metrics import deltas
from app.secrets.sealing import Sealer
from app.turns import pieces

# Stored executions that are looked at in one go: a quarter of a millisecond.
PIECE = 64
# Executions above and below retries that a group of requests locks and refreshes; chains may be a thousand long.
MAX_RELATIVES = 50


class Ingestion:
    """Records events, and announces each commit."""

    def __init__(self, database: Database, sealer: Sealer, announcements: Announcements = NO_LISTENERS) -> None:
        self._database = database
        self._registry = Registry()
        self._secrets = KnownSecrets(sealer)
        self._announcements = announcements
        self.notes = EngineNotes(database)
        self.splitting = Splitting(database)  # a service of its own
        self._updates = Updates(self._secrets, self._registry, self.splitting)
        self._groups = Groups(database, self._storing)

    async def record(self, events: Sequence[Event], *, imported: bool = False, size: int = 0) -> list[Rejection]:
        """Commit the events, in any order; returns the contradictory ones as rejected.

        Events that are `imported` are history, and cause no alert. A few others, of `size` bytes as sent, may share
        their transaction with those of other callers (app/ingestion/grouping.py).
        """
        if not events:
            return []
        if imported:
            store = self._storing(imported=True)
            return await self._database.transaction(lambda transaction: store(transaction, events))
        # Of a group nothing is rejected, and a claim may be.
        apart = len(events) > MAX_EVENTS or retry_links.any_claimed(events)
        return await self._groups.store(events, size, apart=apart)

    async def start(self) -> None:
        """See Service: there is nothing to begin."""

    async def close(self) -> None:
        """Wait until all that was accepted is stored."""
        await self._groups.close()
        await self.notes.close()

    def _storing(self, together: bool = False, *, imported: bool = False) -> Store:
        """What stores the events of one transaction, however often that runs."""
        received_at = clock.now_us()
        family: set[str] = set()
        return lambda transaction, events: self._record(transaction, events, received_at, family, imported, together)

    async def _record(
        self,
        transaction: Transaction,
        events: Sequence[Event],
        received_at: int,
        family: set[str],
        imported: bool,
        together: bool,
    ) -> list[Rejection]:
        engines = await self._registry.engine_ids(transaction, {event.source for event in events})
        if claiming := {engines[event.source] for event in events if event.claims_retries}:
            await self._registry.note_claims(transaction, claiming)
        rejected: list[Rejection] = []
        arrivals = await Arrivals.of_events(transaction, events, engines, received_at)
        if arrivals.retried and (rejected := await retry_links.check(transaction, events, engines)):
            places = {rejection.index for rejection in rejected}
            accepted = [event for event in events if event.index not in places]
            accepted = with_secrets(accepted, secrets_of(event for event in events if event.index in places))
            arrivals = await Arrivals.of_events(transaction, accepted, engines, received_at)
        if arrivals.keys:
            await self.merge(transaction, arrivals, family, imported=imported, together=together)
        return rejected

    async def merge(
        self,
        transaction: Transaction,
        arrivals: Arrivals,
        family: set[str],
        *,
        imported: bool = False,
        together: bool = False,
    ) -> None:
        """Bring executions up to the arrivals, as the last part of a transaction. Apart if `together` would take long.

        Also locks the ancestors of retries, and what is below those that are linked anew, in id order with the rest, so
        that two batches cannot deadlock. Who they are shows only when the retry is locked: then they go into `family`,
        and the transaction runs again with them (Overtaken).
        """
        if family:
            await execution_rows.lock_with(transaction, arrivals.keys, family)
        stored = await execution_rows.lock(transaction, arrivals.keys)
        facts = await arrivals.merge(transaction, stored)
        parents, write, fresh = set(arrivals.retried), Write(), dict[Key, str]()
        for piece in pieces(stored.items(), PIECE):
            parents |= {row.facts.retry_of for _, row in piece if row.facts.retry_of is not None}
            write.linked |= {row.id for key, row in piece if _links_anew(row, facts[key])}
            await transaction.pause()
        relatives = await lineage.with_ancestors(transaction, parents)
        relatives |= await lineage.with_descendants(transaction, write.linked)
        if not relatives <= family | {row.id for row in stored.values()}:
            if together and len(relatives) > MAX_RELATIVES:
                raise Apart({key[1] for key, row in stored.items() if row.facts.retry_of is not None})
            family |= relatives
            raise Overtaken("what is above a retry, or moves with it, is to be locked first")
        if missing := sorted(arrivals.keys - stored.keys()):
            fresh = await self._insert(transaction, arrivals, missing, write)
        if stored:
            await self._updates.write(transaction, stored, facts, write, together)
        if write.moved or write.linked:
            told = await lineage.refresh_roots(transaction, write.linked) if write.linked else set()
            told |= await lineage.refresh_ancestors(transaction, write.moved)
            write.changed += sorted(told.difference(write.changed))
        await group_moves.note_parts(transaction, write.parts)
        await deltas.append(transaction, write.deltas)
        if not imported:
            await checks.append(transaction, write.failed)
        await self._announcements.announce(
            transaction, write.changed, created=fresh.values(), finished=write.finished, logged=write.logged
        )

    async def _insert(
        self, transaction: Transaction, arrivals: Arrivals, missing: Sequence[Key], write: Write
    ) -> dict[Key, str]:
        """Insert new executions; their ids. What is to be known of all of them comes first: see Fresh.insert."""
        # All at once, in one order: two batches that name the same new workflows must not wait for each other.
        workflows = await self._registry.workflow_ids(transaction, arrivals.workflows(missing))
        inserted, sealed = Fresh(workflows, clock.now_us()), dict[Key, str]()

        async def ready() -> AsyncGenerator[dict[Key, ExecutionFacts], None]:
            for keys in pieces(missing, fresh_rows.PIECE):
                facts = await arrivals.merge(transaction, keys)
                sealed.update(await self._secrets.mask_fresh(transaction, facts))
                write.parts |= await failures.derive_fresh(transaction, facts.values(), self.splitting.rules)
                yield facts
                write.note_fresh(facts, inserted.ids, workflows)

        await inserted.insert(transaction, ready())
        await self._secrets.remember(transaction, {inserted.ids[key]: secrets for key, secrets in sealed.items()})
        return inserted.ids


def _links_anew(row: Stored, facts: ExecutionFacts) -> bool:
    """Whether the merge will set what the stored execution retries."""
    known = row.facts
    return precedes(facts.retry_of_key, known.retry_of_key) and facts.retry_of != known.retry_of
