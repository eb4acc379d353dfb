"""Labels the executions of versions that knew no labels, newest first, a few at a time beside the traffic.

How far it has come is in the database (the table `labelling`), committed with the labels: whichever process goes on
goes on from there. Nobody is told of a label: nothing has happened to the run.
"""

from __future__ import annotations

import msgspec

from app.db import Database, Transaction
from app.db.locks import Lock
from app.db.rows import RowsOf
from app.ingestion import execution_rows
from app.ingestion.known_secrets import KnownSecrets
from app.ingestion.labels import label_of_text
from app.log import get_logger
from app.secrets.sealing import Sealer
from app.sweep import Sweep

log = get_logger(__name__)

SWEEP_SECONDS = 60.0
# Executions of a transaction, and bytes of trigger data that one reads: it holds up events for some 10 ms.
MAX_BATCH_ROWS = 100
MAX_BATCH_BYTES = 2 * 1024 * 1024
# Between two batches, for the others.
PAUSE_SECONDS = 0.05


class _Data(msgspec.Struct):
    execution_id: str
    trigger_data: str
    trigger_data_bytes: int


_DATA = RowsOf(_Data)


class Labelling(Sweep):
    """Labels older executions, once. One process per database does it at a time."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(self.label, "executions_not_labelled", seconds=SWEEP_SECONDS, least_pause=PAUSE_SECONDS)
        self._database = database
        self._secrets = KnownSecrets(sealer)

    async def label(self) -> None:
        """Label a few; the next ones soon, unless all are labelled, or another process is about it."""
        if not await self._database.fetch("SELECT 1 FROM labelling"):
            return
        if await self._database.transaction(self._batch):
            self.wake()

    async def _batch(self, transaction: Transaction) -> bool:
        """Label the next few; False if there are none left, or another process labels them."""
        if not await transaction.try_lock(Lock.LABELS):
            return False
        rows = await transaction.fetch(
            f"""
            SELECT e.id, coalesce(p.trigger_data_bytes, 0) FROM executions e
            LEFT JOIN execution_payloads p ON p.execution_id = e.id
            WHERE e.id < (SELECT before FROM labelling) AND e.trigger_label IS NULL
            ORDER BY e.id DESC LIMIT {MAX_BATCH_ROWS}
            """
        )
        if not rows:
            await transaction.fetch("DELETE FROM labelling")
            log.info("executions_labelled")
            return False
        ids, room = [], MAX_BATCH_BYTES
        for id_, size in rows:
            ids.append(id_)
            room -= size
            if room < 0:
                break
        await execution_rows.lock_with(transaction, (), ids)
        labels = dict.fromkeys(ids, "") | await self._labels(transaction, ids)
        # Only if it still has none: an event may have labelled it while we waited for the lock.
        await transaction.execute_many(
            "UPDATE executions SET trigger_label = $1 WHERE id = $2 AND trigger_label IS NULL",
            [(label, id_) for id_, label in labels.items()],
        )
        await transaction.execute_many("UPDATE labelling SET before = $1", [(ids[-1],)])
        return True

    async def _labels(self, transaction: Transaction, ids: list[str]) -> dict[str, str]:
        condition = transaction.any_of("execution_id", 1, "id")
        sql = f"SELECT {_DATA.columns} FROM execution_payloads WHERE trigger_data IS NOT NULL AND {condition}"
        data = _DATA.read_all(await transaction.fetch(sql, transaction.array(ids)))
        maskers = await self._secrets.maskers(transaction, [each.execution_id for each in data])
        return {
            each.execution_id: label_of_text(each.trigger_data, each.trigger_data_bytes, maskers.get(each.execution_id))
            for each in data
        }
