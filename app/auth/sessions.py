"""Sessions of browsers: a cookie that stands for a credential, and the one-time codes that start one.

A session is a row, and so is the token behind it: role, expiry and revocation are read from that row at each request.
So a revoked token ends its sessions at once, in every process. Behind a JSON Web Token stand its issuer and key, which
must still be accepted. The database has only hashes of what a browser holds. docs/adr/0020 has the reasons.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from app import audit, clock
from app.auth.roles import Role, SigningKey, Viewer
from app.auth.tokens import Token, the_token
from app.db import Database, Row, Transaction
from app.errors import BadInput, Forbidden, Unauthenticated
from app.ids import is_id

LIFETIME = 12 * clock.HOUR
CODE_LIFETIME = 10 * clock.MINUTE
# A wall display never signs in again: its VIEWER session moves on, at most once in this time.
SLIDE = clock.HOUR
REFUSED = "Unknown or expired token, code or session"

_SELECT = """
SELECT s.id_sha256, s.secret_sha256, s.expires_at, s.jwt_subject, s.jwt_role, s.jwt_expires_at, s.jwt_issuer,
  s.jwt_algorithm, s.jwt_key_id, s.jwt_key_sha256, t.id, t.name, t.role, t.expires_at, t.revoked_at
FROM sessions s LEFT JOIN tokens t ON t.id = s.token_id
"""
_COLUMNS = (
    *("id_sha256", "secret_sha256", "created_at", "expires_at", "token_id", "jwt_subject", "jwt_role"),
    *("jwt_expires_at", "jwt_issuer", "jwt_algorithm", "jwt_key_id", "jwt_key_sha256"),
)
_TOKEN = "SELECT id, name, role, expires_at FROM tokens WHERE id = $1 AND revoked_at IS NULL"  # noqa: S105
_END = "DELETE FROM sessions WHERE id_sha256 = $1"
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Issuers(Protocol):
    """Whether what a JSON Web Token was signed with is still accepted: now, or by what is known without waiting.

    The former raises Unavailable while nobody can say.
    """

    async def accepts(self, key: SigningKey) -> bool: ...

    def still_accepts(self, key: SigningKey) -> bool: ...


@dataclass(frozen=True, slots=True)
class Started:
    """A new session: what its cookie holds, the second secret if it has one, and who it is."""

    cookie: str
    secret: str | None
    viewer: Viewer


@dataclass(frozen=True, slots=True)
class _Session:
    """A row. `viewer.expires_at` is the session's end, which is that of its credential if that comes first."""

    id_sha256: str
    secret_sha256: str | None
    ends_at: int  # as stored: the credential may end before
    viewer: Viewer

    @classmethod
    def of(cls, row: Row, now: int) -> _Session | None:
        """None if the session or its token is over. Whether an issuer's key is accepted remains to be asked."""
        (id_, secret, ends_at, subject, jwt_role, jwt_expires_at, *signed_with) = row[:10]
        (token_id, name, role, token_expires_at, revoked_at) = row[10:]
        expires_at = min(end for end in (ends_at, jwt_expires_at, token_expires_at) if end is not None)
        if expires_at <= now or revoked_at is not None:
            return None
        if token_id is not None:
            viewer = Viewer(name, Role(role), expires_at=expires_at, credential=token_id, session=id_)
        else:
            key, credential = SigningKey(*signed_with), f"subject {subject}"
            viewer = Viewer(subject, Role(jwt_role), expires_at=expires_at, credential=credential, key=key, session=id_)
        return cls(id_, secret, ends_at, viewer)

    def is_to_slide(self, now: int) -> bool:
        return self.viewer.role is Role.VIEWER and self.ends_at - now < LIFETIME - SLIDE


