import asyncio
import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest

from app import clock
from app.auth import Role
from app.auth.last_use import TOKENS, LastUse
from app.auth.tokens import check_token, create_token, list_tokens, revoke_token
from app.clock import MINUTE, SECOND
from app.db import Database
from app.engines import list_engines
from app.errors import BadInput, Conflict, NotFound, Unauthenticated
from app.secrets.redaction import SealedKeys
from app.secrets.sealing import Sealer, new_key
from tests.sealing import KEY

NOTHING = SealedKeys([])


async def last_used(database: Database) -> int | None:
    [token] = await list_tokens(database)
    return token.last_used_at


async def until(database: Database, at: int) -> None:
    """Wait until the token's last use is `at`."""
    for _ in range(1000):
        if await last_used(database) == at:
            return
        await asyncio.sleep(0.005)
    raise TimeoutError


async def test_the_secret_is_shown_once_and_only_its_hash_is_kept(database: Database) -> None:
    secret, token = await create_token(database, "ada", Role.ADMIN)
    assert re.fullmatch(r"rw_[0-9A-Za-z]{8}_[0-9A-Za-z]{32}", secret)  # 32 of 62 characters: 190 bits
    assert token.prefix == secret[:11]
    [row] = await database.fetch("SELECT * FROM tokens")
    stored = [str(value) for value in row]
    assert hashlib.sha256(secret.encode()).hexdigest() in stored
    assert not any(secret[12:] in value for value in stored)
    assert await check_token(database, secret) == token
    assert await list_tokens(database) == [token]


async def test_asking_again_gives_the_same_after_a_change_of_the_secret_key(database: Database) -> None:
    old, new = Sealer([KEY], NOTHING), Sealer([new_key(), KEY], NOTHING)
    secret, token = await create_token(database, "ci", Role.VIEWER, seeds=old.derived("token", "ada", "1"))
    assert await create_token(database, "ci", Role.VIEWER, seeds=new.derived("token", "ada", "1")) == (secret, token)
    others = [new.derived(*given)[1] for given in (("token", "ada", "2"), ("token", "eve", "1"), ("x", "ada", "1"))]
    made = {(await create_token(database, "ci", Role.VIEWER, seeds=[seed]))[0] for seed in others}
    assert len(made | {secret}) == 4
    with pytest.raises(Conflict, match="idempotencyKey"):
        await create_token(database, "ci", Role.ADMIN, seeds=old.derived("token", "ada", "1"))
    assert len(await list_tokens(database)) == 4


