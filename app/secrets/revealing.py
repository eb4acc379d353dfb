"""Trigger data in the clear, for those who may see it, and never without an audit entry."""

from __future__ import annotations

from app import audit, ids
from app.db import Database, Transaction
from app.errors import NotFound
from app.secrets.sealing import Sealer


async def reveal_trigger(database: Database, sealer: Sealer, execution_id: str, actor: str) -> str | None:
    """The trigger data as the engine sent it, as JSON text; None if it sent none.

    Of incomplete data it returns what is kept. Raises NotFound for an unknown execution, CannotUnseal when the key is
    gone. Every call for an existing execution is audited.
    """

    async def work(transaction: Transaction) -> tuple[str | None, str | None]:
        if not await transaction.fetch("SELECT 1 FROM executions WHERE id = $1", execution_id):
            raise NotFound(f"executionId: no such execution: {ids.to_global('execution', execution_id)!r}")
        rows = await transaction.fetch(
            "SELECT trigger_data, trigger_sealed FROM execution_payloads WHERE execution_id = $1", execution_id
        )
        await audit.note(transaction, actor, "revealTrigger", ids.to_global("execution", execution_id))
        return (rows[0][0], rows[0][1]) if rows else (None, None)

    data, sealed = await database.transaction(work)
    return None if data is None else sealer.unseal(data, sealed)
