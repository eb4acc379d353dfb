"""Brings stored executions, locked by their transaction, up to what events say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from app import clock
from app.alerts.checks import Failing
from app.db import Transaction
from app.delivery import outbox
from app.events import LogLine
from app.ingestion import execution_rows, failures, log_rows, payload_rows, step_rows
from app.ingestion.consequences import Write, failing, figure_of
from app.ingestion.execution_rows import Key, Stored
from app.ingestion.known_secrets import KnownSecrets
from app.ingestion.merging import ExecutionFacts
from app.ingestion.registry import Registry
from app.ingestion.splitting import Splitting
from app.ingestion.step_facts import StepFacts
from app.lifecycle import State
from app.metrics import deltas
from app.metrics.deltas import Figure
from app.turns import pieces

# When nothing else has changed, write a receipt only if the stored one is older: an engine that sends everything twice
# must not cost twice the writes.
RECEIPT_PRECISION = clock.SECOND
# Executions that are compared or merged in one go: half a millisecond. Of steps it is less.
PIECE = 32


class _Before(NamedTuple):
    """What an execution was before the merge."""

    visible: tuple[object, ...]
    merge_keys: tuple[object, ...]
    state: State
    retry_of: str | None
    figure: Figure | None
    failing: Failing | None

    @classmethod
    def of(cls, row: Stored) -> _Before:
        facts = row.facts
        figure, failed = figure_of(facts, row.workflow_id), failing(facts, row.workflow_id, row.id)
        return cls(facts.visible(), facts.merge_keys(), facts.state, facts.retry_of, figure, failed)


class Updates:
    """Merges into stored executions what arrives for them."""

    def __init__(self, secrets: KnownSecrets, registry: Registry, splitting: Splitting) -> None:
        self._secrets = secrets
        self._registry = registry
        self._splitting = splitting

    async def write(
        self,
        transaction: Transaction,
        stored: dict[Key, Stored],
        facts: dict[Key, ExecutionFacts],
        write: Write,
        together: bool,
    ) -> None:
        """Bring the executions up to the facts, and note in `write` what follows. See Ingestion.merge."""
        before: dict[Key, _Before] = {}
        for piece in pieces(stored.items(), PIECE):
            before |= {key: _Before.of(row) for key, row in piece}
            await transaction.pause()
        masked = await self._secrets.mask_stored(transaction, stored, facts, together=together)
        stepped = await _merge_steps(transaction, stored, facts)
        lines = await _new_lines(transaction, stored, facts)
        changed, rewritten = stepped | masked, list[tuple[str, ExecutionFacts]]()
        for piece in pieces(stored.items(), PIECE):
            for key, row in piece:
                row.facts.merge(facts[key])
                if row.facts.rewritten:
                    rewritten.append((row.id, row.facts))
                if row.facts.visible() != before[key].visible or row.facts.state is not row.shown_state:
                    changed.add(row.id)
            await transaction.pause()
        named = ((key[0], row.facts.workflow) for key, row in stored.items())
        workflows = await self._registry.workflow_ids(transaction, named)
        await payload_rows.update(transaction, sorted(rewritten, key=lambda item: item[0]))
        changed |= {id_ for id_, _ in rewritten} | await _accept_deliveries(transaction, stored.values())
        derived = {row.id: row.facts for row in stored.values() if row.id in changed}
        write.parts |= await failures.derive_stored(transaction, derived, self._splitting.rules)
        now = clock.now_us()
        merged, receipts = [], []
        for piece in pieces(sorted(stored.items(), key=lambda item: item[1].id), PIECE):
            for key, row in piece:
                known, was, added = row.facts, before[key], lines.get(row.id, [])
                if known.state is not was.state and known.state.finished:
                    write.finished.add(row.id)
                if (known.state, known.retry_of) != (was.state, was.retry_of):  # as the ancestors show them
                    write.moved |= {parent for parent in (was.retry_of, known.retry_of) if parent is not None}
                log_count = row.log_count + len(added)
                if row.id in changed:
                    write.changed.append(row.id)
                    row.updated_at = now
                if row.id in changed or known.merge_keys() != was.merge_keys:
                    workflow_id = workflows[key[0], known.workflow]
                    write.deltas += deltas.change(was.figure, figure_of(known, workflow_id))
                    write.note_failure(was.failing, failing(known, workflow_id, row.id))
                    merged.append(
                        (row.id, *execution_rows.merged_values(known, key[1], workflow_id, row.updated_at, log_count))
                    )
                elif added or facts[key].received_at >= row.received_at + RECEIPT_PRECISION:
                    receipts.append((row.id, known.received_at, log_count))
                if added:
                    write.logged.append(row.id)
            await transaction.pause()
        await execution_rows.update_executions(transaction, merged)
        await execution_rows.update_receipts(transaction, receipts)
        numbered = (
            (row.id, number, line)
            for row in stored.values()
            for number, line in enumerate(lines.get(row.id, ()), row.log_count + 1)
        )
        await log_rows.insert(transaction, numbered)


async def _accept_deliveries(transaction: Transaction, rows: Iterable[Stored]) -> set[str]:
    """The ids of retries that events mention: the engine has them, whatever became of its answer."""
    arrived = {row.id: row for row in rows if row.facts.awaiting_dispatch}
    if arrived:
        await outbox.accepted(transaction, arrived)
    for row in arrived.values():
        row.facts.awaiting_dispatch = False
    return set(arrived)


async def _merge_steps(
    transaction: Transaction, stored: dict[Key, Stored], facts: dict[Key, ExecutionFacts]
) -> set[str]:
    """Insert and update steps of stored executions; returns the ids of the executions with changed steps."""
    reported = [(row.id, step) for key, row in stored.items() for step in facts[key].steps.values()]
    if not reported:
        return set()
    known = await step_rows.stored(transaction, {id_ for id_, _ in reported})
    new: list[tuple[str, StepFacts]] = []
    merged: list[tuple[str, StepFacts]] = []
    for piece in pieces(reported, PIECE):
        for id_, step in piece:
            before = known.get((id_, step.index))
            if before is None:
                new.append((id_, step))
                continue
            visible, merge_keys = before.visible(), before.merge_keys()
            before.merge(step)
            if before.rewritten or before.visible() != visible or before.merge_keys() != merge_keys:
                merged.append((id_, before))
        await transaction.pause()
    await step_rows.insert(transaction, new)
    await step_rows.update(transaction, merged)
    return {id_ for id_, _ in (*new, *merged)}


async def _new_lines(
    transaction: Transaction, stored: dict[Key, Stored], facts: dict[Key, ExecutionFacts]
) -> dict[str, list[LogLine]]:
    """The log lines that are not stored yet, by execution id."""
    given = {row.id: facts[key].logs for key, row in stored.items() if facts[key].logs}
    if not given:
        return {}
    known = await log_rows.known_keys(transaction, given)
    lines = {id_: [line for key, line in logs.items() if (id_, key) not in known] for id_, logs in given.items()}
    return {id_: new for id_, new in lines.items() if new}
