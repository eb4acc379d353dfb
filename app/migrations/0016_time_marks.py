"""What is odd about a run's times, and no durations below 0."""

from tortoise import migrations

from app.db.ddl import Sql


class Migration(migrations.Migration):
    """time_marks has a bit for each mark that events bring along (app/lifecycle.py)."""

    dependencies = [("app", "0015_due_at")]
    initial = False
    operations = [
        Sql("ALTER TABLE executions ADD COLUMN time_marks {small} NOT NULL DEFAULT 0"),
        # Below 0 where clocks disagreed, and then in means.
        Sql("UPDATE executions SET duration = NULL WHERE duration < 0"),
    ]
