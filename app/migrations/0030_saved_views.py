"""Views of the page that people save under a name."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # owner: the name of the viewer who saved it.
    """
    CREATE TABLE saved_views (
      id {id} PRIMARY KEY,
      owner {text} NOT NULL,
      name {text} NOT NULL,
      page {text} NOT NULL,
      query {text} NOT NULL,
      shared {bool} NOT NULL
    ) {table}
    """,
    "CREATE INDEX saved_views_owner ON saved_views (owner)",
]


class Migration(migrations.Migration):
    """See the module."""

    dependencies = [("app", "0029_alert_conditions")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