class Sessions:
    """The sessions of a database. `issuers`: None if no JSON Web Tokens are accepted."""

    def __init__(self, database: Database, issuers: Issuers | None) -> None:
        self._database = database
        self._issuers = issuers

    async def start(self, viewer: Viewer, *, bound: bool, replaces: str | None = None) -> Started:
        """A session of somebody who has just shown a credential; it ends the session of the cookie `replaces`.

        `bound`: over plain http, where a cookie reaches every program on the host, a second secret has to come with it.
        Forbidden for a RUNNER, whose token is for an engine.
        """
        if viewer.role is Role.RUNNER:
            raise Forbidden("A token of role RUNNER is for an engine: people sign in as VIEWER or ADMIN")

        async def work(transaction: Transaction) -> Started:
            return await _start(transaction, viewer, bound=bound, replaces=replaces)

        return await self._database.transaction(work)

    async def start_by_code(self, code: str, *, bound: bool, replaces: str | None = None) -> Started:
        """A session for a one-time code, which is used up. Unauthenticated for an unknown, spent or expired one."""

        async def work(transaction: Transaction) -> Started:
            now = clock.now_us()
            # Whoever deletes the row has it: of two that come at once, one.
            spent = await transaction.fetch(
                "DELETE FROM sign_in_codes WHERE code_sha256 = $1 AND expires_at > $2 RETURNING token_id",
                *(_hash(code), now),
            )
            tokens = await transaction.fetch(_TOKEN, spent[0][0]) if spent else []
            if not tokens or (tokens[0][3] is not None and tokens[0][3] <= now):
                raise Unauthenticated(REFUSED)
            id_, name, role, expires_at = tokens[0]
            viewer = Viewer(name, Role(role), expires_at=expires_at, credential=id_)
            return await _start(transaction, viewer, bound=bound, replaces=replaces)

        return await self._database.transaction(work)

    async def offered_by(self, code: str) -> Viewer | None:
        """Whom a code would sign in; it stays good. None for an unknown, spent or expired one."""
        rows = await self._database.fetch_by_key(
            "SELECT t.id, t.name, t.role, t.expires_at FROM sign_in_codes c JOIN tokens t ON t.id = c.token_id"
            " WHERE c.code_sha256 = $1 AND c.expires_at > $2 AND t.revoked_at IS NULL",
            *(_hash(code), clock.now_us()),
        )
        return Viewer(rows[0][1], Role(rows[0][2]), expires_at=rows[0][3], credential=rows[0][0]) if rows else None

    async def viewer_of(self, cookie: str, secret: str | None) -> Viewer:
        """Whose session this is; Unauthenticated if it is over, or if its second secret does not come with it."""
        now = clock.now_us()
        session = await self._find(cookie, now)
        if session is None:
            raise Unauthenticated(REFUSED)
        bound = session.secret_sha256
        if bound is not None and not secrets.compare_digest(bound, _hash(secret or "")):
            raise Unauthenticated(REFUSED)
        key = session.viewer.key
        if key is not None and (self._issuers is None or not await self._issuers.accepts(key)):
            raise Unauthenticated(REFUSED)
        if session.is_to_slide(now):
            await self._extend([session.id_sha256], now)
        return session.viewer

    async def renew(self, cookie: str, secret: str | None) -> Viewer:
        """Give a session its whole lifetime again. Unauthenticated as in `viewer_of`."""
        viewer = await self.viewer_of(cookie, secret)
        await self._extend([_hash(cookie)], clock.now_us())
        return viewer

    async def end(self, cookie: str) -> None:
        """Sign out: the session ends, in every process. Unauthenticated, and nothing is written, if there is none."""
        session = await self._find(cookie, clock.now_us())
        if session is None:
            raise Unauthenticated(REFUSED)

        async def work(transaction: Transaction) -> None:
            await transaction.execute_many(_END, [(_hash(cookie),)])
            await audit.note(transaction, session.viewer.name, "signOut")

        await self._database.transaction(work)

    async def living(self, ids: Collection[str]) -> set[str]:
        """Those of these sessions (`Viewer.session`) that go on. To be asked for is to be used: it slides them too."""
        rows = await self._database.fetch_by_key(
            f"{_SELECT} WHERE {self._database.any_of('s.id_sha256', 1, 'text')}", self._database.array(ids)
        )
        now = clock.now_us()
        found = [session for row in rows if (session := _Session.of(row, now)) is not None]
        living = [session for session in found if session.viewer.key is None or self._accepts(session.viewer.key)]
        if sliding := [session.id_sha256 for session in living if session.is_to_slide(now)]:
            await self._extend(sliding, now)
        return {session.id_sha256 for session in living}

    def _accepts(self, key: SigningKey) -> bool:
        return self._issuers is not None and self._issuers.still_accepts(key)

    async def _find(self, cookie: str, now: int) -> _Session | None:
        rows = await self._database.fetch_by_key(f"{_SELECT} WHERE s.id_sha256 = $1", _hash(cookie))
        return _Session.of(rows[0], now) if rows else None

    async def _extend(self, ids: Collection[str], now: int) -> None:
        sql = "UPDATE sessions SET expires_at = $2 WHERE id_sha256 = $1"
        rows = [(id_, now + LIFETIME) for id_ in ids]
        await self._database.transaction(lambda transaction: transaction.execute_many(sql, rows))


