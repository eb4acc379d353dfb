import asyncio
import stat
from pathlib import Path

import pytest

from app.auth import Role
from app.auth.tokens import check_token, create_token, list_tokens, revoke_token
from app.db import Database
from app.errors import Unauthenticated
from app.server.dev_token import development_token, engine_token


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_made_kept_and_used_again(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    secret = await development_token(database, folder)
    assert (await check_token(database, secret)).role is Role.ADMIN
    assert (folder / "dev-token").read_text() == f"{secret}\n"
    assert mode(folder / "dev-token") == 0o600
    assert mode(folder) == 0o700
    assert await development_token(database, folder) == secret
    assert len(await list_tokens(database)) == 1
    assert [path.name for path in folder.iterdir()] == ["dev-token"]


async def test_several_at_once_get_the_same(database: Database, tmp_path: Path) -> None:
    assert len(set(await asyncio.gather(*(development_token(database, tmp_path) for _ in range(5))))) == 1


async def test_made_anew_when_it_holds_no_more(database: Database, tmp_path: Path) -> None:
    first = await development_token(database, tmp_path)
    await revoke_token(database, first)
    second = await development_token(database, tmp_path)
    assert second != first
    assert await development_token(database, tmp_path) == second


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"rw_12345678_" + b"a" * 32, b"x" * 10_000])
async def test_made_anew_when_the_file_is_odd(database: Database, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "dev-token"
    file.touch(0o600)
    file.write_bytes(content)
    await check_token(database, await development_token(database, tmp_path))


async def test_a_lesser_token_does_not_do(database: Database, tmp_path: Path) -> None:
    secret, _ = await create_token(database, "ci", Role.VIEWER)
    file = tmp_path / "dev-token"
    file.touch(0o600)
    file.write_text(secret)
    assert (await check_token(database, await development_token(database, tmp_path))).role is Role.ADMIN


async def test_token_that_others_could_read_is_revoked(database: Database, tmp_path: Path) -> None:
    secret = await development_token(database, tmp_path)
    (tmp_path / "dev-token").chmod(0o644)
    assert await development_token(database, tmp_path) != secret
    assert mode(tmp_path / "dev-token") == 0o600
    with pytest.raises(Unauthenticated, match="revoked"):
        await check_token(database, secret)


async def test_links_are_replaced_not_followed(database: Database, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (tmp_path / "dev-token").symlink_to(elsewhere)
    secret = await development_token(database, tmp_path)
    assert elsewhere.read_text() == "mine"
    assert not (tmp_path / "dev-token").is_symlink()
    assert (tmp_path / "dev-token").read_text() == f"{secret}\n"


async def test_an_engine_has_one_of_its_own(database: Database, tmp_path: Path) -> None:
    secret = await engine_token(database, tmp_path, "example")
    token = await check_token(database, secret)
    assert (token.role, token.engine) == (Role.RUNNER, "example")
    assert mode(tmp_path / "engine-token") == 0o600
    assert await engine_token(database, tmp_path, "example") == secret
    assert (await check_token(database, await engine_token(database, tmp_path, "other"))).engine == "other"
    assert await development_token(database, tmp_path) != secret
