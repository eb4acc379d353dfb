"""Retries that people ask for: one locked verb, whose new execution, outbox row and audit entry are one commit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import orjson

from app import audit, clock, engines, ids
from app.changes.commits import NO_LISTENERS, Announcements
from app.db import Database, Transaction
from app.db.rows import Column, RowsOf
from app.delivery import outbox
from app.errors import Conflict, NotFound, RetryRefused
from app.events import TriggerData
from app.executions import Execution, lineage
from app.idempotency import check_key
from app.ids import new_id
from app.ingestion.fresh_rows import Fresh, at_hand
from app.ingestion.known_secrets import KnownSecrets
from app.ingestion.labels import label_of
from app.ingestion.merging import ExecutionFacts
from app.lifecycle import RANK_QUEUED, State, state_key
from app.retries.blockers import IN_PROGRESS, RetryBlocker, blockers
from app.secrets.sealing import CannotUnseal, Sealer

OUTBOX_KIND = "retry"

# A retry has the identity of its original: no claim of an event precedes the least of all keys.
FIXED = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """The outcome of asking for a retry: the ids of the retry and of the retried execution, and whether it is new."""

    id: str
    retry_of: str
    created: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for which retry, and for which bulk retry. The same key always gives the same retry."""

    execution_id: str
    actor: str
    key: str | None = None
    bulk: str | None = None

    def __post_init__(self) -> None:
        check_key(self.key)


