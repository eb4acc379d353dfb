"""The tables that are read and written as objects: the cold ones.

All tables are made by app/migrations. Executions and what is below them are read and written as plain rows, because a
page of 50 costs 1.9 ms as models and 0.26 ms as rows (app/ingestion.py, app/executions.py, app/steps.py, app/logs.py).
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
    """What runs automations."""

    id = IdField(primary_key=True)
    name = fields.TextField()
    kind = fields.TextField()
    created_at = fields.BigIntField()

    class Meta:
        table = "engines"


class Token(Model):
    """A bearer token: what signs in. Only the hash of its secret is kept."""

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
