"""The whole application in this process, with a client for each role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from app.auth.roles import Role
from app.auth.tokens import create_token
from app.db import Database
from app.main import create_app
from app.settings import Settings
from tests.sealing import SEALER


@asynccontextmanager
async def client_of(
    database: Database, role: Role | None = Role.VIEWER, engine: str | None = None, **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is signed in with a new token of this role; None: not at all."""
    app = create_app(Settings.model_validate(settings), database, SEALER)
    headers = {}
    if role is not None:
        secret, _ = await create_token(database, role.lower(), role, engine)
        headers["authorization"] = f"Bearer {secret}"
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client


def code_in(answer: httpx.Response) -> str:
    """The code of the only error of an answer."""
    (error,) = answer.json()["errors"]
    code: str = error["extensions"]["code"]
    return code
