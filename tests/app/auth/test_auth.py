import asyncio
from typing import Any

import pytest

from app.auth import Permission, Role, SignIn, Viewer
from app.auth.tokens import create_token, list_tokens, revoke_token
from app.db import Database
from app.errors import Forbidden, Unauthenticated
from tests.app.auth.issuer import jwt_settings, sign

SECRET = "a shared secret of at least thirty-two bytes"
TABLE = {
    Role.ADMIN: set(Permission),
    Role.VIEWER: {Permission.READ},
    Role.RUNNER: {Permission.REPORT},
}


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", Role)
def test_roles_have_their_permissions(role: Role, permission: Permission) -> None:
    viewer = Viewer("ada", role)
    assert viewer.may(permission) is (permission in TABLE[role])
    if permission in TABLE[role]:
        viewer.require(permission)
        return
    with pytest.raises(Forbidden, match=f"permission {permission}, which the role {role} lacks") as raised:
        viewer.require(permission)
    assert raised.value.extensions == {"code": "FORBIDDEN"}


def sign_in_to(database: Database) -> SignIn:
    return SignIn(database, jwt_settings())


async def test_tokens_of_each_role(database: Database) -> None:
    sign_in = sign_in_to(database)
    for role, engine in ((Role.ADMIN, None), (Role.VIEWER, None), (Role.RUNNER, "celery")):
        secret, token = await create_token(database, f"a {role}", role, engine)
        assert await sign_in.viewer_of(f"Bearer {secret}") == Viewer(f"a {role}", role, engine, token.expires_at)
    await sign_in.close()


@pytest.mark.parametrize(
    "form", ["Bearer {}", "bearer {}", "BEARER {}", "  Bearer   {}  ", "\tBearer\t{}", "bEaReR {}"]
)
async def test_forms_that_are_tolerated(database: Database, form: str) -> None:
    secret, _ = await create_token(database, "ada", Role.ADMIN)
    sign_in = sign_in_to(database)
    assert (await sign_in.viewer_of(form.format(secret))).name == "ada"
    await sign_in.close()


@pytest.mark.parametrize(
    "form",
    [
        "", " ", "Bearer", "Bearer ", "{}", "Bearer{}", "Basic {}", "Token {}", "Bearer {} x", "Bearer {}, Bearer {}",
        "Bearer {}\n", "Bearer\n{}", "Bearer {}\0", "Bearer \"{}\"", "Bearer {}ä", "Bearer\u00a0{}", "Béarer {}",
        "Bearer {}\ud800", "Bearer =",
    ],
)  # fmt: skip
async def test_forms_that_are_not(database: Database, form: str) -> None:
    secret, _ = await create_token(database, "ada", Role.ADMIN)
    with pytest.raises(Unauthenticated, match="header: malformed") as raised:
        await sign_in_to(database).viewer_of(form.format(secret, secret))
    assert secret not in raised.value.message


async def test_unknown(database: Database) -> None:
    sign_in = sign_in_to(database)
    with pytest.raises(Unauthenticated, match="Bearer <token>"):
        await sign_in.viewer_of(None)
    with pytest.raises(Unauthenticated, match="8192"):
        await sign_in.viewer_of("Bearer " + "a" * 8192)
    for token in ("x", "rw_x", "rw_12345678_" + "a" * 32, "RW_12345678_" + "a" * 32, "rw_" + "a" * 8000, "a.b.c"):
        with pytest.raises(Unauthenticated, match=r"^Unknown token$"):
            await sign_in.viewer_of(f"Bearer {token}")
    # Sign-in with JSON Web Tokens is off until it is set up.
    with pytest.raises(Unauthenticated, match=r"^Unknown token$"):
        await sign_in.viewer_of(f"Bearer {sign(SECRET, 'HS256')}")


async def test_json_web_tokens_beside_api_tokens(database: Database) -> None:
    sign_in = SignIn(database, jwt_settings(jwt_algorithms="HS256", jwt_key=SECRET))
    viewer = await sign_in.viewer_of(f"Bearer {sign(SECRET, 'HS256', role='viewer')}")
    assert (viewer.name, viewer.role, viewer.engine) == ("ada", Role.VIEWER, None)
    assert viewer.expires_at is not None
    secret, _ = await create_token(database, "token", Role.ADMIN)
    assert (await sign_in.viewer_of(f"Bearer {secret}")).name == "token"
    await sign_in.close()


async def test_revoked_at_once_and_use_is_noted(database: Database) -> None:
    sign_in = sign_in_to(database)
    secret, token = await create_token(database, "ada", Role.ADMIN)
    for _ in range(3):
        await sign_in.viewer_of(f"Bearer {secret}")
    await revoke_token(database, token.id)
    with pytest.raises(Unauthenticated, match="revoked"):
        await sign_in.viewer_of(f"Bearer {secret}")
    for _ in range(1000):
        if (await list_tokens(database))[0].last_used_at is not None:
            break
        await asyncio.sleep(0.005)
    else:
        pytest.fail("the use was not noted")
    await sign_in.close()


async def test_errors_of_the_database_are_not_unauthenticated(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, _ = await create_token(database, "ada", Role.ADMIN)

    async def fail(sql: str, *params: Any) -> Any:
        raise OSError("the database is gone")

    monkeypatch.setattr(database, "fetch_by_key", fail)
    with pytest.raises(OSError, match="gone"):
        await sign_in_to(database).viewer_of(f"Bearer {secret}")
