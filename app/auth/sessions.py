"""Sessions of browsers: a cookie that stands for a credential.

A session is a row, and so is the token behind it: role, expiry and revocation are read from that row at each request.
So a revoked token ends its sessions at once, in every process. Behind a JSON Web Token stand its issuer and key, which
must still be accepted. The database has only hashes of what a browser holds. docs/adr/0020 has the reasons.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from app import audit, clock
from app.auth import codes, credentials
from app.auth.credentials import hashed, new_secret
from app.auth.last_use import SESSIONS, LastUse
from app.auth.roles import Role, SigningKey, Viewer
from app.db import Database, Row, Transaction
from app.errors import Forbidden, Unauthenticated

LIFETIME = 12 * clock.HOUR
# A wall display never signs in again: its VIEWER session moves on, at most once in this time.
SLIDE = clock.HOUR
# Of one credential, as many as the page lists: a program that signed in for each request made 100 a second.
MAX_OF_ONE = 1_000
REFUSED = "Unknown or expired token, code or session"

MAX_USER_AGENT_LENGTH = 300
SELECT = f"""
SELECT s.id_sha256, s.secret_sha256, s.expires_at, s.created_at, s.last_seen_at, s.method, s.address, s.user_agent,
{credentials.columns("s")}
FROM sessions s LEFT JOIN tokens t ON t.id = s.token_id
"""
_COLUMNS = (
    *("id_sha256", "secret_sha256", "created_at", "expires_at"),
    *("last_seen_at", "method", "address", "user_agent"),
    *credentials.COLUMNS,
)
_END = "DELETE FROM sessions WHERE id_sha256 = $1"


class Issuer(Protocol):
    """Whether what a JSON Web Token was signed with is still accepted: now, or by what is known without waiting.

    The former raises Unavailable while nobody can say.
    """

    async def accepts(self, key: SigningKey) -> bool: ...

    def still_accepts(self, key: SigningKey) -> bool: ...


class SignInMethod(StrEnum):
    """How a session began."""

    TOKEN = "TOKEN"  # noqa: S105
    LINK = "LINK"
    PROVIDER = "PROVIDER"


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a session begins: the client's address, and what it says that it is."""

    address: str = ""
    user_agent: str = ""


UNKNOWN = Browser()


@dataclass(frozen=True, slots=True)
class Started:
    """A new session: what its cookie holds, the second secret if it has one, and who it is."""

    cookie: str
    secret: str | None
    viewer: Viewer


@dataclass(frozen=True, slots=True)
class Session:
    """A row. `viewer.expires_at` is the session's end, which is that of its credential if that comes first.

    Of sessions that an older version began, nobody knows `method` and what follows.
    """

    id_sha256: str
    secret_sha256: str | None
    ends_at: int  # as stored: the credential may end before
    started_at: int
    last_seen_at: int | None  # to a minute
    method: SignInMethod | None
    browser: Browser
    viewer: Viewer

    @classmethod
    def of(cls, row: Row, now: int) -> Session | None:
        """None if the session or its credential is over. Whether an issuer's key is accepted remains to be asked."""
        (id_, secret, ends_at, started_at, last_seen_at, method, address, user_agent, *behind) = row
        viewer = credentials.viewer_of(behind, now)
        if viewer is None or ends_at <= now:
            return None
        expires_at = ends_at if viewer.expires_at is None else min(ends_at, viewer.expires_at)
        began = SignInMethod(method) if method else None
        browser = Browser(address or "", user_agent or "")
        viewer = replace(viewer, expires_at=expires_at, session=id_)
        return cls(id_, secret, ends_at, started_at, last_seen_at, began, browser, viewer)

    def is_to_slide(self, now: int) -> bool:
        return self.viewer.role is Role.VIEWER and self.ends_at - now < LIFETIME - SLIDE


