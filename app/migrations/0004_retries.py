"""Retries that people ask for: who asked, the way to the engine, and what a family of retries has come to."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # How to reach an engine: a URL or a broker with its credentials, sealed. claims_retries: its Celery workers said
    # that they run a retry once, even when it is published twice.
    "ALTER TABLE engines ADD COLUMN connection_sealed {text}",
    "ALTER TABLE engines ADD COLUMN claims_retries {bool} NOT NULL DEFAULT FALSE",
    # awaiting_dispatch: the outbox has a row that is not accepted; any event of the engine accepts it. retry_succeeded:
    # a descendant has succeeded; kept for the filter, and told to all ancestors when a descendant moves.
    "ALTER TABLE executions ADD COLUMN requested_by {text}",
    "ALTER TABLE executions ADD COLUMN awaiting_dispatch {bool} NOT NULL DEFAULT FALSE",
    "ALTER TABLE executions ADD COLUMN retry_succeeded {bool} NOT NULL DEFAULT FALSE",
    """
    CREATE TABLE retry_keys (
      key {text} PRIMARY KEY,
      execution_id {id} NOT NULL,
      retry_id {id} NOT NULL,
      created_at {int} NOT NULL
    ) {table}
    """,
    # What has to reach somebody, at least once. next_attempt_at: when it is due; also, while somebody is delivering it,
    # when that is taken for lost. NULL: accepted, or given up.
    """
    CREATE TABLE outbox (
      id {id} PRIMARY KEY,
      kind {text} NOT NULL,
      subject_id {id} NOT NULL,
      created_at {int} NOT NULL,
      attempts {int} NOT NULL DEFAULT 0,
      next_attempt_at {int},
      accepted_at {int},
      last_error {text}
    ) {table_in_place}
    """,
    "CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE next_attempt_at IS NOT NULL",
    "CREATE INDEX outbox_subject ON outbox (subject_id)",
    """
    CREATE TABLE retry_snapshots (
      id {id} PRIMARY KEY,
      created_at {int} NOT NULL,
      actor {text} NOT NULL,
      filter {text},
      execution_ids {text} NOT NULL
    ) {table}
    """,
    "CREATE INDEX audit_entries_at ON audit_entries (at, id)",
]


class Migration(migrations.Migration):
    """Retries that people ask for."""

    dependencies = [("app", "0003_what_went_wrong")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
