"""What is odd about a run's times, and no durations below 0."""

from tortoise import migrations

from app.db.ddl import Sql


class Migration(migrations.Migration):
    """time_marks has a bit for each mark that events bring along (app/lifecycle.py)."""

    dependencies = [("app", "0015_due_at")]
    initial = False
    operations = [
        Sql("ALTER TABLE executions ADD COLUMN time_marks {small} NOT NULL DEFAULT 0"),
        # Below 0 where clocks disagreed, and then in means: figures count these runs once more, without a duration.
        *(
            Sql(f"""
            INSERT INTO metric_deltas (hour, workflow_id, trigger_kind, status, duration, error_group_id, sign)
            SELECT queued_at - queued_at % 3600000000, workflow_id, trigger_kind, status, {duration},
              CASE WHEN status = 2 THEN error_group_id END, {sign}
            FROM executions WHERE duration < 0 AND status <> 0
            """)
            for duration, sign in (("duration", -1), ("NULL", 1))
        ),
        Sql("UPDATE executions SET duration = NULL WHERE duration < 0"),
    ]
