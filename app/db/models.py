"""The cold tables as Tortoise models: for tools and one-off work at a prompt.

`await Tortoise.init(config=app.db.config.tortoise_config(url))` connects them. Tortoise runs the migrations, for which
it needs to know a model. The product itself reads and writes plain rows (docs/adr/0008): a model belongs to whichever
database was initialised last, and Runwatch may have two open, as its tests do. tests/app/db/test_models.py keeps these
true to the tables.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.fields.base import Field
from tortoise.models import Model


class IdField(Field[str], str):  # type: ignore[misc]  # Tortoise types fields as the values they hold
    """A UUID, seen as 32 hexadecimal digits from Python."""

    SQL_TYPE = "TEXT"

    class _db_postgres:
        SQL_TYPE = "UUID"


class Engine(Model):
    """Runs automations."""

    id = IdField(primary_key=True)
    name = fields.TextField()
    kind = fields.TextField()
    connection_sealed = fields.TextField(null=True)
    claims_retries = fields.BooleanField()
    last_seen_at = fields.BigIntField(null=True)
    clock_skew = fields.BigIntField(null=True)
    clock_skew_at = fields.BigIntField(null=True)
    created_at = fields.BigIntField()

    class Meta:
        table = "engines"


class Token(Model):
    """A bearer token, stored only as the hash of its secret."""

    id = IdField(primary_key=True)
    prefix = fields.TextField()
    secret_sha256 = fields.TextField()
    name = fields.TextField()
    role = fields.TextField()
    engine: fields.ForeignKeyNullableRelation[Engine] = fields.ForeignKeyField("app.Engine", null=True)
    created_at = fields.BigIntField()
    expires_at = fields.BigIntField(null=True)
    last_used_at = fields.BigIntField(null=True)
    revoked_at = fields.BigIntField(null=True)

    class Meta:
        table = "tokens"
