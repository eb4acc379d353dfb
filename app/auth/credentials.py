"""What stands behind a session, or a one-time code that starts one: columns that both tables have.

A token's row, which is read again each time, or what an issuer's JSON Web Token said and was signed with. The database
has only hashes of what a browser holds.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import Any

from app.auth.roles import Provided, Role, SigningKey, Viewer
from app.ids import is_id

_JWT = (
    *("jwt_subject", "jwt_role", "jwt_expires_at"),
    *("jwt_issuer", "jwt_algorithm", "jwt_key_id", "jwt_key_sha256"),
    *("provider_subject", "provider_session"),
)
COLUMNS = ("token_id", *_JWT)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def columns(alias: str) -> str:
    """What `viewer_of` reads, of a table that is joined with the tokens t."""
    jwt = ", ".join(f"{alias}.{name}" for name in _JWT)
    return f"{jwt}, t.id, t.name, t.role, t.expires_at, t.revoked_at, t.prefix"


def viewer_of(values: Sequence[Any], now: int) -> Viewer | None:
    """Whom the values of `columns` stand for; None if the token has expired, or was revoked."""
    subject, jwt_role, jwt_expires_at, *signed_with = values[:7]
    provider_subject, provider_session, token_id, name, role, token_expires_at, revoked_at, prefix = values[7:]
    if token_id is not None:
        viewer = Viewer(name, Role(role), expires_at=token_expires_at, credential=token_id, prefix=prefix)
    elif subject is not None:
        viewer = Viewer(
            subject,
            Role(jwt_role),
            expires_at=jwt_expires_at,
            credential=f"subject {subject}",
            key=SigningKey(*signed_with),
            provided=None if provider_subject is None else Provided(provider_subject, provider_session),
        )
    else:
        return None
    is_over = viewer.expires_at is not None and viewer.expires_at <= now
    return None if is_over or revoked_at is not None else viewer


def row_of(viewer: Viewer) -> tuple[object, ...]:
    """The values of COLUMNS for what somebody has just shown."""
    key = viewer.key
    if key is None:
        if not is_id(viewer.credential):
            raise ValueError("A viewer without a token")
        return (viewer.credential, *(None for _ in _JWT))
    key_id = key.key_id and _UNSTORABLE.sub("", key.key_id)
    signed_with = (key.issuer, key.algorithm, key_id, key.sha256)
    provided = viewer.provided
    known_as = (None, None) if provided is None else (provided.subject, provided.session)
    return (None, viewer.name, viewer.role.value, viewer.expires_at, *signed_with, *known_as)


def storable(text: object, most: int) -> str | None:
    """A text of somebody else's, if there is one that is not empty, not longer than `most`, and fit for a database."""
    return text if isinstance(text, str) and 0 < len(text) <= most and not _UNSTORABLE.search(text) else None


def new_secret() -> str:
    """256 random bits, fit for a cookie and a URL."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """What the database has of it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
