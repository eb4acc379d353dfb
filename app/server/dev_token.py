"""The tokens of a development server: created at its start, kept in the data folder for its user."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from app.auth.roles import Role
from app.auth.tokens import check_token, create_token, revoke_token
from app.db import Database
from app.errors import NotFound, Unauthenticated
from app.secrets.private_folder import PrivateFolder

FILE_NAME = "dev-token"
ENGINE_FILE_NAME = "engine-token"
NAME = "development"


async def development_token(database: Database, data_dir: Path) -> str:
    """The secret of an ADMIN token, kept in <data_dir>/dev-token (mode 0600).

    Uses an existing token while it is valid, and otherwise replaces it. Several processes may ask at once and get the
    same. OSError if the folder cannot be written.
    """
    return await _kept_token(database, data_dir, FILE_NAME, Role.ADMIN, None)


def kept_development_token(data_dir: Path) -> str | None:
    """The prefix of that token, if the folder has one; it may have ended."""
    try:
        kept = (data_dir / FILE_NAME).read_text().strip()
    except OSError:
        return None
    return kept.rpartition("_")[0] or None


async def engine_token(database: Database, data_dir: Path, engine: str) -> str:
    """The same for a RUNNER token of an engine, kept in <data_dir>/engine-token."""
    return await _kept_token(database, data_dir, ENGINE_FILE_NAME, Role.RUNNER, engine)


async def _kept_token(database: Database, data_dir: Path, file_name: str, role: Role, engine: str | None) -> str:
    with await asyncio.to_thread(PrivateFolder, data_dir) as folder:
        kept, is_private = folder.read(file_name)
        if kept and is_private and await _holds(database, kept, role, engine):
            return kept
        if kept and not is_private:
            # Others could read it. It might be theirs too, so nothing less than revoking it will do.
            with suppress(NotFound):
                await revoke_token(database, kept)
        secret, _ = await create_token(database, NAME, role, engine)
        folder.write(file_name, secret)
        return secret


async def _holds(database: Database, secret: str, role: Role, engine: str | None) -> bool:
    try:
        token = await check_token(database, secret)
    except Unauthenticated:
        return False
    return token.role is role and token.engine == engine
