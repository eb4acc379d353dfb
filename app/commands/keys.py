"""runwatch secret."""

from __future__ import annotations

import typer

from app.commands.running import run
from app.secrets.rotation import rotate as rotate_database
from app.secrets.sealing import new_key
from app.server.console import console
from app.server.keys import open_sealer


def make() -> None:
    """Print a new key."""
    typer.echo(new_key())


def rotate() -> None:
    """Encrypt everything again with the first key; exits with 1 if there is something that no key opens."""
    rotated, unreadable = run(lambda database, settings: rotate_database(database, open_sealer(settings)))
    console.print(f"Encrypted {rotated} values with the first key")
    if unreadable:
        console.print(f"No key opens {unreadable} values", style="yellow")
        raise typer.Exit(1)
