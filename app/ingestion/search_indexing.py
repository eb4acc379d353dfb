"""Brings finished executions into SQLite's index for search (app/executions/trigrams.py), a few at a time.

Beside the writing of events and not within it: a row takes 60 µs, a quarter of what storing a run takes. Until it is
indexed it is read as it is. Postgres has an index of its own.
"""

from __future__ import annotations

from app.db import Database, Transaction
from app.executions import trigrams
from app.sweep import Sweep

SWEEP_SECONDS = 2.0
# Executions of a transaction, and characters: it holds up events for some 5 ms.
MAX_BATCH_ROWS = 100
MAX_BATCH_CHARACTERS = 20_000
# Between two batches, for the others: 1,000 rows a second at most, for 6 % of the writer's time.
PAUSE_SECONDS = 0.1
# Pages of the index that one step of a purge writes, at most.
MERGED_PAGES = 100

_MISSING = "search_number IS NULL AND status > 0"


class SearchIndexing(Sweep):
    """Indexes finished executions, and purges the index of what was deleted or masked. Several processes may do it."""

    def __init__(self, database: Database) -> None:
        super().__init__(self.index, "executions_not_indexed", seconds=SWEEP_SECONDS, least_pause=PAUSE_SECONDS)
        self._database = database
        self._purged = False  # in the last call: neither waits for the end of the other

    async def index(self) -> None:
        """Index a few, or purge for a moment; the next ones soon if there are more."""
        database = self._database
        if not await trigrams.exists(database):
            return
        missing = await database.fetch(f"SELECT 1 FROM executions WHERE {_MISSING} LIMIT 1")
        self._purged = not (missing and self._purged) and bool(await database.fetch("SELECT 1 FROM trigram_purge"))
        if missing or self._purged:
            await database.transaction(_purge if self._purged else _index)
            self.wake()


async def _index(transaction: Transaction) -> None:
    """Index the next few."""
    rows = await transaction.fetch(f"SELECT id, search_text FROM executions WHERE {_MISSING} LIMIT {MAX_BATCH_ROWS}")
    ((last,),) = await transaction.fetch("SELECT coalesce(max(search_number), 0) FROM executions")
    room, numbered = MAX_BATCH_CHARACTERS, []
    for number, (id_, text) in enumerate(rows, last + 1):
        numbered.append((number, id_, text))
        room -= len(text)
        if room < 0:
            break
    await transaction.execute_many(
        "INSERT INTO execution_trigrams (rowid, text) VALUES ($1, $2)", [(number, text) for number, _, text in numbered]
    )
    await transaction.execute_many(
        "UPDATE executions SET search_number = $1 WHERE id = $2", [(number, id_) for number, id_, _ in numbered]
    )


async def _purge(transaction: Transaction) -> None:
    """One step of writing the index anew without what was deleted from it, whose trigrams are on disk until then.

    FTS5 can delete them at once from SQLite 3.42 on; many have an older one.
    """
    ((asked, begun),) = await transaction.fetch("SELECT asked, begun FROM trigram_purge")
    # A negative number puts all segments on one level, so that the merge includes the oldest: only then can it drop
    # what says that something was deleted, and that something.
    pages = MERGED_PAGES if asked == begun else -MERGED_PAGES
    ((before,),) = await transaction.fetch("SELECT total_changes()")
    await transaction.fetch(f"INSERT INTO execution_trigrams (execution_trigrams, rank) VALUES ('merge', {pages})")
    ((after,),) = await transaction.fetch("SELECT total_changes()")
    if after - before < 2 and asked == begun:  # the documented sign that nothing is left to merge
        await transaction.fetch("DELETE FROM trigram_purge")
    else:
        await transaction.execute_many("UPDATE trigram_purge SET begun = $1", [(asked,)])
