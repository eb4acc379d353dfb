"""What is left to do with the rows of versions before: their log lines, and a number for the fingerprints they have."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # All log lines from this one on have a search text without escapes (app/ingestion/log_indexing.py). No row: all.
    """
    CREATE TABLE log_indexing (
      id {small} PRIMARY KEY CHECK (id = 1),
      before {id} NOT NULL,
      sequence {int} NOT NULL
    ) {table}
    """,
    """
    INSERT INTO log_indexing (id, before, sequence)
    SELECT 1, 'ffffffffffffffffffffffffffffffff', 0 WHERE EXISTS (SELECT 1 FROM log_entries)
    """,
    # Which fingerprints failures have, or are being given (app/ingestion/regrouping.py).
    "CREATE TABLE fingerprint_version (id {small} PRIMARY KEY CHECK (id = 1), version {int} NOT NULL) {table}",
    "INSERT INTO fingerprint_version (id, version) VALUES (1, 2)",
]


class Migration(migrations.Migration):
    """See the module."""

    dependencies = [("app", "0021_server_processes")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
