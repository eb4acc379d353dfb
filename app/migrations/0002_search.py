"""An index of trigrams for search, where Postgres has pg_trgm and lets us create it.

Without it, as on SQLite, a search reads executions newest first, within the limit of a reading statement. Whoever
installs the extension later runs the two statements below by hand (docs/operating.md).
"""

from tortoise import migrations

from app.db.ddl import Sql

INDEX = """
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX executions_search ON executions USING gin (search_text gin_trgm_ops);
  END IF;
EXCEPTION
  -- Not our database to extend, or the extension lives in a schema that we do not search.
  WHEN insufficient_privilege OR undefined_object OR feature_not_supported THEN
    RAISE NOTICE 'no index for search: %', SQLERRM;
END
$$
"""


class Migration(migrations.Migration):
    """The index of trigrams."""

    dependencies = [("app", "0001_initial")]
    initial = False
    operations = [Sql(INDEX, only="postgres")]
