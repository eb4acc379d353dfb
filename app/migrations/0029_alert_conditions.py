"""Conditions of alert rules besides failures in a row, more channels, notices, and when an alert ended."""

from tortoise import migrations

from app.db.ddl import Sql

FAILURES = """'{{"type":"failuresInARow","count":' || consecutive_failures || '}}'"""

OPERATIONS = [
    # condition: one of app/alerts/conditions.py as JSON. looked_at: when the clock last compared the rule.
    Sql("ALTER TABLE alert_rules ADD COLUMN condition {text} NOT NULL DEFAULT ''"),
    Sql("ALTER TABLE alert_rules ADD COLUMN notify_recovery {bool} NOT NULL DEFAULT FALSE"),
    Sql("ALTER TABLE alert_rules ADD COLUMN quiet_hours {text}"),
    Sql("ALTER TABLE alert_rules ADD COLUMN looked_at {int} NOT NULL DEFAULT 0"),
    Sql(f"UPDATE alert_rules SET condition = {FAILURES}"),
    # target: what everybody may see of the channel, host or address. sealed: the rest of it, encrypted.
    Sql(
        """
        CREATE TABLE alert_channels (
          rule_id {id} NOT NULL REFERENCES alert_rules (id),
          kind {text} NOT NULL,
          target {text},
          sealed {text},
          PRIMARY KEY (rule_id, kind)
        ) {table}
        """
    ),
    Sql(
        "INSERT INTO alert_channels SELECT id, 'webhook', webhook_host, webhook_sealed FROM alert_rules"
        " WHERE webhook_sealed IS NOT NULL"
    ),
    Sql("INSERT INTO alert_channels SELECT id, 'email', email, NULL FROM alert_rules WHERE email IS NOT NULL"),
    # subject: what the rule is armed for, such as a workflow; NULL: the streak that began at `since`. measured and
    # compared: what was found, and with what it was compared. met_at: when the condition last held.
    Sql("ALTER TABLE alerts ADD COLUMN condition {text} NOT NULL DEFAULT ''"),
    Sql("ALTER TABLE alerts ADD COLUMN subject {text}"),
    Sql("ALTER TABLE alerts ADD COLUMN measured {int}"),
    Sql("ALTER TABLE alerts ADD COLUMN compared {int}"),
    Sql("ALTER TABLE alerts ADD COLUMN met_at {int}"),
    Sql("ALTER TABLE alerts ADD COLUMN ended_at {int}"),
    Sql("UPDATE alerts SET condition = (SELECT r.condition FROM alert_rules r WHERE r.id = alerts.rule_id)"),
    Sql("CREATE INDEX alerts_subject ON alerts (rule_id, subject) WHERE subject IS NOT NULL"),
    Sql("CREATE INDEX alerts_open ON alerts (workflow_id, id) WHERE ended_at IS NULL"),
    # What somebody is told: that an alert fired or ended, or of several in one. The one of a firing has the alert's id,
    # under which the outbox knew it before. digest_id: the notice that it is told with.
    Sql(
        """
        CREATE TABLE alert_notices (
          id {id} PRIMARY KEY,
          rule_id {id} NOT NULL REFERENCES alert_rules (id),
          alert_id {id},
          kind {text} NOT NULL,
          created_at {int} NOT NULL,
          held_until {int},
          digest_id {id}
        ) {table}
        """
    ),
    Sql("INSERT INTO alert_notices SELECT id, rule_id, id, 'FIRED', fired_at, NULL, NULL FROM alerts"),
    Sql("CREATE INDEX alert_notices_alert ON alert_notices (alert_id) WHERE alert_id IS NOT NULL"),
    Sql("CREATE INDEX alert_notices_held ON alert_notices (held_until) WHERE held_until IS NOT NULL"),
    Sql("CREATE INDEX alert_notices_digest ON alert_notices (digest_id) WHERE digest_id IS NOT NULL"),
    *(
        Sql(f"ALTER TABLE alert_rules DROP COLUMN {column}")
        for column in ("consecutive_failures", "webhook_sealed", "webhook_host", "email")
    ),
]


class Migration(migrations.Migration):
    """See the module. Open alerts of before end without a word: no rule asked for one."""

    dependencies = [("app", "0028_group_marks")]
    initial = False
    operations = [*OPERATIONS]
