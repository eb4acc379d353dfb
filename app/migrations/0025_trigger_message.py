"""What an engine gives Runwatch to keep beside the trigger's data, encrypted."""

from tortoise import migrations

from app.db.ddl import Sql


class Migration(migrations.Migration):
    """See the module. Runs of older versions have none."""

    dependencies = [("app", "0024_group_splits")]
    initial = False
    operations = [Sql("ALTER TABLE execution_payloads ADD COLUMN trigger_message {text}")]
