"""What Runwatch notices of an engine: when it was last heard, by which clients, and what was rejected or corrected."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    "ALTER TABLE engines ADD COLUMN last_seen_at {int}",
    # By how much its clock was ahead when it last was.
    "ALTER TABLE engines ADD COLUMN clock_skew {int}",
    "ALTER TABLE engines ADD COLUMN clock_skew_at {int}",
    """
    CREATE TABLE engine_clients (
      engine_id {id} NOT NULL REFERENCES engines (id),
      name {text} NOT NULL,
      last_seen_at {int} NOT NULL,
      PRIMARY KEY (engine_id, name)
    ) {table_in_place}
    """,
    # The newest event of each kind and reason stands for all. At most 200 an engine (app/engines/notes.py).
    """
    CREATE TABLE engine_issues (
      id {id} PRIMARY KEY,
      engine_id {id} NOT NULL REFERENCES engines (id),
      kind {text} NOT NULL,
      reason {text} NOT NULL,
      events {int} NOT NULL,
      first_at {int} NOT NULL,
      last_at {int} NOT NULL,
      event_id {text},
      event_type {text},
      external_id {text},
      UNIQUE (engine_id, kind, reason)
    ) {table_in_place}
    """,
    "CREATE INDEX engine_issues_newest ON engine_issues (engine_id, last_at, id)",
    # Ends that were rejected, at most 1,000 an engine: their runs read as unfinished.
    """
    CREATE TABLE refused_ends (
      engine_id {id} NOT NULL REFERENCES engines (id),
      external_id {text} NOT NULL,
      reason {text} NOT NULL,
      at {int} NOT NULL,
      PRIMARY KEY (engine_id, external_id)
    ) {table_in_place}
    """,
]


class Migration(migrations.Migration):
    """See the module."""

    dependencies = [("app", "0017_bounded_times")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
