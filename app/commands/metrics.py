"""runwatch metrics."""

from __future__ import annotations

import typer

from app.commands.running import run
from app.metrics.rebuilding import rebuild as rebuild_database
from app.server.console import console


def rebuild(*, check: bool) -> None:
    """Compute the rollups and correct what differs; with `check` only compare, and exit with 1 if a row differs."""
    differing = run(lambda database, _: rebuild_database(database, fix=not check))
    console.print(f"{differing} rows differed")
    if check and differing:
        raise typer.Exit(1)
