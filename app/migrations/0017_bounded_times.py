"""When a run started by its engine's clock, where that is ahead; no silence of runs that have not begun, or wait."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # Null where it is started_at.
    "ALTER TABLE executions ADD COLUMN started_sent {int}",
    # The state of its key, in words after 16 digits (app/lifecycle.py): they have been CONTACT_LOST (3).
    "UPDATE executions SET state = 0 WHERE state = 3 AND substr(state_key, 17, 7) = 'QUEUED '",
    "UPDATE executions SET state = 2 WHERE state = 3 AND substr(state_key, 17, 8) = 'WAITING '",
]


class Migration(migrations.Migration):
    """See the module."""

    dependencies = [("app", "0016_time_marks")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
