"""Labels the executions of versions that knew no labels (see backfill.py)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app.db import Database, Row, Transaction
from app.db.locks import Lock
from app.db.rows import RowsOf
from app.ingestion import execution_rows
from app.ingestion.backfill import Backfill, Position
from app.ingestion.known_secrets import KnownSecrets
from app.ingestion.labels import label_of_text
from app.secrets.sealing import Sealer


class _Data(msgspec.Struct):
    execution_id: str
    trigger_data: str
    trigger_data_bytes: int


_DATA = RowsOf(_Data)


class Labelling(Backfill):
    """Labels older executions."""

    table = "labelling"
    lock = Lock.LABELS
    failure = "executions_not_labelled"
    max_bytes = 2 * 1024 * 1024  # of trigger data

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(database)
        self._secrets = KnownSecrets(sealer)

    async def next_rows(self, transaction: Transaction, before: Position) -> Sequence[Row]:
        """Those without a label, with the size of their trigger data."""
        return await transaction.fetch(
            f"""
            SELECT e.id, coalesce(p.trigger_data_bytes, 0) FROM executions e
            LEFT JOIN execution_payloads p ON p.execution_id = e.id
            WHERE e.id < $1 AND e.trigger_label IS NULL
            ORDER BY e.id DESC LIMIT {self.max_rows}
            """,
            *before,
        )

    async def work(self, transaction: Transaction, keys: Sequence[Position]) -> None:
        """Label them."""
        ids = [id_ for (id_,) in keys]
        await execution_rows.lock_with(transaction, (), ids)
        labels = dict.fromkeys(ids, "") | await self._labels(transaction, ids)
        # Only if it still has none: an event may have labelled it while we waited for the lock.
        await transaction.execute_many(
            "UPDATE executions SET trigger_label = $1 WHERE id = $2 AND trigger_label IS NULL",
            [(label, id_) for id_, label in labels.items()],
        )

    async def _labels(self, transaction: Transaction, ids: list[str]) -> dict[str, str]:
        condition = transaction.any_of("execution_id", 1, "id")
        sql = f"SELECT {_DATA.columns} FROM execution_payloads WHERE trigger_data IS NOT NULL AND {condition}"
        data = _DATA.read_all(await transaction.fetch(sql, transaction.array(ids)))
        maskers = await self._secrets.maskers(transaction, [each.execution_id for each in data])
        return {
            each.execution_id: label_of_text(each.trigger_data, each.trigger_data_bytes, maskers.get(each.execution_id))
            for each in data
        }
