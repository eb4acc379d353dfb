"""runwatch prune."""

from __future__ import annotations

from app import clock
from app.commands.running import run
from app.db import Database
from app.errors import BadInput
from app.pruning import prune as prune_database
from app.server.console import console
from app.settings import Settings


def prune(days: float | None) -> None:
    """Delete finished runs that were queued more than `days` ago, or than the settings say."""

    async def work(database: Database, settings: Settings) -> int:
        given = settings.kept_days if days is None else days
        if given is None:
            raise BadInput("Pass --older-than DAYS, or set RUNWATCH_KEPT_DAYS")
        before = clock.now_us() - round(given * clock.DAY)
        return await prune_database(database, before, keep_metrics=settings.prune_keeps_metrics)

    deleted = run(work)
    console.print(f"Deleted {deleted} executions")
