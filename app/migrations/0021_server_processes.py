"""Which server processes run and with which keys; what the outbox needs to repeat a delivery as it was."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # keys: ids of its keys, the one that seals first, separated by spaces. ended_at: NULL when it was killed, too.
    """
    CREATE TABLE server_processes (
      id {id} PRIMARY KEY,
      name {text} NOT NULL,
      keys {text} NOT NULL,
      seen_at {int} NOT NULL,
      ended_at {int}
    ) {table_in_place}
    """,
    # µs since it was created within which nobody could deliver it: no server ran, or none had a database.
    "ALTER TABLE outbox ADD COLUMN paused {int} NOT NULL DEFAULT 0",
    # Of an alert that is under way: what was sent with the first attempt. NULL: nothing yet, or nothing more to send.
    "ALTER TABLE outbox ADD COLUMN body_sealed {text}",
]


class Migration(migrations.Migration):
    """See the module."""

    dependencies = [("app", "0020_retention")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
