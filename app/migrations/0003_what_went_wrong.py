"""What went wrong: failed steps and error groups of executions, sealed values, the search of logs, and the audit."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # The first three follow from other facts (app/ingestion/failures.py) and are stored for filters; the id of an error
    # group is its fingerprint. has_secrets: execution_secrets has a row, which is read only then.
    "ALTER TABLE executions ADD COLUMN failed_step {int}",
    "ALTER TABLE executions ADD COLUMN failed_step_name {text}",
    "ALTER TABLE executions ADD COLUMN error_group_id {id}",
    "ALTER TABLE executions ADD COLUMN has_secrets {bool} NOT NULL DEFAULT FALSE",
    """
    CREATE INDEX executions_failed_step_name ON executions (failed_step_name, queued_at, id)
    WHERE failed_step_name IS NOT NULL
    """,
    """
    CREATE INDEX executions_error_group ON executions (error_group_id, queued_at, id)
    WHERE error_group_id IS NOT NULL
    """,
    # Sealed values, encrypted (app/secrets/sealing.py). The columns beside them show the text with the values masked.
    "ALTER TABLE execution_payloads ADD COLUMN trigger_sealed {text}",
    "ALTER TABLE execution_payloads ADD COLUMN redacted_paths {text}",
    "ALTER TABLE step_payloads ADD COLUMN input_sealed {text}",
    "ALTER TABLE step_payloads ADD COLUMN output_sealed {text}",
    # All texts that are known as secrets of an execution, whatever event told them, to mask them wherever they appear.
    """
    CREATE TABLE execution_secrets (
      execution_id {id} PRIMARY KEY,
      sealed {text} NOT NULL
    ) {table}
    """,
    # NULL where the database's own lower(), which knows ASCII only, folds the message as well (app/paging/search.py).
    "ALTER TABLE log_entries ADD COLUMN folded {text}",
    "ALTER TABLE log_entries ADD COLUMN attributes_bytes {int}",
    # A page merges a branch a level (app/executions/logs.py). The level first: no other index begins like these.
    "DROP INDEX log_entries_at",
    "CREATE INDEX log_entries_level ON log_entries (level, execution_id, at, sequence)",
    """
    CREATE INDEX log_entries_step ON log_entries (step_index, level, execution_id, at, sequence)
    WHERE step_index IS NOT NULL
    """,
    """
    CREATE TABLE audit_entries (
      id {id} PRIMARY KEY,
      at {int} NOT NULL,
      actor {text} NOT NULL,
      action {text} NOT NULL,
      subject {text},
      detail {text}
    ) {table}
    """,
]


class Migration(migrations.Migration):
    """What went wrong."""

    dependencies = [("app", "0002_search")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