async def new_code(database: Database, token: Token) -> str:
    """A code that signs in once, within 10 minutes, as the holder of a token. BadInput for a RUNNER's token."""
    if token.role is Role.RUNNER:
        raise BadInput("A token of role RUNNER is for an engine: name one of role VIEWER or ADMIN")
    code, now = _new_secret(), clock.now_us()

    async def work(transaction: Transaction) -> None:
        await transaction.execute_many("DELETE FROM sign_in_codes WHERE expires_at <= $1", [(now,)])
        row = (_hash(code), token.id, now + CODE_LIFETIME)
        await transaction.insert("sign_in_codes", ("code_sha256", "token_id", "expires_at"), [row])
        await audit.note(transaction, token.name, "signInLink")

    await database.transaction(work)
    return code


async def new_code_for(database: Database, which: str) -> str:
    """A code for the valid token with this id, prefix or name. NotFound and BadInput as for its revocation."""
    token = await database.transaction(lambda transaction: the_token(transaction, which))
    if token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= clock.now_us()):
        raise BadInput("The token has expired, or was revoked")
    return await new_code(database, token)


async def valid_tokens(database: Database, ids: Collection[str]) -> set[str]:
    """Those of these tokens that are valid."""
    rows = await database.fetch_by_key(
        f"SELECT id, expires_at FROM tokens WHERE revoked_at IS NULL AND {database.any_of('id', 1, 'id')}",
        database.array(ids),
    )
    now = clock.now_us()
    return {row[0] for row in rows if row[1] is None or row[1] > now}


async def _start(transaction: Transaction, viewer: Viewer, *, bound: bool, replaces: str | None) -> Started:
    now = clock.now_us()
    cookie, secret = _new_secret(), _new_secret() if bound else None
    behind: tuple[object, ...] = (viewer.credential, *(None,) * 7)
    if (key := viewer.key) is not None:
        key_id = key.key_id and _UNSTORABLE.sub("", key.key_id)
        signed_with = (key.issuer, key.algorithm, key_id, key.sha256)
        behind = (None, viewer.name, viewer.role.value, viewer.expires_at, *signed_with)
    elif not is_id(viewer.credential):
        raise ValueError("A viewer without a token")
    await transaction.execute_many("DELETE FROM sessions WHERE expires_at <= $1", [(now,)])
    if replaces is not None:
        await transaction.execute_many(_END, [(_hash(replaces),)])
    ids = (_hash(cookie), None if secret is None else _hash(secret))
    await transaction.insert("sessions", _COLUMNS, [(*ids, now, now + LIFETIME, *behind)])
    await audit.note(transaction, viewer.name, "signIn")
    return Started(cookie, secret, viewer)


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
