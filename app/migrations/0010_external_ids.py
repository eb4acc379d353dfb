"""The filter by external id, in any engine."""

from tortoise import migrations

from app.db.ddl import Sql


class Migration(migrations.Migration):
    """An index of external ids: that of UNIQUE begins with the engine."""

    dependencies = [("app", "0009_sessions")]
    initial = False
    operations = [Sql("CREATE INDEX executions_external_id ON executions (external_id)")]
