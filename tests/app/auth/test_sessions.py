"""Sessions and codes: when they end, what is stored of them, and what moves their end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app import clock
from app.auth import Role, SignIn, Viewer, codes
from app.auth.codes import new_code, new_code_for
from app.auth.credentials import hashed
from app.auth.roles import SigningKey
from app.auth.sessions import LIFETIME, REFUSED, SLIDE, Sessions
from app.auth.tokens import Token, create_token, revoke_token
from app.db import Database
from app.errors import BadInput, Forbidden, NotFound, Unauthenticated, Unavailable
from app.settings import Settings
from tests.app.auth.issuer import AUDIENCE, ISSUER, jwt_settings, key_server, public_jwk, rsa_key, sign
from tests.clocks import Clock

SECRET = "a shared secret of at least thirty-two bytes"


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Clock[int]:
    made = Clock(clock.now_us())
    monkeypatch.setattr(clock, "now_us", made)
    return made


@pytest.fixture
def sessions(database: Database) -> Sessions:
    return Sessions(database)


async def token_of(database: Database, role: Role = Role.ADMIN, **more: Any) -> tuple[Token, Viewer]:
    _, token = await create_token(database, "ada", role, **more)
    return token, Viewer(token.name, token.role, expires_at=token.expires_at, credential=token.id)


async def is_over(sessions: Sessions, cookie: str, secret: str | None = None) -> bool:
    """Both ways to ask agree."""
    try:
        viewer = await sessions.viewer_of(cookie, secret)
    except Unauthenticated as error:
        return error.message == REFUSED
    assert viewer.session is not None
    assert await sessions.living([viewer.session, "nothing"]) == {viewer.session}
    return False


async def test_only_hashes_are_stored(database: Database, sessions: Sessions) -> None:
    token, viewer = await token_of(database)
    started = await sessions.start(viewer, bound=True)
    code = await new_code(database, token)
    assert started.secret is not None
    assert min(len(started.cookie), len(started.secret), len(code)) >= 43  # 256 bits
    for table in ("sessions", "sign_in_codes"):
        [row] = await database.fetch(f"SELECT * FROM {table}")
        stored = " ".join(str(value) for value in row)
        assert not any(secret in stored for secret in (started.cookie, started.secret, code))


async def test_a_session_is_its_tokens_viewer(database: Database, sessions: Sessions, at: Clock[int]) -> None:
    token, viewer = await token_of(database, expires_in=timedelta(hours=1))
    started = await sessions.start(viewer, bound=False)
    assert started.secret is None
    found = await sessions.viewer_of(started.cookie, None)
    assert (found.name, found.role, found.credential) == ("ada", Role.ADMIN, token.id)
    assert found.expires_at == token.expires_at
    assert await sessions.viewer_of(started.cookie, "a secret that nobody asked for") == found


@pytest.mark.parametrize("secret", [None, "", "x", "\ud800", "ä"])
async def test_a_bound_session_needs_its_secret(database: Database, sessions: Sessions, secret: str | None) -> None:
    _, viewer = await token_of(database)
    started = await sessions.start(viewer, bound=True)
    assert not await is_over(sessions, started.cookie, started.secret)
    assert await is_over(sessions, started.cookie, secret)
    assert await is_over(sessions, secret or "", started.secret)


async def test_a_session_ends_by_itself(database: Database, sessions: Sessions, at: Clock[int]) -> None:
    _, viewer = await token_of(database)
    started = await sessions.start(viewer, bound=False)
    at.now += LIFETIME - 1
    assert not await is_over(sessions, started.cookie)
    at.now += 1
    assert await is_over(sessions, started.cookie)
    with pytest.raises(Unauthenticated):
        await sessions.renew(started.cookie, None)
    await sessions.start(viewer, bound=False)
    assert len(await database.fetch("SELECT 1 FROM sessions")) == 1, "the next sign-in clears away what is over"


async def test_a_session_ends_with_its_token(database: Database, sessions: Sessions, at: Clock[int]) -> None:
    token, viewer = await token_of(database, expires_in=timedelta(hours=1))
    started = await sessions.start(viewer, bound=False)
    assert token.expires_at is not None
    at.now = token.expires_at - 1
    assert not await is_over(sessions, started.cookie)
    at.now += 1
    assert await is_over(sessions, started.cookie)
    token, viewer = await token_of(database)
    started = await sessions.start(viewer, bound=False)
    await revoke_token(database, token.id)
    assert await is_over(sessions, started.cookie)


@pytest.mark.parametrize(("role", "moves"), [(Role.VIEWER, True), (Role.ADMIN, False)])
@pytest.mark.parametrize("way", ["request", "socket"])
async def test_the_session_of_a_wall_display_moves_on(
    database: Database, sessions: Sessions, at: Clock[int], role: Role, moves: bool, way: str
) -> None:
    """By its requests, and by an open socket alone."""
    _, viewer = await token_of(database, role)
    started = await sessions.start(viewer, bound=False)
    session = (await sessions.viewer_of(started.cookie, None)).session
    assert session is not None
    [[end]] = await database.fetch("SELECT expires_at FROM sessions")
    for _ in range(3):
        at.now += SLIDE + 1
        if way == "request":
            await sessions.viewer_of(started.cookie, None)
        else:
            assert await sessions.living([session]) == {session}
    [[moved]] = await database.fetch("SELECT expires_at FROM sessions")
    assert moved == (at.now + LIFETIME if moves else end)
    await sessions.renew(started.cookie, None)
    [[renewed]] = await database.fetch("SELECT expires_at FROM sessions")
    assert renewed == at.now + LIFETIME


async def test_a_session_does_not_move_more_often_than_it_must(
    database: Database, sessions: Sessions, at: Clock[int]
) -> None:
    _, viewer = await token_of(database, Role.VIEWER)
    started = await sessions.start(viewer, bound=False)
    before = await database.fetch("SELECT expires_at FROM sessions")
    at.now += SLIDE
    await sessions.viewer_of(started.cookie, None)
    assert [*map(tuple, await database.fetch("SELECT expires_at FROM sessions"))] == [*map(tuple, before)]


async def test_one_more_session_ends_the_one_that_was_used_longest_ago(
    database: Database, sessions: Sessions, at: Clock[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.auth.sessions.MAX_OF_ONE", 2)
    (_, one), (_, another) = await token_of(database), await token_of(database)
    issued = [
        Viewer("ada", Role.ADMIN, credential="subject ada", key=SigningKey(issuer, "RS256", None, "0" * 64))
        for issuer in (ISSUER, "https://another.example")
    ]
    viewers = [one, another, *issued]
    began = [[(await sessions.start(viewer, bound=False)).cookie for _ in range(2)] for viewer in viewers]
    for number in (0, 2):
        at.now += clock.MINUTE
        began[number].append((await sessions.start(viewers[number], bound=False)).cookie)
    rows = await database.fetch("SELECT id_sha256 FROM sessions")
    there = {row[0] for row in rows}
    left = [sum(hashed(cookie) in there for cookie in cookies) for cookies in began]
    assert left == [2, 2, 2, 2]
    assert all(hashed(began[number][2]) in there for number in (0, 2))


async def test_a_sign_in_replaces_the_session_that_it_is_given(database: Database, sessions: Sessions) -> None:
    token, viewer = await token_of(database)
    first, other = await sessions.start(viewer, bound=False), await sessions.start(viewer, bound=False)
    second = await sessions.start(viewer, bound=False, replaces=first.cookie)
    assert await is_over(sessions, first.cookie)
    third = await sessions.start_by_code(await new_code(database, token), bound=False, replaces=second.cookie)
    assert await is_over(sessions, second.cookie)
    assert not await is_over(sessions, third.cookie)
    assert not await is_over(sessions, other.cookie)
    await sessions.end(third.cookie)
    for each in (third.cookie, "nobody's"):
        with pytest.raises(Unauthenticated):
            await sessions.end(each)
    assert await is_over(sessions, third.cookie)
    assert not await is_over(sessions, other.cookie)
    actions = [row[0] for row in await database.fetch("SELECT action FROM audit_entries ORDER BY id")]
    assert actions.count("signOut") == 1, "of a session that there was"
    assert actions.count("signIn") == 4


async def test_a_code_is_for_ten_minutes_and_one_use(database: Database, sessions: Sessions, at: Clock[int]) -> None:
    token, _ = await token_of(database)
    early, late = await new_code(database, token), await new_code(database, token)
    at.now += codes.LIFETIME - 1
    assert (await sessions.start_by_code(early, bound=True)).viewer.credential == token.id
    at.now += 1
    for code in (early, late, "", "x", "\ud800"):
        with pytest.raises(Unauthenticated, match=REFUSED):
            await sessions.start_by_code(code, bound=True)
    await new_code(database, token)
    assert len(await database.fetch("SELECT 1 FROM sign_in_codes")) == 1, "the next code clears away what is over"


async def test_of_two_that_bring_a_code_at_once_one_gets_in(database: Database, sessions: Sessions) -> None:
    token, _ = await token_of(database)
    code = await new_code(database, token)
    attempts = [sessions.start_by_code(code, bound=False) for _ in range(8)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(each, Unauthenticated) for each in outcomes) == 7
    assert len(await database.fetch("SELECT 1 FROM sessions")) == 1


async def test_a_code_ends_with_its_token(database: Database, sessions: Sessions, at: Clock[int]) -> None:
    token, _ = await token_of(database)
    code = await new_code_for(database, "ada")
    await revoke_token(database, token.id)
    short, _ = await token_of(database, expires_in=timedelta(minutes=1))
    other = await new_code_for(database, short.prefix)
    at.now += clock.MINUTE
    for each in (code, other):
        with pytest.raises(Unauthenticated, match=REFUSED):
            await sessions.start_by_code(each, bound=False)
    for which in (token.id, short.id):
        with pytest.raises(BadInput, match="expired, or was revoked"):
            await new_code_for(database, which)
    with pytest.raises(NotFound):
        await new_code_for(database, "nobody")


async def test_engines_get_neither_session_nor_code(database: Database, sessions: Sessions) -> None:
    token, viewer = await token_of(database, Role.RUNNER, engine="celery")
    with pytest.raises(Forbidden, match="for an engine"):
        await sessions.start(viewer, bound=False)
    with pytest.raises(BadInput, match="for an engine"):
        await new_code(database, token)
    assert await database.fetch("SELECT 1 FROM sessions") == []


# Sign-in by an issuer.


def signed_in_by(database: Database, **settings: Any) -> SignIn:
    return SignIn(database, jwt_settings(**settings))


async def test_an_issuers_session_ends_with_the_key(database: Database) -> None:
    sign_in = signed_in_by(database, jwt_algorithms="HS256", jwt_key=SECRET)
    viewer = await sign_in.viewer_of(f"Bearer {sign(SECRET, 'HS256', kid='a' + chr(0))}")
    started = await sign_in.sessions.start(viewer, bound=False)
    found = await sign_in.sessions.viewer_of(started.cookie, None)
    assert (found.name, found.role, found.expires_at) == (viewer.name, viewer.role, viewer.expires_at)
    assert not await is_over(sign_in.sessions, started.cookie)
    assert await sign_in.ended([viewer, found]) == []
    for settings in (
        {"jwt_algorithms": "HS256", "jwt_key": SECRET.upper()},
        {"jwt_algorithms": "HS512", "jwt_key": SECRET * 2},
        {"jwt_algorithms": "HS256", "jwt_key": SECRET, "jwt_issuer": "https://another.example"},
        {},
    ):
        given: dict[str, Any] = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, **settings}
        another = SignIn(database, Settings(_env_file=None, **given))
        assert await is_over(another.sessions, started.cookie), settings
        assert await another.ended([viewer, found]) == [viewer, found]
        await another.close()
    await sign_in.close()


async def test_an_issuers_withdrawn_key_ends_what_it_signed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if another key has its id, and without waiting for an issuer that is slow."""
    seconds = 1000.0
    monkeypatch.setattr("app.auth.jwks._clock", lambda: seconds)
    async with key_server() as server:
        server.keys = [public_jwk(rsa_key(), kid="1")]
        sign_in = signed_in_by(database, jwt_algorithms="RS256", jwt_jwks_url=server.url)
        viewer = await sign_in.viewer_of(f"Bearer {sign(rsa_key(), 'RS256', kid='1')}")
        started = await sign_in.sessions.start(viewer, bound=False)
        found = await sign_in.sessions.viewer_of(started.cookie, None)
        server.keys = [public_jwk(rsa_key(1), kid="1")]
        assert await sign_in.ended([viewer, found]) == [], "the keys are fresh"
        seconds += 301
        server.delay = 0.2
        async with asyncio.timeout(0.15):
            assert await sign_in.ended([viewer, found]) == [], "the fetch has begun"
        await asyncio.sleep(0.5)
        assert await sign_in.ended([viewer, found]) == [viewer, found]
        assert await is_over(sign_in.sessions, started.cookie)
        await sign_in.close()


