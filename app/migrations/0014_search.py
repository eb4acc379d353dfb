"""Search texts as app/paging/search.py makes them, and on SQLite an index of their trigrams, where it has such indexes.

Not one transaction: rewriting the texts takes as long as there are any that are not ASCII.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from tortoise import migrations
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations.operations import RunSQL
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State

from app.db.ddl import AddColumn, Sql
from app.paging.search import search_text, searchable

BATCH = 1_000

# Whatever has more than ASCII, or an escape. Of ASCII alone the new form is the old one.
_ODD = {
    "postgres": r"search_text ~ '[^\x01-\x1a\x1c-\x7f]'",
    "sqlite": "search_text GLOB '*[^' || char(1) || '-' || char(26) || char(28) || '-' || char(127) || ']*'",
}


class Rewrite(RunSQL):
    """Rewrite the search texts of a table, a batch at a time."""

    def __init__(self, table: str, columns: Sequence[str], form: Callable[..., str]) -> None:
        super().__init__("")
        self._table, self._columns, self._form = table, columns, form

    async def database_forward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        """Walk the rows in the order of their ids."""
        if state_editor is None:
            return
        client: BaseDBAsyncClient = state_editor.client
        postgres = client.capabilities.dialect == "postgres"
        last: Any = "0" * 32
        select = (
            f"SELECT id, search_text, {', '.join(self._columns)} FROM {self._table}"
            f" WHERE {_ODD[client.capabilities.dialect]} AND id > {'$1' if postgres else '?'} ORDER BY id LIMIT {BATCH}"
        )
        update = f"UPDATE {self._table} SET search_text = {'$1 WHERE id = $2' if postgres else '? WHERE id = ?'}"
        while True:
            _, rows = await client.execute_query(select, [last])
            if not rows:
                return
            values = [tuple(dict(row).values()) for row in rows]
            changed = [[new, id_] for id_, old, *given in values if (new := self._form(*given)) != old]
            if changed:
                await client.execute_many(update, changed)
            last = values[-1][0]


def _has_trigrams() -> bool:
    """Whether this SQLite has the tokenizer: since 3.34, unless it was built without FTS5."""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE t USING fts5 (text, tokenize = 'trigram')")
        except sqlite3.OperationalError:
            return False
    return True


# The rows of the index have numbers, since SQLite may give a row another rowid. A row without one is not in the index
# yet, or not any more: app/ingestion/search_indexing.py. The index has no texts, so that it is a fraction of them; to
# delete from it takes the text that was indexed. trigram_purge has a row while deleted trigrams are still on disk.
_INDEX = """
CREATE UNIQUE INDEX IF NOT EXISTS executions_search_number ON executions (search_number)
WHERE search_number IS NOT NULL;

CREATE INDEX IF NOT EXISTS executions_not_searchable ON executions (status) WHERE search_number IS NULL;

CREATE VIRTUAL TABLE IF NOT EXISTS execution_trigrams
USING fts5 (text, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1');

CREATE TABLE IF NOT EXISTS trigram_purge (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  asked INTEGER NOT NULL, -- how many deletions there were
  begun INTEGER NOT NULL  -- how many of them the present purge covers
) STRICT;

CREATE TRIGGER IF NOT EXISTS executions_search_text AFTER UPDATE OF search_text ON executions
WHEN old.search_number IS NOT NULL AND old.search_text <> new.search_text
BEGIN
  INSERT INTO execution_trigrams (execution_trigrams, rowid, text)
  VALUES ('delete', old.search_number, old.search_text);
  UPDATE executions SET search_number = NULL WHERE id = old.id;
  INSERT INTO trigram_purge (id, asked, begun) VALUES (1, 1, 0) ON CONFLICT (id) DO UPDATE SET asked = asked + 1;
END;

CREATE TRIGGER IF NOT EXISTS executions_search_gone AFTER DELETE ON executions
WHEN old.search_number IS NOT NULL
BEGIN
  INSERT INTO execution_trigrams (execution_trigrams, rowid, text)
  VALUES ('delete', old.search_number, old.search_text);
  INSERT INTO trigram_purge (id, asked, begun) VALUES (1, 1, 0) ON CONFLICT (id) DO UPDATE SET asked = asked + 1;
END;
"""


class Migration(migrations.Migration):
    """See the module."""

    atomic = False
    dependencies = [("app", "0013_rollup_index")]
    initial = False
    operations = [
        Rewrite("workflows", ("name",), searchable),
        Rewrite("executions", ("workflow_name", "external_id", "error_message"), search_text),
        *([AddColumn("search_number", "INTEGER", "sqlite"), Sql(_INDEX, "sqlite")] if _has_trigrams() else ()),
    ]
