"""Bulk retries are kept: what was chosen, what became of each execution, and which retries each made."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # started_at: null for a dry run that nobody has confirmed. They were retry_snapshots, which lived 10 minutes.
    "DROP TABLE retry_snapshots",
    """
    CREATE TABLE bulk_retries (
      id {id} PRIMARY KEY,
      created_at {int} NOT NULL,
      started_at {int},
      actor {text} NOT NULL,
      filter {text},
      matched {int} NOT NULL
    ) {table}
    """,
    # settled: retried, found in progress (created is false), refused (reasons), or, without any of these, deleted
    # before its turn came.
    """
    CREATE TABLE bulk_retry_executions (
      bulk_retry_id {id} NOT NULL REFERENCES bulk_retries (id),
      place {int} NOT NULL,
      execution_id {id} NOT NULL,
      workflow_name {text} NOT NULL,
      settled {bool} NOT NULL DEFAULT FALSE,
      retry_id {id},
      created {bool} NOT NULL DEFAULT FALSE,
      reasons {text},
      PRIMARY KEY (bulk_retry_id, place)
    ) {table_in_place}
    """,
    "ALTER TABLE executions ADD COLUMN bulk_retry_id {id}",
    "CREATE INDEX executions_bulk_retry ON executions (bulk_retry_id) WHERE bulk_retry_id IS NOT NULL",
]


class Migration(migrations.Migration):
    """Bulk retries are kept."""

    dependencies = [("app", "0011_families_and_labels")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
