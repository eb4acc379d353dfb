"""What a provider says when somebody signed out there: OpenID Connect Back-Channel Logout 1.0.

It posts a token that it has signed, and that names its own session (`sid`), or somebody (`sub`) whose sessions all end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app import audit
from app.auth import credentials
from app.auth.jwt import LEEWAY_SECONDS, MAX_SUBJECT_LENGTH, JwtVerifier
from app.clock import SECOND
from app.db import Database, Transaction
from app.errors import Unauthenticated

EVENT = "http://schemas.openid.net/event/backchannel-logout"
REQUIRED_CLAIMS = ["exp", "iat", "aud", "iss", "jti", "events"]


@dataclass(frozen=True, slots=True)
class Logout:
    """Whose sessions end: those of `session`, or of `subject`. `before`: no later ones, in µs since the epoch.

    So a token that somebody sends again ends nothing that began meanwhile.
    """

    issuer: str
    subject: str | None
    session: str | None
    before: int


async def logout_of(verifier: JwtVerifier, token: str) -> Logout:
    """What a logout token says; Unauthenticated if it is none, or not valid. Unavailable as JwtVerifier has it."""
    claims, key = await verifier.verified(token, REQUIRED_CLAIMS)
    events = claims["events"]
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise Unauthenticated("The token's events have no back-channel logout")
    if "nonce" in claims:
        raise Unauthenticated("The token has a nonce: it is an ID token")
    subject, session = (credentials.storable(claims.get(name), MAX_SUBJECT_LENGTH) for name in ("sub", "sid"))
    if subject is None and session is None:
        raise Unauthenticated("The token has neither sub nor sid")
    return Logout(key.issuer, subject, session, (int(claims["iat"]) + LEEWAY_SECONDS) * SECOND)


async def end_sessions(database: Database, logout: Logout) -> int:
    """End what a provider has signed in, and the codes that would start more; audited. How many sessions there were."""

    async def work(transaction: Transaction) -> int:
        condition, params = _signed_in_by(logout)
        before = f"s.created_at <= ${len(params) + 1}"
        sql = f"SELECT s.id_sha256, s.jwt_subject FROM sessions s WHERE {condition} AND {before}"
        rows = await transaction.fetch(sql, *params, logout.before)
        await transaction.execute_many("DELETE FROM sessions WHERE id_sha256 = $1", [(row[0],) for row in rows])
        codes = await transaction.fetch(f"SELECT s.code_sha256 FROM sign_in_codes s WHERE {condition}", *params)
        await transaction.execute_many("DELETE FROM sign_in_codes WHERE code_sha256 = $1", [(row[0],) for row in codes])
        for name in sorted({row[1] for row in rows}):
            await audit.note(transaction, name, "signOut", None, {"provider": logout.issuer})
        return len(rows)

    return await database.transaction(work)


def _signed_in_by(logout: Logout) -> tuple[str, Sequence[Any]]:
    """A condition of rows s. Where the ID token named no session of the provider, the person has to do."""
    of_issuer = "s.jwt_issuer = $1"
    if logout.session is None:
        return f"{of_issuer} AND s.provider_subject = $2", (logout.issuer, logout.subject)
    if logout.subject is None:
        return f"{of_issuer} AND s.provider_session = $2", (logout.issuer, logout.session)
    sessions = "(s.provider_session = $3 OR s.provider_session IS NULL)"
    return f"{of_issuer} AND s.provider_subject = $2 AND {sessions}", (logout.issuer, logout.subject, logout.session)
