"""Sessions of browsers, and the one-time codes that start them (docs/adr/0020)."""

from tortoise import migrations

from app.db.ddl import Sql

OPERATIONS = [
    # What the cookie and the second secret hash to; the credential behind the session, which is read at each request:
    # a token, or what an issuer's token said and was signed with. expires_at moves on while a VIEWER uses the session.
    Sql(
        """
        CREATE TABLE sessions (
          id_sha256 {text} PRIMARY KEY,
          secret_sha256 {text},
          token_id {id} REFERENCES tokens (id),
          jwt_subject {text},
          jwt_role {text},
          jwt_expires_at {int},
          jwt_issuer {text},
          jwt_algorithm {text},
          jwt_key_id {text},
          jwt_key_sha256 {text},
          created_at {int} NOT NULL,
          expires_at {int} NOT NULL
        ) {table}
        """
    ),
    Sql("CREATE INDEX sessions_expires_at ON sessions (expires_at)"),
    # Each is deleted by the sign-in that it is used for.
    Sql(
        """
        CREATE TABLE sign_in_codes (
          code_sha256 {text} PRIMARY KEY,
          token_id {id} NOT NULL REFERENCES tokens (id),
          expires_at {int} NOT NULL
        ) {table}
        """
    ),
]


class Migration(migrations.Migration):
    """Sign-in for browsers."""

    dependencies = [("app", "0008_previous_revision")]
    initial = False
    operations = [*OPERATIONS]
