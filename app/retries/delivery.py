"""Delivers retries from the outbox. It builds the request when it sends, so that no secret is in the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from app import clock, ids
from app.changes.commits import NO_LISTENERS, Announcements
from app.db import Database, Transaction
from app.db.rows import Column, RowsOf
from app.delivery import outbox
from app.delivery.outbox import OutboxItem, Receivers
from app.delivery.port import NotDelivered
from app.delivery.webhook_url import secrets_of
from app.engines import EngineKind
from app.engines.connections import unsealed_connection
from app.ingestion import Ingestion, execution_rows
from app.retries.ending import DISCONNECTED, end
from app.retries.port import RetryRequest, WayBack
from app.secrets.masking import Masker
from app.secrets.sealing import CannotUnseal, Sealer, unsealed_secrets


class _Requested(msgspec.Struct):
    """A retry, with what its engine has to know, and where that is."""

    external_id: str
    retry_of: str
    workflow_name: str
    trigger_kind: str
    trigger_data: Annotated[str | None, Column("p.trigger_data")]
    trigger_sealed: Annotated[str | None, Column("p.trigger_sealed")]
    trigger_message: Annotated[str | None, Column("p.trigger_message")]
    kind: Annotated[EngineKind, Column("g.kind")]
    connection_sealed: Annotated[str | None, Column("g.connection_sealed")]
    secrets_sealed: Annotated[str | None, Column("s.sealed")]


_REQUESTS = RowsOf(_Requested, "e")
_REQUEST = f"""
SELECT {_REQUESTS.columns}
FROM executions e JOIN engines g ON g.id = e.engine_id
LEFT JOIN execution_payloads p ON p.execution_id = e.id LEFT JOIN execution_secrets s ON s.execution_id = e.id
WHERE e.id = $1
"""
# With 10,000 rows of an engine that is skipped, a claim takes 12 ms.
ENGINES = Receivers("(SELECT engine_id FROM executions WHERE executions.id = outbox.subject_id)", "id")


class RetryHandler:
    """Delivers retries by the way back of their engine's kind, and announces how their deliveries stand."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        ingestion: Ingestion,
        ways_back: Mapping[EngineKind, WayBack],
        announcements: Announcements = NO_LISTENERS,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._ingestion = ingestion
        self._ways_back = ways_back
        self._announcements = announcements

    async def deliver(self, item: OutboxItem) -> None:
        """See Handler."""
        rows = await self._database.fetch(_REQUEST, item.subject_id)
        if not rows:
            raise NotDelivered("The execution was deleted", final=True)
        asked = _REQUESTS.read(rows[0])
        way_back = self._ways_back.get(asked.kind)
        if way_back is None or asked.connection_sealed is None:
            raise NotDelivered(DISCONNECTED, final=True)
        try:
            request = RetryRequest(
                id=item.id,
                attempts=item.attempts,
                requested_at=item.created_at,
                execution_id=ids.to_global("execution", item.subject_id),
                external_id=asked.external_id,
                retry_of=ids.to_global("execution", asked.retry_of),
                workflow=asked.workflow_name,
                trigger_kind=asked.trigger_kind,
                trigger_data=self._trigger_data(asked),
                trigger_message=self._trigger_message(asked),
            )
            secrets = asked.secrets_sealed
            known = set() if secrets is None else unsealed_secrets(self._sealer, secrets)[0]
            to = unsealed_connection(self._sealer, asked.connection_sealed)
        except CannotUnseal as error:
            raise NotDelivered(error.message) from None
        try:
            await way_back.send(request, to)
        except NotDelivered as error:
            # An engine may echo what it was sent, and a library may name the password of a URL.
            raise error.masked(Masker({*known, *secrets_of(to), request.trigger_message or ""})) from None

    def _trigger_data(self, asked: _Requested) -> str:
        data = asked.trigger_data
        return "null" if data is None else self._sealer.unseal(data, asked.trigger_sealed)

    def _trigger_message(self, asked: _Requested) -> str | None:
        return None if asked.trigger_message is None else str(self._sealer.decrypt(asked.trigger_message))

    async def settle(self, item: OutboxItem, failure: str | None, given_up: bool) -> None:
        """See Handler. A retry that is given up has failed or is cancelled, unless its engine says otherwise."""
        family: set[str] = set()
        await self._database.transaction(lambda tx: self._settle(tx, item, failure, given_up, family))

    async def _settle(
        self, transaction: Transaction, item: OutboxItem, failure: str | None, given_up: bool, family: set[str]
    ) -> None:
        execution_id = item.subject_id
        await execution_rows.lock_with(transaction, (), {execution_id, *family})
        if not item.lingers:
            await outbox.release(transaction, item)
        exists = bool(await transaction.fetch("SELECT 1 FROM executions WHERE id = $1", execution_id))
        if failure is None or not exists:
            news = await outbox.accepted(transaction, [execution_id])
        else:
            next_attempt_at = None if given_up else clock.now_us() + outbox.pause_of(item)
            news = await outbox.failed(transaction, item, failure, next_attempt_at)
        if not news or not exists:
            return
        if failure is not None and given_up:
            await end(transaction, self._ingestion, [item], failure, family)
            return
        if failure is None:
            # The engine answered: its silence counts from now (app/ingestion/contact.py), not from the request.
            row = (execution_id, False, clock.now_us())
            await transaction.update("executions", ("id", "awaiting_dispatch", "received_at"), [row], key=("id",))
        await self._announcements.announce(transaction, [execution_id])
