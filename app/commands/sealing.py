"""The sealer of a command, whose servers have to read what it seals."""

from __future__ import annotations

from app.db import Database
from app.errors import Conflict
from app.presence import check_readable, pull_in, running
from app.secrets.sealing import Sealer
from app.server.keys import has_key, sealer_of
from app.settings import Settings


async def sealer_for_servers(database: Database, settings: Settings) -> Sealer:
    """The sealer of the settings. Conflict if a running server could not read what it seals; no key is made then."""
    await database.transaction(pull_in)
    if not has_key(settings) and (others := await running(database)):
        raise Conflict(
            f"RUNWATCH_SECRET_KEY: not set, {settings.data_dir.absolute()} has no key, and this database has a running"
            f" server ({others[0]}): run the command with the server's RUNWATCH_SECRET_KEY, or its RUNWATCH_DATA_DIR"
        )
    sealer = await sealer_of(database, settings)
    await check_readable(database, sealer)
    return sealer
