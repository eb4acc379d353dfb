"""Error groups that people split by hand: by what their failures are told apart."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # Failures with this fingerprint are told apart further (app/error_groups/splitting.py). undone_at: they are brought
    # together again, after which the row goes.
    """
    CREATE TABLE error_group_splits (
      fingerprint {id} PRIMARY KEY,
      kinds {small} NOT NULL,
      at {int} NOT NULL,
      actor {text} NOT NULL,
      undone_at {int}
    ) {table}
    """,
    # The fingerprints that failures got by a split, and from which. They stay, for the same split gives them again.
    "CREATE TABLE error_group_parts (part {id} PRIMARY KEY, fingerprint {id} NOT NULL) {table}",
    "CREATE INDEX error_group_parts_of ON error_group_parts (fingerprint)",
]


class Migration(migrations.Migration):
    """See the module."""

    dependencies = [("app", "0023_group_merges")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
