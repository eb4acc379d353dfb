"""The token of a development server: made at its start, kept in the data folder for the person in front of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from app.db import Database
from app.errors import NotFound, Unauthenticated
from app.private_file import PrivateFolder
from app.roles import Role
from app.tokens import check_token, create_token, revoke_token

FILE_NAME = "dev-token"
NAME = "development"


async def development_token(database: Database, data_dir: Path) -> str:
    """The secret of an ADMIN token, kept in <data_dir>/dev-token (mode 0600).

    The one that is there is used again while it holds; otherwise a new one takes its place. Several processes may ask
    at once and get the same. OSError when the folder cannot be written.
    """
    with await asyncio.to_thread(PrivateFolder, data_dir) as folder:
        kept, is_private = folder.read(FILE_NAME)
        if kept and is_private and await _holds(database, kept):
            return kept
        if kept and not is_private:
            # Others could read it. It might be theirs as well, so nothing less than ending it will do.
            with suppress(NotFound):
                await revoke_token(database, kept)
        secret, _ = await create_token(database, NAME, Role.ADMIN)
        folder.write(FILE_NAME, secret)
        return secret


async def _holds(database: Database, secret: str) -> bool:
    try:
        return (await check_token(database, secret)).role is Role.ADMIN
    except Unauthenticated:
        return False
