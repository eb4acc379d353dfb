"""runwatch prune."""

from __future__ import annotations

from app import clock
from app.commands.running import run
from app.pruning import prune as prune_database
from app.server.console import console


def prune(days: float) -> None:
    """Delete finished runs that were queued more than `days` ago."""
    before = clock.now_us() - round(days * clock.DAY)
    deleted = run(
        lambda database, settings: prune_database(database, before, keep_metrics=settings.prune_keeps_metrics)
    )
    console.print(f"Deleted {deleted} executions")