class Retries:
    """Asks for retries, and announces them; after each commit `wake` is called: there is something to deliver."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        announcements: Announcements = NO_LISTENERS,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self.database = database
        self._sealer = sealer
        self._announcements = announcements
        self._wake = wake

    async def request(self, asked: Asked) -> Retry:
        """Create a retry of a failed execution, or find the one in progress.

        Raises NotFound for an unknown execution, RetryRefused with all reasons, Conflict for a key that another
        execution used.
        """

        async def work(transaction: Transaction) -> Retry:
            family = await lineage.lock_with_ancestors(transaction, [asked.execution_id])
            if asked.execution_id not in family:
                raise NotFound(f"executionId: no such execution: {ids.to_global('execution', asked.execution_id)!r}")
            retry = await self.make(transaction, family, asked)
            if retry.created:
                subject, shown = (ids.to_global("execution", id_) for id_ in (retry.retry_of, retry.id))
                await audit.note(transaction, asked.actor, "retryExecution", subject, {"retry": shown})
                await self.announce(transaction, [retry], family)
            return retry

        return await self.database.transaction(work)

    async def make(self, transaction: Transaction, family: dict[str, Execution], asked: Asked) -> Retry:
        """The retry of a locked execution, found or created, with its outbox row. Raises as `request` does."""
        if asked.key is not None and (known := await _known(transaction, asked)):
            return known
        execution = family[asked.execution_id]
        earlier = (await lineage.retries_of(transaction, [execution.id])).get(execution.id, ())
        for retry in earlier:
            if retry.state in IN_PROGRESS:
                await _remember(transaction, asked, retry.id)
                return Retry(retry.id, execution.id, created=False)
        engine = (await engines.by_ids(transaction, [execution.engine_id]))[execution.engine_id]
        reasons = blockers(execution, engine, [retry.state for retry in earlier])
        if not reasons and not await self._can_unseal(transaction, execution.id):
            reasons = [RetryBlocker.TRIGGER_DATA_INCOMPLETE]
        if reasons:
            raise RetryRefused(reasons)
        retry_id = await _create(transaction, execution, asked, self._sealer)
        await _remember(transaction, asked, retry_id)
        await outbox.add(transaction, OUTBOX_KIND, retry_id)
        return Retry(retry_id, execution.id, created=True)

    async def announce(self, transaction: Transaction, made: Sequence[Retry], family: Collection[str]) -> None:
        """Announce new retries and their ancestors; the last part of the transaction."""
        created = [retry.id for retry in made]
        await self._announcements.announce(transaction, [*created, *sorted(family)], created=created)
        transaction.after_commit(self._wake)

    async def _can_unseal(self, transaction: Transaction, execution_id: str) -> bool:
        """Whether the delivery will be able to restore the secrets."""
        rows = await transaction.fetch(
            "SELECT trigger_data, trigger_sealed, trigger_message FROM execution_payloads WHERE execution_id = $1",
            execution_id,
        )
        try:
            for data, sealed, message in rows:
                if data is not None:
                    self._sealer.unseal(data, sealed)
                if message is not None:
                    self._sealer.decrypt(message)
            return True
        except CannotUnseal:
            return False


async def _known(transaction: Transaction, asked: Asked) -> Retry | None:
    rows = await transaction.fetch("SELECT execution_id, retry_id FROM retry_keys WHERE key = $1", asked.key)
    if not rows:
        return None
    [(execution_id, retry_id)] = rows
    if execution_id != asked.execution_id:
        raise Conflict("idempotencyKey: used for another execution already")
    return Retry(retry_id, execution_id, created=False)


async def _remember(transaction: Transaction, asked: Asked, retry_id: str) -> None:
    if asked.key is None:
        return
    row = (asked.key, asked.execution_id, retry_id, clock.now_us())
    columns = ("key", "execution_id", "retry_id", "created_at")
    if not await transaction.insert_missing("retry_keys", columns, [row], key=("key",), returning="key"):
        # The key was used for another execution at the same moment: for the same one it would have waited for the lock.
        raise Conflict("idempotencyKey: used for another execution already")


async def _create(transaction: Transaction, execution: Execution, asked: Asked, sealer: Sealer) -> str:
    """Insert the retry with the original's trigger, to the byte; returns its id."""
    now = clock.now_us()
    external_id = new_id(now)
    data, definition = await _payload(transaction, execution.id)
    label = execution.trigger_label
    if label is None:  # of an older row, which nobody has labelled yet
        maskers = await KnownSecrets(sealer).maskers(transaction, [execution.id])
        label = label_of(data, maskers.get(execution.id))
    facts = ExecutionFacts(
        first_event_at=now,
        received_at=now,
        declared_queued_at=now,
        state_key=state_key(RANK_QUEUED, now, State.QUEUED, ""),
        workflow=execution.workflow_name,
        workflow_key=FIXED,
        trigger_kind=execution.trigger_kind,
        trigger_data=data,
        trigger_label=label,
        trigger_key=FIXED,
        definition=definition,
        definition_key=FIXED,
        retry_of=execution.id,
        retry_of_key=FIXED,
        awaiting_dispatch=True,
    )
    rows = await transaction.fetch("SELECT sealed FROM execution_secrets WHERE execution_id = $1", execution.id)
    facts.has_secrets = bool(rows)
    key = (execution.engine_id, external_id)
    workflows = {(execution.engine_id, execution.workflow_name): execution.workflow_id}
    fresh = Fresh(workflows, now)
    await fresh.insert(transaction, at_hand({key: facts}))
    retry_id = fresh.ids[key]
    row = (retry_id, asked.actor, asked.bulk)
    await transaction.update("executions", ("id", "requested_by", "bulk_retry_id"), [row], key=("id",))
    await lineage.refresh_roots(transaction, [retry_id])
    secrets = [(retry_id, sealed) for (sealed,) in rows]
    await transaction.insert("execution_secrets", ("execution_id", "sealed"), secrets)
    return retry_id


def _names(stored: str | None) -> tuple[str, ...] | None:
    return None if stored is None else tuple(orjson.loads(stored))


class _Payload(msgspec.Struct):
    """What a retry takes over."""

    trigger_data: str | None
    trigger_data_bytes: int
    trigger_sealed: str | None
    redacted_paths: Annotated[tuple[str, ...] | None, Column(read=_names)]
    trigger_message: str | None
    definition: Annotated[tuple[str, ...] | None, Column(read=_names)]


_PAYLOADS = RowsOf(_Payload)


async def _payload(transaction: Transaction, execution_id: str) -> tuple[TriggerData | None, tuple[str, ...] | None]:
    rows = await transaction.fetch(
        f"SELECT {_PAYLOADS.columns} FROM execution_payloads WHERE execution_id = $1", execution_id
    )
    if not rows:
        return None, None
    kept = _PAYLOADS.read(rows[0])
    data = None
    if kept.trigger_data is not None or kept.trigger_message is not None:
        sealed, paths, message = kept.trigger_sealed, kept.redacted_paths or (), kept.trigger_message
        data = TriggerData(kept.trigger_data, kept.trigger_data_bytes, False, sealed, paths, message)
    return data, kept.definition