async def test_key_of_a_dead_token_gives_no_secret(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(key: bytes) -> str:
        return (await create_token(database, "ci", Role.VIEWER, None, timedelta(days=1), seeds=[key * 64]))[0]

    revoked, secret = await ask(b"1"), await ask(b"2")
    await revoke_token(database, revoked)
    with pytest.raises(Conflict, match="idempotencyKey: the token that it made was revoked; choose another key"):
        await ask(b"1")
    assert await ask(b"2") == secret
    now = clock.now_us()
    monkeypatch.setattr(clock, "now_us", lambda: now + clock.DAY)
    with pytest.raises(Conflict, match="idempotencyKey: the token that it made has expired; choose another key"):
        await ask(b"2")
    assert len(await list_tokens(database)) == 2


async def test_a_runner_is_bound_to_its_engine(database: Database) -> None:
    secret, token = await create_token(database, "worker", Role.RUNNER, "celery")
    assert token.engine == "celery"
    assert (await check_token(database, secret)).engine == "celery"
    await create_token(database, "worker 2", Role.RUNNER, "celery")
    assert [engine.name for engine in await list_engines(database)] == ["celery"]


@pytest.mark.parametrize(
    ("name", "role", "engine", "expires_in"),
    [
        ("a", Role.RUNNER, None, None),
        ("a", Role.ADMIN, "celery", None),
        ("a", Role.VIEWER, "celery", None),
        ("", Role.ADMIN, None, None),
        ("a\n", Role.ADMIN, None, None),
        ("\u2060", Role.ADMIN, None, None),
        ("a", Role.RUNNER, "\u2060", None),
        ("a", Role.RUNNER, "x" * 101, None),
        ("a", Role.ADMIN, None, timedelta(0)),
        ("a", Role.ADMIN, None, timedelta(seconds=-1)),
        ("a", Role.ADMIN, None, timedelta.max),
    ],
)
async def test_invalid_tokens_are_not_created(
    database: Database, name: str, role: Role, engine: str | None, expires_in: timedelta | None
) -> None:
    with pytest.raises(BadInput):
        await create_token(database, name, role, engine, expires_in)
    assert await list_tokens(database) == []
    assert await list_engines(database) == []


@pytest.mark.parametrize("form", ["rw_12345678_" + "a" * 32, "rw_", "rw_ä", "", "x", "rw_12345678_" + "a" * 32 + "\n"])
async def test_unknown(database: Database, form: str) -> None:
    with pytest.raises(Unauthenticated, match=r"^Unknown token$"):
        await check_token(database, form)


async def test_every_character_counts(database: Database) -> None:
    secret, _ = await create_token(database, "ada", Role.ADMIN)
    for place in range(len(secret)):
        other = "x" if secret[place] != "x" else "y"
        with pytest.raises(Unauthenticated, match=r"^Unknown token$"):
            await check_token(database, secret[:place] + other + secret[place + 1 :])
    with pytest.raises(Unauthenticated, match=r"^Unknown token$"):
        await check_token(database, secret.swapcase())


async def test_expires_at_its_microsecond(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, token = await create_token(database, "ada", Role.ADMIN, expires_in=timedelta(seconds=5))
    assert token.expires_at == token.created_at + 5 * SECOND
    monkeypatch.setattr(clock, "now_us", lambda: token.created_at + 5 * SECOND - 1)
    assert await check_token(database, secret) == token
    monkeypatch.setattr(clock, "now_us", lambda: token.created_at + 5 * SECOND)
    with pytest.raises(Unauthenticated, match=r"^The token has expired$"):
        await check_token(database, secret)


@pytest.mark.parametrize("way", ["id", "prefix", "name", "secret"])
async def test_revoked_at_once(database: Database, way: str) -> None:
    secret, token = await create_token(database, "ada", Role.ADMIN)
    await create_token(database, "eve", Role.ADMIN)
    given = {"id": token.id, "prefix": token.prefix, "name": "ada", "secret": secret}[way]
    revoked = await revoke_token(database, given)
    assert revoked.revoked_at is not None
    with pytest.raises(Unauthenticated, match=r"^The token was revoked$"):
        await check_token(database, secret)
    assert await revoke_token(database, given) == revoked  # the first time stands
    assert [other.name for other in await list_tokens(database) if other.revoked_at is None] == ["eve"]


async def test_revoke_finds_the_token(database: Database) -> None:
    _, first = await create_token(database, "ci", Role.VIEWER)
    _, second = await create_token(database, "ci", Role.VIEWER)
    with pytest.raises(BadInput, match=f"{second.prefix}, {first.prefix}"):
        await revoke_token(database, "ci")
    await revoke_token(database, first.prefix)
    assert (await revoke_token(database, "ci")).id == second.id  # the only one left of that name
    for unknown in ("nobody", "0" * 32, "rw_00000000", "", "a\0b"):
        with pytest.raises(NotFound):
            await revoke_token(database, unknown)


async def test_an_id_always_says_which(database: Database) -> None:
    _, token = await create_token(database, "ada", Role.ADMIN)
    await create_token(database, token.id, Role.VIEWER)
    _, named = await create_token(database, token.prefix, Role.VIEWER)
    with pytest.raises(BadInput, match=token.id):
        await revoke_token(database, token.prefix)
    assert (await revoke_token(database, token.id)).name == "ada"
    assert (await revoke_token(database, token.prefix)).id == named.id


async def test_use_is_written_once_a_minute(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, token = await create_token(database, "ada", Role.ADMIN)
    here, elsewhere = LastUse(database, TOKENS), LastUse(database, TOKENS)  # as in two processes
    writes = 0
    transaction = database.transaction

    async def count(work: Any) -> Any:
        nonlocal writes
        writes += 1
        return await transaction(work)

    monkeypatch.setattr(database, "transaction", count)
    start = clock.now_us()
    for offset in (0, 1, SECOND, MINUTE - 1):
        here.note(token.id, token.last_used_at, start + offset)
    await until(database, start)
    assert writes == 1
    now_read = await check_token(database, secret)
    elsewhere.note(now_read.id, now_read.last_used_at, start + MINUTE - 1)
    here.note(now_read.id, now_read.last_used_at, start + MINUTE)
    await until(database, start + MINUTE)
    elsewhere.note(
        now_read.id, now_read.last_used_at, start + MINUTE + 1
    )  # it read the old time; the row's condition holds it back
    await asyncio.sleep(0.1)
    assert await last_used(database) == start + MINUTE
    assert writes == 3
    await here.close()
    await elsewhere.close()


async def test_use_is_written_after_the_clock_was_put_back(database: Database) -> None:
    _, token = await create_token(database, "ada", Role.ADMIN)
    use, now = LastUse(database, TOKENS), clock.now_us()
    for at in (now + clock.HOUR, now):
        use.note(token.id, token.last_used_at, at)
    await until(database, now)
    await use.close()


async def test_use_that_cannot_be_written_is_not_tried_at_every_request(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = await create_token(database, "ada", Role.ADMIN)
    tries = 0

    async def fail(work: Any) -> None:
        nonlocal tries
        tries += 1
        raise OSError("no")

    use = LastUse(database, TOKENS)
    with monkeypatch.context() as patch:
        patch.setattr(database, "transaction", fail)
        for offset in range(5):
            use.note(token.id, token.last_used_at, 1 + offset)
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
    assert tries == 1
    use.note(token.id, token.last_used_at, 1 + MINUTE)
    await until(database, 1 + MINUTE)
    await use.close()


async def test_closing_does_not_wait_for_a_write(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = await create_token(database, "ada", Role.ADMIN)
    monkeypatch.setattr(database, "transaction", lambda work: asyncio.sleep(60))
    use = LastUse(database, TOKENS)
    use.note(token.id, token.last_used_at, 1)
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        await use.close()
    await LastUse(database, TOKENS).close()


async def test_memory_of_uses_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = await create_token(database, "ada", Role.ADMIN)
    monkeypatch.setattr("app.auth.last_use.MAX_REMEMBERED", 1)
    _, other = await create_token(database, "eve", Role.ADMIN)
    use = LastUse(database, TOKENS)
    use.note(token.id, token.last_used_at, 1)
    use.note(other.id, other.last_used_at, 1 + MINUTE)
    assert list(use._noted) == [other.id]
    await use.close()
