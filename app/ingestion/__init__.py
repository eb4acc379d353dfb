"""Writes events into the database: one transaction per batch, one after-commit hook, one result for every order.

Merging happens in Python (merging.py) under the lock of each execution's row: both databases share one state machine,
and the writer knows a row before and after.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app import clock
from app.alerts import checks
from app.changes.commits import NO_LISTENERS, Announcements
from app.db import Database, Overtaken, Transaction
from app.delivery import outbox
from app.engines.notes import EngineNotes
from app.events import Event, LogLine, Rejection
from app.executions import lineage
from app.ingestion import execution_rows, failures, group_moves, log_rows, payload_rows, retry_links, step_rows
from app.ingestion.consequences import Write, failing, figure_of
from app.ingestion.execution_rows import Key, Stored
from app.ingestion.grouping import Apart, Groups, Store
from app.ingestion.known_secrets import KnownSecrets
from app.ingestion.merging import ExecutionFacts, StepFacts, precedes
from app.ingestion.registry import Registry
from app.ingestion.splitting import Splitting
from app.lifecycle import State
from app.metrics import deltas
from app.secrets.sealing import Sealer

# When nothing else has changed, write a receipt only if the stored one is older: an engine that sends everything twice
# must not cost twice the writes.
RECEIPT_PRECISION = clock.SECOND
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
        return await self._groups.store(events, size, apart=retry_links.any_claimed(events))

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
        if retry_links.any_claimed(events):
            rejected = await retry_links.check(transaction, events, engines)
            places = {rejection.index for rejection in rejected}
            events = [event for event in events if event.index not in places]
        if events:
            facts = _fold(events, engines, received_at)
            await self.merge(transaction, facts, family, imported=imported, together=together)
        return rejected

    async def merge(
        self,
        transaction: Transaction,
        facts: dict[Key, ExecutionFacts],
        family: set[str],
        *,
        imported: bool = False,
        together: bool = False,
    ) -> None:
        """Bring executions up to the facts, as the last part of a transaction. Apart if `together` would take long.

        Also locks the ancestors of retries, and what is below those that are linked anew, in id order with the rest, so
        that two batches cannot deadlock. Who they are shows only when the retry is locked: then they go into `family`,
        and the transaction runs again with them (Overtaken).
        """
        if family:
            await execution_rows.lock_with(transaction, facts, family)
        stored = await execution_rows.lock(transaction, facts)
        known = (*facts.values(), *(row.facts for row in stored.values()))
        parents = {fact.retry_of for fact in known if fact.retry_of is not None}
        linked = {row.id for key, row in stored.items() if _links_anew(row, facts[key])}
        relatives = await lineage.with_ancestors(transaction, parents)
        relatives |= await lineage.with_descendants(transaction, linked)
        if not relatives <= family | {row.id for row in stored.values()}:
            if together and len(relatives) > MAX_RELATIVES:
                raise Apart({key[1] for key, row in stored.items() if row.facts.retry_of is not None})
            family |= relatives
            raise Overtaken("what is above a retry, or moves with it, is to be locked first")
        fresh: dict[Key, str] = {}
        workflows: dict[Key, str] = {}
        parts: failures.Parts = set()
        if missing := {key: facts[key] for key in sorted(facts) if key not in stored}:
            secrets = await self._secrets.mask_fresh(missing)
            parts = await failures.derive_fresh(missing.values(), self.splitting.rules)
            # All at once, in one order: two batches that name the same new workflows must not wait for each other.
            workflows = await self._workflow_ids(transaction, facts)
            fresh = await execution_rows.insert_executions(transaction, missing, workflows, clock.now_us())
            if len(fresh) < len(missing):
                raise Overtaken("executions were inserted since the look-up above")
            await self._secrets.remember(transaction, {fresh[key]: values for key, values in secrets.items()})
        write = Write(changed=list(fresh.values()), logged=[id_ for key, id_ in fresh.items() if facts[key].logs])
        write.parts |= parts
        write.moved |= {fact.retry_of for key, fact in facts.items() if key in fresh and fact.retry_of is not None}
        for key, id_ in fresh.items():
            workflow_id = workflows[key[0], facts[key].workflow]
            write.deltas += deltas.change(None, figure_of(facts[key], workflow_id))
            write.note_failure(None, failing(facts[key], workflow_id, id_))
        if stored:
            await self._merge(transaction, stored, facts, write, together)
        linked |= {id_ for key, id_ in fresh.items() if facts[key].retry_of is not None}
        if write.moved or linked:
            told = await lineage.refresh_roots(transaction, linked) if linked else set()
            told |= await lineage.refresh_ancestors(transaction, write.moved)
            write.changed += sorted(told.difference(write.changed))
        await group_moves.note_parts(transaction, write.parts)
        await deltas.append(transaction, write.deltas)
        if not imported:
            await checks.append(transaction, write.failed)
        finished = {id_ for key, id_ in fresh.items() if facts[key].state.finished} | write.finished
        await self._announcements.announce(
            transaction, write.changed, created=fresh.values(), finished=finished, logged=write.logged
        )

    async def _merge(
        self,
        transaction: Transaction,
        stored: dict[Key, Stored],
        facts: dict[Key, ExecutionFacts],
        write: Write,
        together: bool,
    ) -> None:
        """Bring stored executions up to the facts."""
        before = {key: (row.facts.visible(), row.facts.merge_keys()) for key, row in stored.items()}
        places = {row.id: _place(row) for row in stored.values()}
        figures = {row.id: figure_of(row.facts, row.workflow_id) for row in stored.values()}
        failed_before = {row.id: failing(row.facts, row.workflow_id, row.id) for row in stored.values()}
        masked = await self._secrets.mask_stored(transaction, stored, facts, together=together)
        stepped = await self._merge_steps(transaction, stored, facts)
        lines = await self._new_lines(transaction, stored, facts)
        for key, row in stored.items():
            row.facts.merge(facts[key])
        workflows = await self._workflow_ids(transaction, {key: row.facts for key, row in stored.items()})
        rewritten = [(row.id, row.facts) for row in stored.values() if row.facts.rewritten]
        await payload_rows.update(transaction, sorted(rewritten, key=lambda item: item[0]))
        changed = stepped | masked | {id_ for id_, _ in rewritten}
        changed |= {row.id for key, row in stored.items() if _reads_differently(row, before[key][0])}
        changed |= await self._accept_deliveries(transaction, stored.values())
        derived = {row.id: row.facts for row in stored.values() if row.id in changed}
        write.parts |= await failures.derive_stored(transaction, derived, self.splitting.rules)
        for row in stored.values():
            state, _ = places[row.id]
            if row.facts.state is not state and row.facts.state.finished:
                write.finished.add(row.id)
            if _place(row) != places[row.id]:
                write.moved |= {parent for _, parent in (places[row.id], _place(row)) if parent is not None}
        now = clock.now_us()
        merged, receipts = [], []
        for key, row in sorted(stored.items(), key=lambda item: item[1].id):
            known, added = row.facts, lines.get(row.id, [])
            log_count = row.log_count + len(added)
            if row.id in changed:
                write.changed.append(row.id)
                row.updated_at = now
            if row.id in changed or known.merge_keys() != before[key][1]:
                workflow_id = workflows[key[0], known.workflow]
                write.deltas += deltas.change(figures[row.id], figure_of(known, workflow_id))
                write.note_failure(failed_before[row.id], failing(known, workflow_id, row.id))
                merged.append(
                    (row.id, *execution_rows.merged_values(known, key[1], workflow_id, row.updated_at, log_count))
                )
            elif added or facts[key].received_at >= row.received_at + RECEIPT_PRECISION:
                receipts.append((row.id, known.received_at, log_count))
            if added:
                write.logged.append(row.id)
        await execution_rows.update_executions(transaction, merged)
        await execution_rows.update_receipts(transaction, receipts)
        await log_rows.insert(
            transaction, [(row.id, row.log_count, lines[row.id]) for row in stored.values() if row.id in lines]
        )

    async def _accept_deliveries(self, transaction: Transaction, rows: Iterable[Stored]) -> set[str]:
        """The ids of retries that events mention: the engine has them, whatever became of its answer."""
        arrived = {row.id: row for row in rows if row.facts.awaiting_dispatch}
        if arrived:
            await outbox.accepted(transaction, arrived)
        for row in arrived.values():
            row.facts.awaiting_dispatch = False
        return set(arrived)

    async def _merge_steps(
        self, transaction: Transaction, stored: dict[Key, Stored], facts: dict[Key, ExecutionFacts]
    ) -> set[str]:
        """Insert and update steps of stored executions; returns the ids of the executions with changed steps."""
        reported = [(row.id, step) for key, row in stored.items() for step in facts[key].steps.values()]
        if not reported:
            return set()
        known = await step_rows.stored(transaction, {id_ for id_, _ in reported})
        new: list[tuple[str, StepFacts]] = []
        merged: list[tuple[str, StepFacts]] = []
        for id_, step in reported:
            before = known.get((id_, step.index))
            if before is None:
                new.append((id_, step))
                continue
            visible, merge_keys = before.visible(), before.merge_keys()
            before.merge(step)
            if before.rewritten or before.visible() != visible or before.merge_keys() != merge_keys:
                merged.append((id_, before))
        await step_rows.insert(transaction, new)
        await step_rows.update(transaction, merged)
        return {id_ for id_, _ in (*new, *merged)}

    async def _new_lines(
        self, transaction: Transaction, stored: dict[Key, Stored], facts: dict[Key, ExecutionFacts]
    ) -> dict[str, list[LogLine]]:
        """The log lines that are not stored yet, by execution id."""
        given = {row.id: facts[key].logs for key, row in stored.items() if facts[key].logs}
        if not given:
            return {}
        known = await log_rows.known_keys(transaction, given)
        lines = {id_: [line for key, line in logs.items() if (id_, key) not in known] for id_, logs in given.items()}
        return {id_: new for id_, new in lines.items() if new}

    async def _workflow_ids(self, transaction: Transaction, facts: dict[Key, ExecutionFacts]) -> dict[Key, str]:
        return await self._registry.workflow_ids(transaction, ((key[0], fact.workflow) for key, fact in facts.items()))


def _links_anew(row: Stored, facts: ExecutionFacts) -> bool:
    """Whether the merge will set what the stored execution retries."""
    known = row.facts
    return precedes(facts.retry_of_key, known.retry_of_key) and facts.retry_of != known.retry_of


def _place(row: Stored) -> tuple[State, str | None]:
    """What the ancestors of an execution show of it."""
    return row.facts.state, row.facts.retry_of


def _reads_differently(row: Stored, visible: tuple[object, ...]) -> bool:
    return row.facts.visible() != visible or row.facts.state is not row.shown_state


def _fold(events: Sequence[Event], engines: dict[str, str], received_at: int) -> dict[Key, ExecutionFacts]:
    """The facts of each execution that the events mention."""
    facts: dict[Key, ExecutionFacts] = {}
    for event in events:
        key = (engines[event.source], event.subject)
        fact = facts.get(key)
        if fact is None:
            fact = facts[key] = ExecutionFacts(first_event_at=event.time, received_at=received_at)
        fact.add(event)
    return facts
