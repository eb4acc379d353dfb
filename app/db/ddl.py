"""SQL of the migrations, written once for both databases.

We do not use Tortoise's own operations: on SQLite some rebuild the table, which drops its indexes and cascades into
child rows, and none can say `COLLATE "C"`, `STRICT` or a composite key (docs/adr/0006).
"""

from __future__ import annotations

import textwrap

from tortoise.exceptions import OperationalError
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


class AddColumn(Sql):
    """A column of executions, unless an earlier try has added it."""

    def __init__(self, name: str, type_: str, only: str | None = None) -> None:
        super().__init__(f"ALTER TABLE executions ADD COLUMN {name} {type_}", only)
        self.name = name

    async def database_forward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        """Add it on the current database."""
        if state_editor is None or self.only not in (None, state_editor.client.capabilities.dialect):
            return
        try:
            await state_editor.client.execute_query(f"SELECT {self.name} FROM executions LIMIT 0")
        except OperationalError:
            await super().database_forward(app_label, old_state, new_state, state_editor)
