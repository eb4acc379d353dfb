"""Error groups that people merged by hand: which fingerprints count as part of another group."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # Flat: no group_id is a fingerprint here (app/error_groups/merging.py).
    """
    CREATE TABLE error_group_merges (
      fingerprint {id} PRIMARY KEY,
      group_id {id} NOT NULL,
      at {int} NOT NULL,
      actor {text} NOT NULL
    ) {table}
    """,
    "CREATE INDEX error_group_merges_group ON error_group_merges (group_id)",
    "CREATE INDEX error_group_aliases_group ON error_group_aliases (error_group_id)",
]


class Migration(migrations.Migration):
    """See the module."""

    dependencies = [("app", "0022_backfills")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
