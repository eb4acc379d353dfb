"""Which sessions are open, whose they are, and which of them end together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app import clock
from app.auth import Role, Viewer
from app.auth.open_sessions import Ending, end, list_open
from app.auth.roles import SigningKey
from app.auth.sessions import LIFETIME, Browser, Sessions, SignInMethod
from app.auth.tokens import create_token, revoke_token
from app.clock import MINUTE
from app.db import Database
from app.errors import BadInput, Forbidden, NotFound, Unavailable
from tests.clocks import Clock

FIREFOX = Browser("192.0.2.7", "Mozilla/5.0 Firefox/140.0")


class Issuer:
    """One that accepts its keys, or nobody knows whether it does."""

    is_away = False

    def __init__(self, name: str) -> None:
        self._name = name

    async def accepts(self, key: SigningKey) -> bool:
        if self.is_away:
            raise Unavailable("away")
        return self.still_accepts(key)

    def still_accepts(self, key: SigningKey) -> bool:
        return key.issuer == self._name


@pytest.fixture
def issuer() -> Issuer:
    return Issuer("https://id.example")


@pytest.fixture
async def sessions(database: Database, issuer: Issuer) -> AsyncIterator[Sessions]:
    made = Sessions(database, [issuer])
    yield made
    await made.close()


async def holder(database: Database, name: str, role: Role = Role.VIEWER) -> Viewer:
    _, token = await create_token(database, name, role)
    return Viewer(name, role, credential=token.id, prefix=token.prefix)


def person(name: str, issuer: str = "https://id.example") -> Viewer:
    key = SigningKey(issuer, "ES256", "one", "0" * 64)
    return Viewer(name, Role.VIEWER, expires_at=clock.now_us() + LIFETIME, credential=f"subject {name}", key=key)


async def start(sessions: Sessions, viewer: Viewer, **more: Any) -> Viewer:
    """The viewer of a new session of somebody."""
    started = await sessions.start(viewer, bound=False, **more)
    return await sessions.viewer_of(started.cookie, None)


async def open_ids(database: Database, sessions: Sessions, own: Viewer | None = None) -> set[str]:
    return {each.id_sha256 for each in await list_open(database, sessions, own)}


async def test_a_session_says_whence_it_is(database: Database, sessions: Sessions) -> None:
    ada = await holder(database, "ada", Role.ADMIN)
    present = await start(sessions, ada, browser=FIREFOX)
    [found] = await list_open(database, sessions, None)
    assert (found.viewer.name, found.viewer.role, found.viewer.prefix) == ("ada", Role.ADMIN, ada.prefix)
    assert (found.method, found.browser, found.id_sha256) == (SignInMethod.TOKEN, FIREFOX, present.session)
    assert found.started_at == found.last_seen_at == found.ends_at - LIFETIME


@pytest.mark.parametrize("said", ["x" * 400, "a\0b", "\ud800", ""])
async def test_odd_user_agents_hinder_nobody(database: Database, sessions: Sessions, said: str) -> None:
    await start(sessions, await holder(database, "ada"), browser=Browser("", said))
    [found] = await list_open(database, sessions, None)
    assert found.browser == Browser("", "x" * 300 if said.startswith("x") else "")


async def test_use_is_seen_by_the_minute(
    database: Database, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = Clock(clock.now_us())
    monkeypatch.setattr(clock, "now_us", at)
    present = await start(sessions, await holder(database, "ada"))
    assert present.session is not None
    began = at.now
    at.now += MINUTE - 1
    await sessions.living([present.session])
    at.now += 1
    await sessions.living([present.session])
    for _ in range(500):
        [found] = await list_open(database, sessions, None)
        if found.last_seen_at != began:
            break
        await asyncio.sleep(0.01)  # it is written beside
    assert found.last_seen_at == began + MINUTE


async def test_older_sessions_are_listed_too(database: Database, sessions: Sessions) -> None:
    await start(sessions, await holder(database, "ada"), browser=FIREFOX)
    unknown = "method = NULL, address = NULL, user_agent = NULL, last_seen_at = NULL"
    await database.transaction(lambda transaction: transaction.fetch(f"UPDATE sessions SET {unknown} RETURNING 1"))
    [found] = await list_open(database, sessions, None)
    assert (found.method, found.browser, found.last_seen_at) == (None, Browser(), None)


async def test_what_is_over_is_not_listed(database: Database, sessions: Sessions, issuer: Issuer) -> None:
    revoked, going = await holder(database, "revoked"), await holder(database, "going")
    kept = await start(sessions, going)
    await start(sessions, revoked)
    await revoke_token(database, revoked.credential)
    provided = person("bob")
    of_bob = await start(sessions, provided)
    assert await open_ids(database, sessions) == {kept.session, of_bob.session}
    issuer.is_away = True
    assert await open_ids(database, sessions) == {kept.session, of_bob.session}, "nobody can say that it is over"
    assert await open_ids(database, Sessions(database)) == {kept.session}, "without the provider"


async def test_own_sessions_are_those_of_the_credential(database: Database, sessions: Sessions) -> None:
    """Not of the name: two tokens may have one, and so may somebody of an issuer."""
    one, other = await holder(database, "ops"), await holder(database, "ops", Role.ADMIN)
    mine, theirs = await start(sessions, one), await start(sessions, other)
    provided = await start(sessions, person("ops"))
    assert await open_ids(database, sessions, mine) == {mine.session}
    assert await open_ids(database, sessions, provided) == {provided.session}
    assert await open_ids(database, sessions, person("ops", "https://another.example")) == set()
    for each in (theirs, provided):
        with pytest.raises(NotFound):
            await end(database, mine, Ending(id=each.session), of_others=False)
    with pytest.raises(Forbidden, match="name"):
        await end(database, mine, Ending(name="ops"), of_others=False)
    assert await end(database, mine, Ending(others=True), of_others=False) == 0
    assert len(await open_ids(database, sessions)) == 3


async def test_sessions_end_together(database: Database, sessions: Sessions) -> None:
    ada = await holder(database, "ada", Role.ADMIN)
    admin = await start(sessions, ada)
    [away, bob, *_] = [await start(sessions, ada), await start(sessions, await holder(database, "bob"))]
    for _ in range(2):
        await start(sessions, person("bob"))
    assert await end(database, admin, Ending(others=True), of_others=True) == 1
    with pytest.raises(NotFound, match="may have ended"):
        await end(database, admin, Ending(id=away.session), of_others=True)
    assert await end(database, admin, Ending(name="bob"), of_others=True) == 3
    assert await end(database, admin, Ending(name="bob"), of_others=True) == 0, "a double click"
    assert await open_ids(database, sessions) == {admin.session}
    assert bob.session is not None
    assert await sessions.living([bob.session]) == set()
    assert await end(database, admin, Ending(id=admin.session), of_others=False) == 1
    entries = await database.fetch("SELECT actor, action, subject, detail FROM audit_entries WHERE action <> 'signIn'")
    assert [tuple(each)[:2] for each in entries] == [("ada", "endSessions")] * 3
    assert sorted((each[2] or "", each[3]) for each in entries) == [
        ("", '{"name":"ada","sessions":1}'),
        ("", '{"name":"bob","sessions":3}'),
        (f"session_{admin.session}", '{"name":"ada","sessions":1}'),
    ]


@pytest.mark.parametrize("given", [{"others": False}, {"name": "a\0"}, {"name": "\ud800"}])
def test_endings_that_end_nothing(given: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(given))):
        Ending(**given)
