"""What is being delivered at the moment, so that whoever takes a receiver away can wait for it."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # µs since the epoch until which a process may be sending it; NULL, or past: none is. next_attempt_at alone does not
    # tell that from a pause. Servers of the version before leave it NULL.
    "ALTER TABLE outbox ADD COLUMN claimed_until {int}",
    "CREATE INDEX outbox_claimed ON outbox (claimed_until) WHERE claimed_until IS NOT NULL",
]


class Migration(migrations.Migration):
    """See the module."""

    dependencies = [("app", "0031_session_origins")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
