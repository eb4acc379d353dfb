"""Error groups that people resolved or muted."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # kind: app.error_groups.marks.Kind. until: when a group is muted no longer; NULL: until somebody says so.
    """
    CREATE TABLE error_group_marks (
      group_id {id} PRIMARY KEY,
      kind {small} NOT NULL,
      at {int} NOT NULL,
      until {int},
      actor {text} NOT NULL
    ) {table}
    """,
    # What a list of groups counts as unresolved. Few rows: failures that nobody has mended.
    """
    CREATE INDEX executions_unresolved ON executions (error_group_id, queued_at)
    WHERE error_group_id IS NOT NULL AND NOT retry_succeeded AND NOT resolved_by_hand
    """,
]


class Migration(migrations.Migration):
    """See the module."""

    dependencies = [("app", "0027_provider_codes")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