class Sessions:
    """The sessions of a database. `issuers`: those whose JSON Web Tokens may stand behind one."""

    def __init__(self, database: Database, issuers: Sequence[Issuer] = ()) -> None:
        self._database = database
        self._issuers = issuers
        self._use = LastUse(database, SESSIONS)

    async def start(
        self, viewer: Viewer, *, bound: bool, replaces: str | None = None, browser: Browser = UNKNOWN
    ) -> Started:
        """A session of somebody who has just shown a credential; it ends the session of the cookie `replaces`.

        `bound`: over plain http, where a cookie reaches every program on the host, a second secret has to come with it.
        Forbidden for a RUNNER, whose token is for an engine.
        """
        if viewer.role is Role.RUNNER:
            raise Forbidden("A token of role RUNNER is for an engine: people sign in as VIEWER or ADMIN")

        async def work(transaction: Transaction) -> Started:
            return await _start(transaction, viewer, SignInMethod.TOKEN, browser, bound=bound, replaces=replaces)

        return await self._database.transaction(work)

    async def start_by_code(
        self, code: str, *, bound: bool, replaces: str | None = None, browser: Browser = UNKNOWN
    ) -> Started:
        """A session for a one-time code, which is used up. Unauthenticated for an unknown, spent or expired one."""

        async def work(transaction: Transaction) -> Started:
            viewer = await codes.spend(transaction, code)
            if viewer is None:
                raise Unauthenticated(REFUSED)
            # A code for what an issuer has signed is one of the provider's.
            method = SignInMethod.LINK if viewer.key is None else SignInMethod.PROVIDER
            return await _start(transaction, viewer, method, browser, bound=bound, replaces=replaces)

        return await self._database.transaction(work)

    async def offered_by(self, code: str) -> Viewer | None:
        """Whom a code would sign in; it stays good. None for an unknown, spent or expired one."""
        return await codes.offered_by(self._database, code)

    async def viewer_of(self, cookie: str, secret: str | None) -> Viewer:
        """Whose session this is; Unauthenticated if it is over, or if its second secret does not come with it."""
        now = clock.now_us()
        session = await self._find(cookie, now)
        if session is None:
            raise Unauthenticated(REFUSED)
        bound = session.secret_sha256
        if bound is not None and not secrets.compare_digest(bound, hashed(secret or "")):
            raise Unauthenticated(REFUSED)
        key = session.viewer.key
        if key is not None and not await self.accepts(key):
            raise Unauthenticated(REFUSED)
        if session.is_to_slide(now):
            await self._extend([session.id_sha256], now)
        self._use.note(session.id_sha256, session.last_seen_at, now)
        return session.viewer

    async def renew(self, cookie: str, secret: str | None) -> Viewer:
        """Give a session its whole lifetime again. Unauthenticated as in `viewer_of`."""
        viewer = await self.viewer_of(cookie, secret)
        await self._extend([hashed(cookie)], clock.now_us())
        return viewer

    async def end(self, cookie: str) -> None:
        """Sign out: the session ends, in every process. Unauthenticated, and nothing is written, if there is none."""
        session = await self._find(cookie, clock.now_us())
        if session is None:
            raise Unauthenticated(REFUSED)

        async def work(transaction: Transaction) -> None:
            await transaction.execute_many(_END, [(hashed(cookie),)])
            await audit.note(transaction, session.viewer.name, "signOut")

        await self._database.transaction(work)

    async def living(self, ids: Collection[str]) -> set[str]:
        """Those of these sessions (`Viewer.session`) that go on. To be asked for is to be used: it slides them too."""
        rows = await self._database.fetch_by_key(
            f"{SELECT} WHERE {self._database.any_of('s.id_sha256', 1, 'text')}", self._database.array(ids)
        )
        now = clock.now_us()
        found = [session for row in rows if (session := Session.of(row, now)) is not None]
        living = [session for session in found if session.viewer.key is None or self._accepts(session.viewer.key)]
        if sliding := [session.id_sha256 for session in living if session.is_to_slide(now)]:
            await self._extend(sliding, now)
        for session in living:
            self._use.note(session.id_sha256, session.last_seen_at, now)
        return {session.id_sha256 for session in living}

    async def close(self) -> None:
        """Stop background work. Call it before the database is closed."""
        await self._use.close()

    async def accepts(self, key: SigningKey) -> bool:
        """Whether what this key has signed still counts. Unavailable while nobody can say."""
        return any([await issuer.accepts(key) for issuer in self._issuers])

    def _accepts(self, key: SigningKey) -> bool:
        return any(issuer.still_accepts(key) for issuer in self._issuers)

    async def _find(self, cookie: str, now: int) -> Session | None:
        rows = await self._database.fetch_by_key(f"{SELECT} WHERE s.id_sha256 = $1", hashed(cookie))
        return Session.of(rows[0], now) if rows else None

    async def _extend(self, ids: Collection[str], now: int) -> None:
        sql = "UPDATE sessions SET expires_at = $2 WHERE id_sha256 = $1"
        rows = [(id_, now + LIFETIME) for id_ in ids]
        await self._database.transaction(lambda transaction: transaction.execute_many(sql, rows))


async def valid_tokens(database: Database, ids: Collection[str]) -> set[str]:
    """Those of these tokens that are valid."""
    rows = await database.fetch_by_key(
        f"SELECT id, expires_at FROM tokens WHERE revoked_at IS NULL AND {database.any_of('id', 1, 'id')}",
        database.array(ids),
    )
    now = clock.now_us()
    return {row[0] for row in rows if row[1] is None or row[1] > now}


async def _start(
    transaction: Transaction,
    viewer: Viewer,
    method: SignInMethod,
    browser: Browser,
    *,
    bound: bool,
    replaces: str | None,
) -> Started:
    now = clock.now_us()
    cookie, secret = new_secret(), new_secret() if bound else None
    await transaction.execute_many("DELETE FROM sessions WHERE expires_at <= $1", [(now,)])
    if replaces is not None:
        await transaction.execute_many(_END, [(hashed(replaces),)])
    await _end_excess(transaction, viewer)
    ids = (hashed(cookie), None if secret is None else hashed(secret))
    user_agent = credentials.storable(browser.user_agent[:MAX_USER_AGENT_LENGTH], MAX_USER_AGENT_LENGTH)
    whence = (now, method.value, browser.address or None, user_agent)
    await transaction.insert("sessions", _COLUMNS, [(*ids, now, now + LIFETIME, *whence, *credentials.row_of(viewer))])
    await audit.note(transaction, viewer.name, "signIn")
    return Started(cookie, secret, viewer)


async def _end_excess(transaction: Transaction, viewer: Viewer) -> None:
    """Make room for one more session of a credential: those that were used longest ago end."""
    condition, held_by = "token_id = $1", [viewer.credential]
    if viewer.key is not None:
        condition, held_by = "jwt_subject = $1 AND jwt_issuer = $2", [viewer.name, viewer.key.issuer]
    order = "ORDER BY coalesce(last_seen_at, created_at) DESC, created_at DESC"
    sql = f"SELECT id_sha256 FROM sessions WHERE {condition} {order} LIMIT {MAX_OF_ONE} OFFSET {MAX_OF_ONE - 1}"
    await transaction.execute_many(_END, await transaction.fetch(sql, *held_by))
