"""One-time codes of people whom an OpenID Connect provider has signed in (docs/adr/0039)."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # Codes live for ten minutes: those of older versions are not carried over.
    Sql("DROP TABLE sign_in_codes"),
    # As in sessions: a token, or what an issuer's token said and was signed with.
    Sql(
        """
        CREATE TABLE sign_in_codes (
          code_sha256 {text} PRIMARY KEY,
          token_id {id} REFERENCES tokens (id),
          jwt_subject {text},
          jwt_role {text},
          jwt_expires_at {int},
          jwt_issuer {text},
          jwt_algorithm {text},
          jwt_key_id {text},
          jwt_key_sha256 {text},
          expires_at {int} NOT NULL
        ) {table}
        """
    ),
]


class Migration(migrations.Migration):
    """Codes without a token."""

    dependencies = [("app", "0026_resolutions")]
    initial = False
    operations = [*OPERATIONS]
