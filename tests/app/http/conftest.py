"""Who may come in."""

from collections.abc import AsyncIterator

import pytest

from app.auth import SignIn
from app.db import Database
from tests.app.auth.issuer import jwt_settings
from tests.app.http.gates import SECRET


@pytest.fixture
async def sign_in(database: Database) -> AsyncIterator[SignIn]:
    opened = SignIn(database, jwt_settings(jwt_algorithms="HS256", jwt_key=SECRET))
    yield opened
    await opened.close()
