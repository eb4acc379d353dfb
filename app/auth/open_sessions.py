"""Who is signed in with a browser: everybody sees and ends their own sessions, administrators those of all.

To end a session is to delete its row, which each request and each sweep of open sockets reads, in every process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app import audit, clock, ids
from app.auth.roles import SigningKey, Viewer
from app.auth.sessions import SELECT, Session, Sessions
from app.db import Database, Transaction
from app.errors import BadInput, Forbidden, NotFound, Unavailable
from app.paging.search import check_text

# A list that one page shows. Sessions end after 12 hours, but for displays on walls.
MAX_SESSIONS = 1_000

Where = tuple[str, Sequence[Any]]  # a condition of SELECT, with its parameters from $1 on


@dataclass(frozen=True, slots=True)
class Ending:
    """Which sessions to end: one, all of a name, or all of one's own but the one that asks. BadInput for no text."""

    id: str | None = None
    name: str | None = None
    others: bool | None = None

    def __post_init__(self) -> None:
        if self.name is not None:
            check_text("name", self.name)
        if self.others is False:
            raise BadInput("others: must be true; leave it out to end other sessions")


async def list_open(database: Database, sessions: Sessions, own: Viewer | None) -> list[Session]:
    """The open sessions, those seen last first; of `own` alone, if it is given."""
    now = clock.now_us()
    condition, params = ("TRUE", ()) if own is None else _held_by(own)
    order = "ORDER BY coalesce(s.last_seen_at, s.created_at) DESC, s.id_sha256"
    within = f"AND s.expires_at > ${len(params) + 1}"
    rows = await database.fetch(f"{SELECT} WHERE {condition} {within} {order} LIMIT {MAX_SESSIONS}", *params, now)
    found = [session for row in rows if (session := Session.of(row, now)) is not None]
    keys = {session.viewer.key for session in found}
    accepted = {key for key in keys if key is None or await _goes_on(sessions, key)}
    return [session for session in found if session.viewer.key in accepted]


async def end(database: Database, actor: Viewer, ending: Ending, *, of_others: bool) -> int:
    """End sessions at once, in every process, audited; how many there were.

    NotFound for a session that there is not, or not any more; without `of_others` also for somebody else's, and
    Forbidden for a name.
    """
    if ending.name is not None and not of_others:
        raise Forbidden("name: only administrators end the sessions of others; `others` ends yours")

    async def work(transaction: Transaction) -> int:
        condition, params = _wanted(actor, ending)
        now = clock.now_us()
        rows = await transaction.fetch(f"{SELECT} WHERE {condition}", *params)
        found = [session for row in rows if (session := Session.of(row, now)) is not None]
        if ending.id is not None and not any(of_others or _is_holder(actor, each.viewer) for each in found):
            raise NotFound("id: no such session; it may have ended")
        ended = [each for each in found if ending.others is None or each.id_sha256 != actor.session]
        await transaction.execute_many(
            "DELETE FROM sessions WHERE id_sha256 = $1", [(each.id_sha256,) for each in ended]
        )
        if ended:
            subject = None if ending.id is None else ids.to_global("session", ending.id)
            detail = {"name": ended[0].viewer.name, "sessions": len(ended)}
            await audit.note(transaction, actor.name, "endSessions", subject, detail)
        return len(ended)

    return await database.transaction(work)


def _wanted(actor: Viewer, ending: Ending) -> Where:
    if ending.id is not None:
        return "s.id_sha256 = $1", (ending.id,)
    if ending.name is not None:
        return "(t.name = $1 OR s.jwt_subject = $1)", (ending.name,)
    return _held_by(actor)


def _held_by(viewer: Viewer) -> Where:
    """The sessions of a credential: names need not differ."""
    if viewer.key is None:
        return "s.token_id = $1", (viewer.credential,)
    return "s.jwt_subject = $1 AND s.jwt_issuer = $2", (viewer.name, viewer.key.issuer)


def _is_holder(one: Viewer, other: Viewer) -> bool:
    return (one.credential, one.key and one.key.issuer) == (other.credential, other.key and other.key.issuer)


async def _goes_on(sessions: Sessions, key: SigningKey) -> bool:
    """Also while nobody can say: then the session waits."""
    try:
        return await sessions.accepts(key)
    except Unavailable:
        return True
