"""runwatch secret."""

from __future__ import annotations

import typer

from app.commands.running import run
from app.db import Database
from app.errors import BadInput
from app.presence import check_first, pull_in
from app.secrets.rotation import rotate as rotate_database
from app.secrets.sealing import new_key
from app.server.console import console
from app.server.keys import has_key, open_sealer
from app.settings import Settings


def make() -> None:
    """Print a new key."""
    typer.echo(new_key())


def rotate() -> None:
    """Encrypt everything again with the first key; exits with 1 if there is something that no key opens."""

    async def work(database: Database, settings: Settings) -> tuple[int, int]:
        if not has_key(settings):
            raise BadInput("RUNWATCH_SECRET_KEY: not set; set it to the new key and the old ones, newest first")
        sealer = open_sealer(settings)
        await database.transaction(pull_in)
        await check_first(database, sealer)
        done = await rotate_database(database, sealer)
        await check_first(database, sealer)  # one may have been started meanwhile
        return done

    rotated, unreadable = run(work)
    console.print(f"Encrypted {rotated} values with the first key")
    if unreadable:
        console.print(f"No key opens {unreadable} values", style="yellow")
        raise typer.Exit(1)
