"""What retention keeps of its turns, and tables whose rows go in bulk (docs/adr/0033)."""

from tortoise import migrations

from app.db.ddl import Sql

# Rows below executions go with them, some thousands in a turn. By default Postgres waits until a fifth of a table is
# dead: the space of 20 % more rows.
VACUUMED = (
    *("executions", "execution_payloads", "execution_secrets", "execution_revisions", "steps", "step_payloads"),
    *("log_entries", "outbox", "metric_rollups", "metric_error_groups"),
)

OPERATIONS = [
    # rules: those that were announced. next_turn_at: a turn under way moves it ahead, so that other processes leave it.
    """
    CREATE TABLE retention (
      id {small} PRIMARY KEY CHECK (id = 1),
      rules {text} NOT NULL,
      announced_at {int} NOT NULL,
      next_turn_at {int} NOT NULL,
      ended_at {int}
    ) {table_in_place}
    """,
    # When a run of it was last deleted, to the hour: whether it is idle.
    "ALTER TABLE workflows ADD COLUMN pruned_at {int}",
    # To find the oldest tombstones without reading past all that is alive.
    "CREATE INDEX execution_revisions_deleted ON execution_revisions (revision) WHERE deleted",
]


class Migration(migrations.Migration):
    """See the module."""

    dependencies = [("app", "0019_group_aliases")]
    initial = False
    operations = [
        *(Sql(statement) for statement in OPERATIONS),
        *(
            Sql(
                f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000)",
                only="postgres",
            )
            for table in VACUUMED
        ),
    ]
