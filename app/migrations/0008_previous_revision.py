"""The revision that an execution had before its newest: whether one who knows an earlier one has missed another."""

from tortoise import migrations

from app.db.ddl import Sql


class Migration(migrations.Migration):
    """Live updates that were taken together."""

    dependencies = [("app", "0007_alerts")]
    initial = False
    operations = [Sql("ALTER TABLE execution_revisions ADD COLUMN previous_revision {int}")]
