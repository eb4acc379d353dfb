"""When a run that is queued or waits is due, as its engine said."""

from tortoise import migrations

from app.db.ddl import Sql


class Migration(migrations.Migration):
    """See the module. Runs of older versions have none."""

    dependencies = [("app", "0014_search")]
    initial = False
    operations = [Sql("ALTER TABLE executions ADD COLUMN due_at {int}")]
