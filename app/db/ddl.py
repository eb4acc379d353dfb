"""SQL of the migrations, written once for both databases.

We do not use Tortoise's own operations: on SQLite some rebuild the table, which drops its indexes and cascades into
child rows, and none can say `COLLATE "C"`, `STRICT` or a composite key (docs/adr/0006).
"""

from __future__ import annotations

import textwrap

from tortoise.migrations.operations import RunSQL
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State

WORDS = {
    "postgres": {
        "id": "UUID",
        "int": "BIGINT",
        "small": "SMALLINT",
        "bool": "BOOLEAN",
        "text": 'TEXT COLLATE "C"',
        "bytes": "BYTEA",
        "table": "",
        "table_in_place": "WITH (fillfactor = 85)",
        "random": "replace(gen_random_uuid()::text, '-', '')",
    },
    "sqlite": {
        "id": "TEXT",
        "int": "INTEGER",
        "small": "INTEGER",
        "bool": "INTEGER",
        "text": "TEXT",
        "bytes": "BLOB",
        "table": "STRICT",
        "table_in_place": "STRICT",
        "random": "lower(hex(randomblob(16)))",
    },
}


class Sql(RunSQL):
    """One statement; `{id}`, `{text}` and the like become the database's own words. `only` names one database."""

    def __init__(self, statement: str, only: str | None = None) -> None:
        super().__init__(textwrap.dedent(statement).strip())
        self.only = only

    async def database_forward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        """Run the statement on the current database."""
        if state_editor is None:
            return
        dialect = state_editor.client.capabilities.dialect
        if self.only in (None, dialect):
            await self._run_sql(state_editor, self.sql.format_map(WORDS[dialect]))
