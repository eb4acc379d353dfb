"""Failures that people resolved by hand, because they were mended outside Runwatch."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    """
    CREATE TABLE resolutions (
      execution_id {id} PRIMARY KEY,
      note {text} NOT NULL,
      at {int} NOT NULL,
      actor {text} NOT NULL
    ) {table}
    """,
    # It, or a descendant, has a resolution; kept for the filter, as retry_succeeded is.
    "ALTER TABLE executions ADD COLUMN resolved_by_hand {bool} NOT NULL DEFAULT FALSE",
]


class Migration(migrations.Migration):
    """See the module. Nothing was resolved by hand before."""

    dependencies = [("app", "0025_trigger_message")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
