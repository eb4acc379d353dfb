"""The token of a development server: made at its start, kept in the data folder for the person in front of it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from app.db import Database
from app.errors import NotFound, Unauthenticated
from app.roles import Role
from app.tokens import check_token, create_token, revoke_token

FILE_NAME = "dev-token"
NAME = "development"
_MOST_BYTES = 1024


async def development_token(database: Database, data_dir: Path) -> str:
    """The secret of an ADMIN token, kept in <data_dir>/dev-token (mode 0600).

    The one that is there is used again while it holds; otherwise a new one takes its place. Several processes may ask
    at once and get the same. OSError when the folder cannot be written.
    """
    folder = await asyncio.to_thread(_lock, data_dir)
    try:
        path = data_dir / FILE_NAME
        kept, is_private = _read(path)
        if kept and is_private and await _holds(database, kept):
            return kept
        if kept and not is_private:
            # Others could read it. It might be theirs as well, so nothing less than ending it will do.
            with suppress(NotFound):
                await revoke_token(database, kept)
        secret, _ = await create_token(database, NAME, Role.ADMIN)
        _write(path, secret)
        return secret
    finally:
        os.close(folder)  # which unlocks it


async def _holds(database: Database, secret: str) -> bool:
    try:
        return (await check_token(database, secret)).role is Role.ADMIN
    except Unauthenticated:
        return False


def _lock(data_dir: Path) -> int:
    """Make the folder when it is missing, wait until nobody else has it, and return it open."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    return folder


def _read(path: Path) -> tuple[str, bool]:
    """What the file holds ("" when there is none) and whether only we can read it. Links are not followed."""
    try:
        # O_NONBLOCK: opening a pipe that somebody put there must not hang the start.
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return "", False
    try:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            return "", False
        is_private = about.st_uid == os.geteuid() and not about.st_mode & 0o077
        return os.read(file, _MOST_BYTES).decode("ascii", errors="replace").strip(), is_private
    finally:
        os.close(file)


def _write(path: Path, secret: str) -> None:
    """Put a new file in place of whatever is there: never half written, at no moment readable by others."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.write(file, f"{secret}\n".encode("ascii"))
    finally:
        os.close(file)
    draft.replace(path)
