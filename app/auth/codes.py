"""One-time codes: a link with one, or an OpenID Connect provider that led somebody back, starts a session."""

from __future__ import annotations

from app import audit, clock
from app.auth import credentials
from app.auth.credentials import hashed, new_secret
from app.auth.roles import Role, Viewer
from app.auth.tokens import Token, the_token
from app.db import Database, Transaction
from app.errors import BadInput

LIFETIME = 10 * clock.MINUTE
_OFFERED = f"""
SELECT {credentials.columns("c")} FROM sign_in_codes c LEFT JOIN tokens t ON t.id = c.token_id
WHERE c.code_sha256 = $1 AND c.expires_at > $2
"""


async def new_code(database: Database, token: Token) -> str:
    """A code that signs in once, within 10 minutes, as the holder of a token. BadInput for a RUNNER's token."""
    if token.role is Role.RUNNER:
        raise BadInput("A token of role RUNNER is for an engine: name one of role VIEWER or ADMIN")
    return await new_code_of(database, Viewer(token.name, token.role, credential=token.id), action="signInLink")


async def new_code_for(database: Database, which: str) -> str:
    """A code for the valid token with this id, prefix or name. NotFound and BadInput as for its revocation."""
    token = await database.transaction(lambda transaction: the_token(transaction, which))
    if token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= clock.now_us()):
        raise BadInput("The token has expired, or was revoked")
    return await new_code(database, token)


async def new_code_of(database: Database, viewer: Viewer, *, action: str | None = None) -> str:
    """A code for somebody who has shown a credential; the audit log has the `action`, if there is one."""
    code, now = new_secret(), clock.now_us()

    async def work(transaction: Transaction) -> None:
        await transaction.execute_many("DELETE FROM sign_in_codes WHERE expires_at <= $1", [(now,)])
        row = (hashed(code), now + LIFETIME, *credentials.row_of(viewer))
        await transaction.insert("sign_in_codes", ("code_sha256", "expires_at", *credentials.COLUMNS), [row])
        if action is not None:
            await audit.note(transaction, viewer.name, action)

    await database.transaction(work)
    return code


async def offered_by(database: Database, code: str) -> Viewer | None:
    """Whom a code would sign in; it stays good. None for an unknown, spent or expired one."""
    now = clock.now_us()
    rows = await database.fetch_by_key(_OFFERED, hashed(code), now)
    return credentials.viewer_of(rows[0], now) if rows else None


async def spend(transaction: Transaction, code: str) -> Viewer | None:
    """The same, and the code is used up."""
    now = clock.now_us()
    rows = await transaction.fetch(_OFFERED, hashed(code), now)
    # Whoever deletes the row has it: of two that come at once, one.
    spent = await transaction.fetch("DELETE FROM sign_in_codes WHERE code_sha256 = $1 RETURNING 1", hashed(code))
    return credentials.viewer_of(rows[0], now) if rows and spent else None
