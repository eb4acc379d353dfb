"""How, whence and when last each session was used, and what its provider may end it by."""

from tortoise import migrations

from app.db.ddl import Sql

# All are unknown of older sessions, which go on; and a server of the version before goes on starting some.
OPERATIONS = [
    *(
        f"ALTER TABLE sessions ADD COLUMN {name} {{{type_}}}"
        for name, type_ in (("method", "text"), ("address", "text"), ("user_agent", "text"), ("last_seen_at", "int"))
    ),
    # `sub` and `sid` of the ID token: jwt_subject is the name that the page shows, which another claim may give.
    *(
        f"ALTER TABLE {table} ADD COLUMN {name} {{text}}"
        for table in ("sessions", "sign_in_codes")
        for name in ("provider_subject", "provider_session")
    ),
]


class Migration(migrations.Migration):
    """See the module."""

    dependencies = [("app", "0030_saved_views")]
    initial = False
    operations = [Sql(statement) for statement in OPERATIONS]
