"""Fingerprints of version 2: what groups of the version before are called now, and how far regrouping has come."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # A group of before may have become several: its failures were not told apart.
    """
    CREATE TABLE error_group_aliases (
      alias {id} NOT NULL,
      error_group_id {id} NOT NULL,
      PRIMARY KEY (alias, error_group_id)
    ) {table}
    """,
    # All failures from this id on have fingerprints of this version (app/ingestion/regrouping.py). No row: all of them.
    "CREATE TABLE regrouping (id {small} PRIMARY KEY CHECK (id = 1), before {id} NOT NULL) {table}",
    """
    INSERT INTO regrouping (id, before)
    SELECT 1, 'ffffffffffffffffffffffffffffffff' WHERE EXISTS (SELECT 1 FROM executions)
    """,
]


class Migration(migrations.Migration):
    """See the module."""

    dependencies = [("app", "0018_engine_notes")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
