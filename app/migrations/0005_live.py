"""What live updates are told apart by: when an execution was created and when it finished, as revisions."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # Compared with the position of a subscriber, they say whether it has missed the beginning or the end.
    "ALTER TABLE execution_revisions ADD COLUMN created_revision {int}",
    "ALTER TABLE execution_revisions ADD COLUMN finished_revision {int}",
    # The newest revision whose tombstone was deleted: whoever stands before it has to list again.
    "ALTER TABLE revision_counter ADD COLUMN forgotten {int} NOT NULL DEFAULT 0",
]


class Migration(migrations.Migration):
    """Live updates."""

    dependencies = [("app", "0004_retries")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