async def test_an_issuer_that_is_away_ends_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in this process, which has its keys; nor in another one, which cannot check the session and says so."""
    seconds = 1000.0
    monkeypatch.setattr("app.auth.jwks._clock", lambda: seconds)
    async with key_server() as server:
        server.keys = [public_jwk(rsa_key(), kid="1")]
        sign_in = signed_in_by(database, jwt_algorithms="RS256", jwt_jwks_url=server.url)
        viewer = await sign_in.viewer_of(f"Bearer {sign(rsa_key(), 'RS256', kid='1')}")
        started = await sign_in.sessions.start(viewer, bound=False)
        server.status = "503 Busy"
        seconds += 301
        assert not await is_over(sign_in.sessions, started.cookie)
        assert await sign_in.ended([viewer]) == []
        other = signed_in_by(database, jwt_algorithms="RS256", jwt_jwks_url=server.url)
        with pytest.raises(Unavailable):
            await other.sessions.viewer_of(started.cookie, None)
        assert not await is_over(sign_in.sessions, started.cookie)
        await sign_in.close()
        await other.close()


async def test_who_has_ended_takes_two_reads(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are asked for."""
    sign_in = SignIn(database, jwt_settings())
    going, gone = await token_of(database), await token_of(database)
    viewers = [going[1], gone[1]] * 50
    sessions = []
    for viewer in (going[1], gone[1]) * 10:
        started = await sign_in.sessions.start(viewer, bound=False)
        sessions.append(await sign_in.sessions.viewer_of(started.cookie, None))
    await revoke_token(database, gone[0].id)
    reads = []
    fetch = database.fetch_by_key

    async def counted(sql: str, *params: Any) -> Any:
        reads.append(sql)
        return await fetch(sql, *params)

    monkeypatch.setattr(database, "fetch_by_key", counted)
    ended = await sign_in.ended([*viewers, *sessions])
    assert len(reads) == 2
    assert len(ended) == 60
    assert {viewer.credential for viewer in ended} == {gone[0].id}
    assert await sign_in.ended([]) == []
    await sign_in.close()
